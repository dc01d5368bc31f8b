//! `asin sync` from end to end, against a sandbox that keeps the bill.

use crate::asin::{Ran, Served, asin, run};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const CATALOGUE: &str = "account,sku,asin,marketplace,postcode,min_price,max_price,quantity,max_handling_days\n\
    shop,LAMP ö/1,B000000001,DE,10115,8,12,7,\n\
    shop,USED-2,B000000002,DE,10115,8,12,,\n\
    shop,GONE-3,B000000001,DE,10115,8,12,,\n\
    shop,AWAY-4,B000000001,US,10001,8,12,,\n";

/// One rival below us, one product that is only offered used, one SKU that nobody has.
fn market() -> Value {
    let offer = |seller: &str, price: &str, condition: &str| json!({"marketplace": "A1PA6795UKMFR9", "seller_id": seller, "price": price, "condition": condition});
    let listing = |sku: &str, asin: &str| json!({"seller_id": "A1SELLER", "sku": sku, "marketplace": "A1PA6795UKMFR9", "asin": asin, "price": "10.00", "quantity": 5});
    json!({
        "accounts": [{"name": "shop", "seller_id": "A1SELLER", "region": "eu"}],
        "products": [
            {"asin": "B000000001", "offers": [offer("A2RIVAL", "9.00", "New"), offer("A1SELLER", "8.50", "New")]},
            {"asin": "B000000002", "offers": [offer("A2RIVAL", "9.00", "Used - Good")]},
        ],
        "listings": [listing("LAMP ö/1", "B000000001"), listing("USED-2", "B000000002")],
    })
}

/// A folder with a catalogue and its market.
pub struct Shop {
    folder: TempDir,
    pub catalogue: String,
}

impl Shop {
    pub fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("market.json"), market().to_string()).unwrap();
        let catalogue = folder.path().join("catalogue.csv");
        std::fs::write(&catalogue, CATALOGUE).unwrap();
        let catalogue = catalogue.to_str().unwrap().to_owned();
        Self { folder, catalogue }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn serve(&self) -> Served {
        Served::start(&["--market", self.file("market.json").to_str().unwrap()])
    }

    pub fn sync(&self, flags: &[&str]) -> Command {
        asin(&[&["sync", &self.catalogue], flags].concat())
    }
}

/// The report's rows, each with its outcome, and the totals.
pub fn report(ran: &Ran) -> (Vec<String>, Value) {
    let mut lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let totals = lines.pop().unwrap()["totals"].take();
    let outcome = |row: &Value| match row["reason"].as_str() {
        Some(reason) => format!("{} {}({reason})", row["sku"].as_str().unwrap(), row["outcome"].as_str().unwrap()),
        None => format!("{} {}", row["sku"].as_str().unwrap(), row["outcome"].as_str().unwrap()),
    };
    (lines.iter().map(outcome).collect(), totals)
}

pub fn times_billed(ledger: &Value) -> Vec<u64> {
    ledger["charges"].as_object().unwrap().values().map(|charge| charge["times"].as_u64().unwrap()).collect()
}

