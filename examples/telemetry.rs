//! Every call as a span of OpenTelemetry: what was called, how often it was sent, what it ended with.

use examples::{Failure, sandbox, seller};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use sp_listings::{GetListingsItem, Marketplace, Sku};
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let exporter = InMemorySpanExporter::default(); // in earnest: an exporter that sends them, such as opentelemetry-otlp's
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("shop"));
    let ours = Targets::new().with_target("core_http", tracing::Level::DEBUG);
    tracing_subscriber::registry().with(spans.with_filter(ours)).try_init()?;

    let sandbox = sandbox().await?;
    let (client, seller) = seller(&sandbox, "europe")?;
    for sku in ["SÜET 41/42", "NO-SUCH-SKU"] {
        let read = GetListingsItem::new(seller.clone(), Sku::new(sku)?, [Marketplace::DE]);
        match client.call(read).await {
            Ok(item) => println!("{} is there", item.sku.as_str()),
            Err(error) => println!("{error}"),
        }
    }

    // Bodies, queries and secrets are in no span; the path is the template, without the SKU.
    for span in exporter.get_finished_spans()? {
        println!("{}, {} events", span.name, span.events.len());
        for attribute in &span.attributes {
            println!("  {} = {}", attribute.key, attribute.value);
        }
    }
    Ok(())
}
