//! Has MultiCartAPI watch products at one postcode, and reads what it has seen so far.

use examples::{Failure, sandbox};
use futures_util::stream;
use multicart::{
    Builder, CollectionId, GetOutput, ListDomains, ListOutputs, ListPostcodes,
    enrol::{self, Place, Way},
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

    // ASINs are enrolled by the names of shop and postcode; they must be known to the account.
    let domains = client.call(ListDomains::new()).await?;
    let domain =
        domains.into_iter().find(|domain| domain.domain == DOMAIN).ok_or("MultiCartAPI does not know the shop")?;
    let postcodes = client.call(ListPostcodes::new().domain(domain.id)).await?;
    postcodes.iter().find(|row| row.zipcode == POSTCODE).ok_or("create the postcode first")?;

    // What the collection shows is what counts: a refused duplicate, or an answer that was lost, is looked up there.
    let collection = CollectionId(101);
    let place = Place::new(DOMAIN, POSTCODE);
    let wanted = stream::iter(["B0DJQQ38TG".parse()?, "B0XYZ99999".parse()?].map(|asin| place.watch(asin)));
    let plan = enrol::plan(&client, collection, wanted).await?;
    for (item, outcome) in plan.send(&client, Way::Batches(500)).await? {
        println!("{} at {POSTCODE}: {outcome:?}", item.asin);
    }

    for output in client.call(ListOutputs::new(collection)).await? {
        let seen = client.call(GetOutput::new(output.id)).await?.output_json.ok_or("an output without content")?;
        println!("seen: {} for {} ({})", seen["asin"], seen["price"], seen["availability"]);
    }
    Ok(())
}