#[test]
fn the_embedded_sandbox_needs_no_credentials() {
    let shop = Shop::open();
    let ran = run(shop.sync(&["--sandbox", "--yes"]), "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let row = ran.out.lines().find(|line| line.contains("LAMP ö/1")).unwrap();
    for part in ["B000000001", "9.00 EUR (DataForSEO)", "10.00 EUR → 9.00 EUR", "5 → 7", "submitted"] {
        assert!(row.contains(part), "{part} in {row}");
    }
    assert!(ran.out.contains("skipped(unconfirmed): "), "{}", ran.out);
    assert!(ran.out.contains("spent: 0.002 USD"), "{}", ran.out);
    assert!(ran.err.contains("publish: done"), "{}", ran.err);
    assert!(ran.err.contains("0 throttled; 0.002 USD spent, 0 USD reserved; "), "{}", ran.err);
    assert!(!shop.file(".asin").exists(), "the state of an embedded sandbox is not kept");
}

#[test]
fn without_leave_nothing_is_paid_or_written_and_the_next_run_knows_what_was_sent() {
    let shop = Shop::open();
    let sandbox = shop.serve();
    let sandboxed = format!("--sandbox={}", sandbox.url);

    for flags in [&["--json"][..], &["--json", "--yes", "--dry-run"]] {
        let ran = run(shop.sync(&[&[sandboxed.as_str()], flags].concat()), "");
        // Leave that was not given is no success; asked for, a dry run is one.
        assert_eq!(ran.code, Some(if flags.len() == 1 { 2 } else { 0 }), "{}", ran.err);
        assert_eq!(ran.err.contains("without --yes"), flags.len() == 1, "{}", ran.err);
        let (_, totals) = report(&ran);
        assert_eq!((&totals["usd"], &totals["usd_not_spent"]), (&json!("0"), &json!("0.002")));
        let ledger = sandbox.get("/_sandbox/ledger");
        assert_eq!((&ledger["charges"], &ledger["writes"]), (&json!({}), &json!([])));
    }

    let ran = run(shop.sync(&[&sandboxed, "--json", "--yes"]), "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let (rows, totals) = report(&ran);
    let expected = [
        "LAMP ö/1 submitted",
        "USED-2 skipped(unconfirmed)",
        "GONE-3 skipped(not_listed)",
        "AWAY-4 refused(outside_region)",
    ];
    assert_eq!(rows, expected);
    assert_eq!(totals["outcomes"]["submitted"], 1);
    assert_eq!(times_billed(&sandbox.get("/_sandbox/ledger")), [1, 1]);
    let writes = sandbox.get("/_sandbox/ledger")["writes"].as_array().unwrap().len();
    assert_eq!(writes, 2, "price, then stock");

    let ran = run(shop.sync(&[&sandboxed, "--json", "--yes"]), "");
    let (rows, totals) = report(&ran);
    assert_eq!(rows[0], "LAMP ö/1 applied");
    assert_eq!(totals["usd"], "0", "a fresh observation is not paid for again");
    let ledger = sandbox.get("/_sandbox/ledger");
    assert_eq!(ledger["writes"].as_array().unwrap().len(), writes);
    let kept: Vec<_> = std::fs::read_dir(shop.file(".asin")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let port = sandbox.url.rsplit(':').next().unwrap();
    assert_eq!(kept, [format!("sandbox-{port}").as_str()], "what a sandbox showed stays apart from the real state");
}

#[test]
fn real_credentials_come_from_the_environment() {
    let shop = Shop::open();
    let sandbox = shop.serve();
    let accounts =
        "[accounts.shop]\nseller_id = \"A1SELLER\"\nregion = \"eu\"\nrefresh_token_env = \"REFRESH_TOKEN_1\"\n";
    std::fs::write(shop.file("asin.toml"), accounts).unwrap();
    let state = shop.file("state");
    let mut command = shop.sync(&["--json", "--yes", "--state", state.to_str().unwrap(), "-v"]);
    command.envs(sandbox.environment.iter().map(|(name, value)| (name, value)));
    // Where nobody says that minutes are seconds, results are looked for less often; the listings are read all the same.
    command.args(["--dry-run"]);
    let ran = run(command, "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.err.contains("getListingsItem"), "-v tells the calls: {}", ran.err);
    assert!(state.is_dir() && !shop.file(".asin").exists());
    for (name, secret) in &sandbox.environment {
        let is_secret = ["PASSWORD", "KEY", "SECRET", "TOKEN"].iter().any(|word| name.contains(word));
        assert!(!is_secret || !(ran.err.contains(secret.as_str()) || ran.out.contains(secret.as_str())), "{name}");
    }
}

#[test]
fn a_write_without_an_answer_is_unknown_until_the_listing_shows_it() {
    let shop = Shop::open();
    let mut market = market();
    market["listings"][0]["applies"] = json!("later");
    std::fs::write(shop.file("market.json"), market.to_string()).unwrap();
    let sandbox = shop.serve();
    // The first PATCH is the preview of the price, the second one sends it.
    let fault = json!({"method": "PATCH", "path": "/listings/*", "call": 2, "action": "cut_after_work"});
    sandbox.send("POST", "/_sandbox/faults", &fault.to_string());
    let flags = [&format!("--sandbox={}", sandbox.url), "--json", "--yes"];
    let ran = run(shop.sync(&flags), "");
    let (rows, _) = report(&ran);
    assert_eq!(ran.code, Some(1), "{rows:?} {}", ran.err);
    assert!(rows[0].starts_with("LAMP ö/1 unknown("), "{rows:?}");
    let settled = (0..100).map(|_| run(shop.sync(&flags), "")).find(|ran| !report(ran).0[0].contains("unknown("));
    let settled = settled.expect("a listing that is applied is recognised");
    assert_eq!(settled.code, Some(0), "{}", settled.err);
    let ledger = sandbox.get("/_sandbox/ledger");
    let writes = ledger["writes"].as_array().unwrap();
    let prices = writes.iter().filter(|write| write["attributes"] == json!(["purchasable_offer"]));
    assert_eq!(prices.count(), 1, "{writes:?}");
}

#[test]
fn killed_after_paying_it_collects_and_pays_nothing_twice() {
    let shop = Shop::open();
    let sandbox = shop.serve();
    let fault = json!({"method": "POST", "path": "/v3/*/task_post", "call": 1, "action": "cut_after_work"});
    sandbox.send("POST", "/_sandbox/faults", &fault.to_string());
    let flags = [&format!("--sandbox={}", sandbox.url), "--json", "--yes"];
    let mut killed = shop.sync(&flags);
    let killed = killed.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut killed = killed.spawn().unwrap();
    while times_billed(&sandbox.get("/_sandbox/ledger")).is_empty() {
        assert!(killed.try_wait().unwrap().is_none(), "it ended before it paid");
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    // The vendor's list of tasks lags: until they show there, what was paid for is unknown, and stays unpaid.
    let restarted = (0..100).map(|_| run(shop.sync(&flags), "")).find(|ran| ran.code == Some(0));
    let restarted = restarted.expect("the tasks turn up in the vendor's list");
    assert_eq!(report(&restarted).0[0], "LAMP ö/1 submitted", "{}", restarted.err);
    assert_eq!(times_billed(&sandbox.get("/_sandbox/ledger")), [1, 1]);
}

#[test]
fn every_line_of_json_is_what_the_schema_says() {
    let text = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/report.schema.json")).unwrap();
    let schema: Value = serde_json::from_slice(&text).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let catalogue = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/catalogue.csv");
    let ran = run(asin(&["sync", catalogue, "--sandbox", "--watch", "--discover", "--yes", "--json"]), "");
    let mut lines = ran.lines();
    assert_eq!(lines.len(), 15, "{}", ran.err);
    lines.push(json!({"version": 1, "run": "20261125T101500.250Z", "at": "2026-11-25T10:15:00.25Z", "writes": 3}));
    for mut line in lines {
        let wrong: Vec<String> = schema.iter_errors(&line).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:?} in {line}");
        line["version"] = json!(2);
        assert!(!schema.is_valid(&line), "another version is another schema");
    }
}

#[test]
fn a_report_has_a_form_for_spreadsheets_and_an_exit_code_for_what_was_not_done() {
    let shop = Shop::open();
    let sandbox = shop.serve();
    let place = format!("--sandbox={}", sandbox.url);
    let sync = |flags: &[&str]| run(shop.sync(&[&[place.as_str(), "--yes"], flags].concat()), "");
    let ran = sync(&["--budget", "0", "--json"]);
    assert_eq!((ran.code, report(&ran).0[1].as_str()), (Some(1), "USED-2 skipped(over_budget)"), "{}", ran.err);
    let shop = Shop::open();
    let sync = |flags: &[&str]| run(shop.sync(&[&[place.as_str(), "--yes"], flags].concat()), "");
    let ran = sync(&["--max-rows-changed", "0", "--json"]);
    assert_eq!((ran.code, report(&ran).0[0].as_str()), (Some(1), "LAMP ö/1 skipped(too_many_rows)"), "{}", ran.err);
    let refused = json!({"method": "GET", "path": "/listings/*", "action": {"html_error": {"status": 403}}});
    sandbox.send("POST", "/_sandbox/faults", &refused.to_string());
    let shop = Shop::open();
    let ran = run(shop.sync(&[&place, "--yes", "--budget", "0"]), "");
    ran.says(3, &["credentials were refused: nothing was paid for and nothing was written", "next: mend them"]);
    for (said, code, told) in [(40100, 3, "credentials"), (40210, 5, "no money")] {
        sandbox.send("DELETE", "/_sandbox/faults", "");
        let action = json!({"code": {"code": said}});
        let fault = json!({"method": "POST", "path": "/v3/merchant/*/task_post", "action": action});
        sandbox.send("POST", "/_sandbox/faults", &fault.to_string());
        let shop = Shop::open();
        run(shop.sync(&[&place, "--yes"]), "").says(code, &[told, "nothing was written"]);
    }
    sandbox.send("DELETE", "/_sandbox/faults", "");
    let ran = run(shop.sync(&[&place, "--yes", "--output", "csv"]), "");
    ran.says(0, &["spent: 0.002 USD"]);
    let mut reader = csv::Reader::from_reader(ran.out.as_bytes());
    let header = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |name: &str| &rows[0][header.iter().position(|title| title == name).unwrap()];
    assert_eq!(rows.len(), 4);
    let price = [cell("old_price"), cell("new_price"), cell("currency"), cell("source"), cell("outcome")];
    assert_eq!(price, ["10.00", "9.00", "EUR", "DataForSEO", "submitted"], "{}", ran.out);
}

#[test]
fn accounts_stand_beside_the_catalogue_or_the_profiles() {
    let shop = Shop::open();
    let sync = || {
        let mut command = shop.sync(&["--dry-run"]);
        command.env("XDG_CONFIG_HOME", shop.file("config"));
        run(command, "")
    };
    sync().says(2, &["asin.toml: No such file", "next: name the selling accounts in it"]);
    std::fs::create_dir_all(shop.file("config/asin")).unwrap();
    let accounts = "[accounts.shop]\nseller_id = \"A1SELLER\"\nregion = \"eu\"\nrefresh_token_env = \"T\"\n";
    std::fs::write(shop.file("config/asin/asin.toml"), accounts).unwrap();
    sync().says(3, &["SP_API_CLIENT_ID is not set"]);
}

#[test]
fn a_catalogue_of_another_program_is_read_as_asked_for_and_old_stock_is_not_sent() {
    let shop = Shop::open();
    let theirs = shop.file("export.csv");
    std::fs::write(&theirs, "Artikel;Ident;Minimum;Bestand;Farbe\nLAMP ö/1;B000000001;8,00;7;rot\n").unwrap();
    let sandbox = shop.serve();
    let place = format!("--sandbox={}", sandbox.url);
    let form =
        ["--map", "sku=Artikel", "--map", "asin=Ident", "--map", "min_price=Minimum", "--map", "quantity=Bestand"];
    let set = ["--set", "account=shop", "--set", "marketplace=DE", "--set", "postcode=10115", "--delimiter", ";"];
    let sync = [&["sync", theirs.to_str().unwrap(), &place, "--json", "--yes"], &form[..], &set[..]].concat();
    let ran = run(asin(&sync), "");
    ran.says(2, &["export.csv: line 2: Minimum (min_price): `8,00` is no price: digits with a dot"]);
    run(asin(&[&sync[..], &["--map", "price=Preis"]].concat()), "").says(2, &["--map: `price` is no column"]);

    // The file is as old as nothing is: a stock must not be older than that.
    let ran = run(asin(&[&sync[..], &["--decimal-comma", "--max-stock-age", "0s"]].concat()), "");
    ran.says(0, &["columns that are not read: Farbe"]);
    let row = &ran.lines()[0];
    assert_eq!(
        (&row["price"]["outcome"], &row["stock"]["reason"]),
        (&json!("submitted"), &json!("stock_too_old")),
        "{row}"
    );
    let ran = run(asin(&[&sync[..], &["--decimal-comma", "--max-stock-age", "1d"]].concat()), "");
    assert_eq!(ran.lines()[0]["stock"]["outcome"], "submitted", "{}", ran.out);
}

#[test]
fn a_profile_is_named_by_a_flag() {
    let shop = Shop::open();
    std::fs::write(
        shop.file("asin.toml"),
        "[accounts.shop]\nseller_id = \"A1SELLER\"\nregion = \"eu\"\nrefresh_token_env = \"T\"\n",
    )
    .unwrap();
    let plan = shop.file("plan.json");
    std::fs::write(
        &plan,
        r#"{"version":1,"made":"2026-11-25T10:00:00Z","max_observation_age":0,"world":"","changes":[]}"#,
    )
    .unwrap();
    for command in [vec!["sync", &shop.catalogue], vec!["apply", plan.to_str().unwrap()], vec!["undo"]] {
        let mut named = asin(&[&command[..], &["--profile", "nobody"]].concat());
        named.env("XDG_CONFIG_HOME", shop.file("config")).current_dir(shop.folder.path());
        run(named, "").says(2, &["no profile `nobody`"]);
    }
}

#[test]
fn a_plan_is_written_and_taken_back_with_amazons_credentials_alone() {
    let shop = Shop::open();
    let sandbox = shop.serve();
    let accounts =
        "[accounts.shop]\nseller_id = \"A1SELLER\"\nregion = \"eu\"\nrefresh_token_env = \"REFRESH_TOKEN_1\"\n";
    std::fs::write(shop.file("asin.toml"), accounts).unwrap();
    let of_amazon =
        || sandbox.environment.iter().filter(|(name, _)| name.starts_with("SP_API") || name.starts_with("REFRESH"));
    let (_, base) = of_amazon().find(|(name, _)| name == "SP_API_BASE_URL").unwrap();
    let price = |amount: &str| json!({"amount": amount, "currency": "EUR"});
    let change = json!({
        "line": 2, "account": "shop", "seller_id": "A1SELLER", "sku": "LAMP ö/1", "asin": "B000000001", "marketplace": "DE",
        "price": {"from": price("10.00"), "to": price("9.50")},
    });
    let plan = json!({
        "version": 1, "made": "2026-11-25T10:00:00Z", "max_observation_age": 0, "world": base.trim_end_matches('/'),
        "changes": [change],
    });
    std::fs::write(shop.file("plan.json"), plan.to_string()).unwrap();
    std::fs::create_dir(shop.file(".asin")).unwrap();
    let amazon = |arguments: &[&str]| {
        let mut command = asin(arguments);
        command.envs(of_amazon().map(|(name, value)| (name, value))).current_dir(shop.folder.path());
        run(command, "")
    };
    let ran = amazon(&["apply", "plan.json", "--yes", "--json"]);
    let (rows, totals) = report(&ran);
    assert_eq!((ran.code, rows), (Some(0), vec!["LAMP ö/1 submitted".to_owned()]), "{}", ran.err);
    assert_eq!(totals["calls"].as_object().unwrap().keys().collect::<Vec<_>>(), ["sp-api"]);
    let ran = amazon(&["undo", totals["run"].as_str().unwrap(), "--yes", "--json"]);
    assert_eq!(report(&ran).0, ["LAMP ö/1 submitted"], "{}", ran.err);
    let prices: Vec<Value> = sandbox.get("/_sandbox/ledger")["writes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|write| write["new"]["price"].clone())
        .collect();
    assert_eq!(prices, [json!("9.5"), json!("10")]);
}
