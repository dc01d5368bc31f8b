//! From a list of ASINs to the files of a run: a postcode is registered, the ASINs are enrolled, a run is started with care
//! for what it costs, its file and the newest output are streamed to the disk.

use asin_sandbox::{Market, Sandbox};
use examples::Failure;
use futures_util::{TryStreamExt, stream};
use multicart::{
    AwaitPostcode, AwaitRun, Builder, CollectionId, Fields, GetFile, ListDomains, ListOutputs, ListRuns, Prepared,
    enrol,
    enrol::{Place, Way},
    outputs, postcodes,
    runs::{self, Started},
};
use std::time::Duration;

const DOMAIN: &str = "amazon.com.au";
const POSTCODE: &str = "2000";
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // The sandbox's clock runs fast here, so that a minute of the service is a moment.
    let market = Market::read(concat!(env!("CARGO_MANIFEST_DIR"), "/market.json"))?;
    let sandbox = Sandbox::builder().market(market).speed(600.0).start().await?;
    let demo = sandbox.demo().multicart;
    let client = Builder::new(demo.api_key)
        .base_url(demo.base_url.parse()?) // for the sandbox only
        .build()?;
    let pace = Duration::from_secs(1);

    let domains = client.call(ListDomains::new()).await?;
    let domain = domains.iter().find(|row| row.domain == DOMAIN).ok_or("MultiCartAPI does not know the shop")?.id;
    let postcode = postcodes::register(&client, domain, POSTCODE).await?;
    let prepared = client.wait(AwaitPostcode::new(domain, postcode.id), pace, PATIENCE).await?.done();
    let Some(Prepared::Active(postcode)) = prepared else { return Err("the postcode cannot be used".into()) };
    println!("postcode {} can be used", postcode.zipcode);

    let collection = CollectionId(101);
    let place = Place::new(DOMAIN, POSTCODE);
    let wanted = stream::iter(["B0DJQQ38TG".parse()?, "B0XYZ99999".parse()?].map(|asin| place.watch(asin)));
    let plan = enrol::plan(&client, collection, wanted).await?.patience(PATIENCE);
    println!("the collection holds {}, {} more are wanted", plan.holds(), plan.missing().len());
    for (item, outcome) in plan.send(&client, Way::Csv).await? {
        println!("{}: {outcome:?}", item.asin);
    }

    // Which field names the collection is not documented: ours to say.
    let history = ListRuns::new(Fields::naming("collection_id", collection));
    let before = match runs::start(&client, collection, history.clone()).await? {
        Started::Accepted { before, .. } => before,
        other => return Err(format!("not started: {other:?}").into()),
    };
    let runs = runs::runner_ids(&client, history.clone()).await?;
    let runner = runs.difference(&before).next().ok_or("the run is not in the history yet")?.clone();
    let run =
        client.wait(AwaitRun::new(runner.clone(), history), pace, PATIENCE).await?.done().ok_or("still running")?;

    let folder = tempfile::tempdir()?;
    for name in run.file_names() {
        // The name goes into the address, never into a path of this machine.
        let file =
            client.download(GetFile::new(collection, runner.clone(), name), folder.path().join("page.json")).await?;
        println!("a file of {} bytes", file.bytes);
    }
    let listed: Vec<_> = client.pages(ListOutputs::new(collection)).items().try_collect().await?;
    let newest = listed.iter().max_by_key(|output| output.id).ok_or("no output")?;
    let saved = outputs::save(&client, newest.id, folder.path().join("output.json")).await?;
    println!("output {} on the disk, {} bytes", newest.id, saved.bytes);
    Ok(())
}
