//! `asin call`: any operation by its name.

mod cost;

use crate::consent::Leave;
use crate::failure::{Ended, Failure, say};
use crate::input;
use crate::names::unknown;
use crate::output::json;
use crate::session::Selling;
use crate::stop::{broken_off, left_off, unless_stopped};
use asin_facade::core_http::{Answer, Client, Named, OperationInfo, Result as Called, Safety, Vendor};
use asin_facade::{dataforseo_merchant, multicart, sp_listings};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Calls any operation by its name, with its arguments as JSON, and prints the answer as JSON
///
/// Arguments have the names that the vendor gives them; `asin operations` lists the operations and what each risks.
/// What does more than read is shown first and needs consent. What is charged or changes something each time (`once`)
/// is never sent a second time once it may have been applied.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin call getListingsItem --json '{\"sellerId\":\"A1\",\"sku\":\"S-1\",\"marketplaceIds\":[\"A1PA6795UKMFR9\"]}'
  asin call UserData --meta
  asin call AmazonAsinTaskPost --json @tasks.json --budget 0.10
  echo '{}' | asin call users.credits --json -")]
pub struct Arguments {
    /// The vendor's own name of the operation
    operation: String,
    /// The arguments: JSON, `-` for standard input, or `@FILE`; keep what is secret off the command line
    #[arg(long, value_name = "JSON", default_value = "{}", hide_default_value = true)]
    json: String,
    /// Print what is around the answer too: request id, status, attempts, elapsed time, cost
    #[arg(long)]
    meta: bool,
    /// The most that it may cost, in US dollars; refused where that is not known
    #[arg(long, value_name = "USD", value_parser = input::amount)]
    budget: Option<Decimal>,
    #[command(flatten)]
    leave: Leave,
    #[command(flatten)]
    selling: Selling,
}

/// Finds the operation's vendor, and sends it there.
pub async fn run(arguments: Arguments) -> Ended {
    let name = arguments.operation.as_str();
    let operations = asin_facade::operations();
    let info = operations.into_iter().find(|info| info.name == name).ok_or_else(|| unknown(name))?;
    let given = input::json(&arguments.json)?;
    let mut session = arguments.selling.open().await?;
    if arguments.leave.is_dry_run() {
        session.only_to_show();
    }
    match info.vendor {
        "dataforseo" => {
            let (client, _) = session.dataforseo()?;
            let operation = dataforseo_merchant::named(&client, name, given);
            let most = match &operation {
                Some(Ok(paid)) if !arguments.leave.is_dry_run() => cost::most(&client, paid.request()).await?,
                _ => None,
            };
            send(&client, operation, info, &arguments, most).await
        }
        "multicart" => {
            let client = session.multicart()?;
            send(&client, multicart::named(&client, name, given), info, &arguments, None).await
        }
        _ => {
            let client = arguments.selling.seller_in(session)?.client;
            send(&client, sp_listings::named(&client, name, given), info, &arguments, None).await
        }
    }
}

async fn send<V: Vendor>(
    client: &Client<V>,
    operation: Option<Called<Named<V>>>,
    info: &OperationInfo,
    arguments: &Arguments,
    most: Option<Decimal>,
) -> Ended {
    let operation = operation.ok_or_else(|| unknown(info.name))??;
    if arguments.leave.is_dry_run() {
        json(&request(&operation))?;
        say("asin: --dry-run: nothing was sent");
        return Ok(ExitCode::SUCCESS);
    }
    if operation.safety() != Safety::ReadOnly {
        within(arguments.budget, most, operation.safety())?;
        let risk = match operation.safety() {
            Safety::Once => "it is charged or changes something each time, so it is sent once",
            _ => "it changes something; sent twice, it ends in the same state",
        };
        let most = match most {
            Some(usd) => format!(" It costs at most {} USD.", usd.normalize()),
            None if operation.name() == "runs.start" => {
                " `asin collections run` says first how many credits it costs.".to_owned()
            }
            None => String::new(),
        };
        let subject = format!("{:#}\n{}: {risk}.{most}", request(&operation), operation.name());
        if let Some(ended) = arguments.leave.refused(subject, "Send it?").await? {
            return Ok(ended);
        }
    }
    let reads = operation.safety() == Safety::ReadOnly;
    let work = async {
        let answer = client.exchange_named(operation).await?;
        json(&if arguments.meta { with_meta(info, answer) } else { answer.value })?;
        Ok(ExitCode::SUCCESS)
    };
    match unless_stopped(work).await? {
        Some(code) => Ok(code),
        None if reads => Err(left_off()),
        None => Err(broken_off("find out what became of it before it is sent again")),
    }
}

/// Refuses what would cost more than the budget, or nobody knows how much.
fn within(budget: Option<Decimal>, most: Option<Decimal>, safety: Safety) -> Result<(), Failure> {
    match (budget, most) {
        (Some(budget), Some(most)) if most > budget => Err(Failure::funds(format!(
            "it costs up to {} USD, more than the budget of {budget} USD: nothing was sent",
            most.normalize()
        ))),
        (Some(_), None) if safety == Safety::Once => {
            Err(Failure::usage("--budget: what it costs in US dollars is not known: nothing was sent"))
        }
        _ => Ok(()),
    }
}

/// Fields whose values are not shown.
const SECRET: [&str; 4] = ["password", "token", "postback_url", "pingback_url"];

/// Puts dots in the place of secrets.
fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| match value {
            Value::String(text) if SECRET.contains(&name.as_str()) => "…".clone_into(text),
            value => hide(value),
        }),
        Value::Array(list) => list.iter_mut().for_each(hide),
        _ => {}
    }
}

/// The request as it would be sent, without credentials and secrets.
fn request<V: Vendor>(operation: &Named<V>) -> Value {
    let request = operation.request();
    let mut body = match &**request.body() {
        [] => Value::Null,
        body => serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into()),
    };
    hide(&mut body);
    json!({
        "operation": operation.name(),
        "safety": operation.safety().as_str(),
        "method": request.method().as_str(),
        "url": request.uri().to_string(),
        "body": body,
    })
}

fn with_meta(info: &OperationInfo, answer: Answer<Value>) -> Value {
    json!({
        "meta": {
            "vendor": info.vendor,
            "operation": info.name,
            "status": answer.status.as_u16(),
            "request_id": answer.request_id,
            "attempts": answer.attempts,
            "elapsed_ms": u64::try_from(answer.elapsed.as_millis()).unwrap_or(u64::MAX),
            // DataForSEO says in its envelope what a call has cost, USD.
            "cost": answer.value.get("cost"),
        },
        "answer": answer.value,
    })
}
