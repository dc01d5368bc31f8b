//! Has MultiCartAPI watch products at one postcode, and reads what it has seen so far.

use core_http::Asin;
use examples::{Failure, sandbox};
use futures_util::TryStreamExt;
use multicart::{
    AsinRow, Builder, CollectionId, CreateAsins, GetOutput, ListAsins, ListDomains, ListOutputs, ListPostcodes,
};

const DOMAIN: &str = "amazon.com.au";
const POSTCODE: &str = "4500";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = sandbox().await?;
    let demo = sandbox.demo().multicart;
    let client = Builder::new(demo.api_key)
        .base_url(demo.base_url.parse()?) // for the sandbox only
        .build()?;

    // `create/multiple/` takes names; they must be known to the account.
    let domains = client.call(ListDomains::new()).await?;
    let domain =
        domains.into_iter().find(|domain| domain.domain == DOMAIN).ok_or("MultiCartAPI does not know the shop")?;
    let postcodes = client.call(ListPostcodes::new().domain(domain.id)).await?;
    postcodes.iter().find(|row| row.zipcode == POSTCODE).ok_or("create the postcode first")?;

    let collection = CollectionId(101);
    let asins: Vec<Asin> = vec!["B0DJQQ38TG".parse()?, "B0XYZ99999".parse()?];
    let enrolled = client.call(CreateAsins::new(collection, DOMAIN, POSTCODE, asins.clone())).await?;
    println!("{} enrolled", enrolled.success_count.unwrap_or_default());
    for refused in &enrolled.error_rows {
        println!("{}: {}", refused.asin.as_deref().unwrap_or("?"), refused.error.as_deref().unwrap_or("?"));
    }

    // A refusal is fine if the collection shows that the product is watched there already.
    let watched: Vec<AsinRow> = client.pages(ListAsins::new(collection)).items().try_collect().await?;
    for asin in asins {
        let there = |row: &AsinRow| {
            row.asin == Some(asin)
                && row.domain.as_ref().is_some_and(|domain| domain.domain == DOMAIN)
                && row.postcode.as_ref().is_some_and(|postcode| postcode.zipcode == POSTCODE)
        };
        println!("{asin} is {}watched at {POSTCODE}", if watched.iter().any(there) { "" } else { "not " });
    }

    for output in client.call(ListOutputs::new(collection)).await? {
        let seen = client.call(GetOutput::new(output.id)).await?.output_json.ok_or("an output without content")?;
        println!("seen: {} for {} ({})", seen["asin"], seen["price"], seen["availability"]);
    }
    Ok(())
}
