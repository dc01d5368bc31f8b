//! `asin sync` with wrong arguments or input: exit code 2, every error told, nobody called.

use crate::asin::{Ran, asin, run};
use std::path::Path;

const ACCOUNTS: &str = r#"
[accounts.acme]
seller_id = "A1SELLER"
region = "eu"
refresh_token_env = "ACME_TOKEN"

[accounts.other]
seller_id = "A2SELLER"
region = "na"
refresh_token_env = "OTHER_TOKEN"
"#;

const HEADER: &str = "account,sku,asin,marketplace,postcode,min_price,max_price,quantity,max_handling_days\n";

const SECRETS: [&str; 6] = [
    "DATAFORSEO_LOGIN",
    "DATAFORSEO_PASSWORD",
    "MULTICART_API_KEY",
    "SP_API_CLIENT_ID",
    "SP_API_CLIENT_SECRET",
    "ACME_TOKEN",
];

fn write(folder: &Path, accounts: &str, rows: &str) -> String {
    std::fs::write(folder.join("asin.toml"), accounts).unwrap();
    let catalogue = folder.join("catalogue.csv");
    std::fs::write(&catalogue, format!("{HEADER}{rows}")).unwrap();
    catalogue.to_str().unwrap().to_owned()
}

/// Runs `sync` on these rows with these variables set.
fn sync(accounts: &str, rows: &str, flags: &[&str], variables: &[(&str, &str)]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = write(folder.path(), accounts, rows);
    let mut command = asin(&[&["sync", &catalogue], flags].concat());
    command.envs(variables.iter().copied());
    run(command, "")
}

fn refused(ran: &Ran, parts: &[&str]) {
    ended(ran, 2, parts);
}

fn ended(ran: &Ran, code: i32, parts: &[&str]) {
    assert_eq!(ran.code, Some(code), "{}", ran.err);
    assert_eq!(ran.out, "");
    for part in parts {
        assert!(ran.err.contains(part), "{part} in {}", ran.err);
    }
}

const ROW: &str = "acme,S-1,B000000001,DE,10115,10,20,5,\n";

#[test]
fn every_wrong_line_is_told_with_its_number() {
    let rows = "acme,S-1,B000000001,DE,10115,ten,20,5,\n\
                acme,S-2,B00,DE,10115,10,20,5,\n\
                nobody,S-3,B000000001,DE,10115,10,20,5,\n\
                acme,S-4,B000000001,DE,10115,30,20,5,\n";
    let ran = sync(ACCOUNTS, rows, &[], &[]);
    refused(&ran, &["line 2: min_price", "line 3: asin", "line 4: account", "`nobody`", "line 5: max_price"]);
    assert_eq!(ran.err.lines().count(), 4, "{}", ran.err);
    assert!(ran.err.lines().all(|line| line.contains("catalogue.csv: line ")), "{}", ran.err);
}

#[test]
fn lines_are_numbered_as_an_editor_shows_them() {
    let rows = "\r\nacme,A\r\n";
    let ran = sync(ACCOUNTS, rows, &["--yes"], &[]);
    refused(&ran, &["line 3: 2 fields"]);
}

#[test]
fn a_catalogue_of_which_nothing_can_come_is_refused_before_it_is_paid_for() {
    refused(&sync(ACCOUNTS, "", &["--yes"], &[]), &["no rows under the header"]);
    refused(
        &sync(ACCOUNTS, ROW, &["--yes", "--margin", "10"], &[]),
        &["--margin: no row of the catalogue has a `cost`"],
    );
}

#[test]
fn every_missing_credential_is_named() {
    let ran = sync(ACCOUNTS, ROW, &["--yes"], &[]);
    ended(&ran, 3, &SECRETS);
    assert!(!ran.err.contains("OTHER_TOKEN"), "an account without a row needs no token: {}", ran.err);
    let all_but_one: Vec<_> = SECRETS.iter().filter(|name| **name != "ACME_TOKEN").map(|name| (*name, "x")).collect();
    let ran = sync(ACCOUNTS, ROW, &["--yes"], &all_but_one);
    ended(&ran, 3, &["ACME_TOKEN", "`acme`"]);
    assert_eq!(ran.err.lines().count(), 2, "{}", ran.err);
    assert!(ran.err.contains("`asin configure`"), "{}", ran.err);
}

#[test]
fn an_empty_secret_is_a_missing_one() {
    let variables: Vec<_> =
        SECRETS.iter().map(|name| (*name, if *name == "MULTICART_API_KEY" { "" } else { "x" })).collect();
    ended(&sync(ACCOUNTS, ROW, &["--yes"], &variables), 3, &["MULTICART_API_KEY is not set"]);
}

#[test]
fn a_wrong_url_names_its_variable_and_an_open_one_is_refused() {
    let with = |name, value| {
        let variables: Vec<_> = SECRETS.iter().map(|name| (*name, "x")).chain([(name, value)]).collect();
        sync(ACCOUNTS, ROW, &["--yes"], &variables)
    };
    refused(&with("SP_API_LWA_URL", "not a url"), &["SP_API_LWA_URL"]);
    refused(&with("DATAFORSEO_BASE_URL", "http://example.com"), &["only https"]);
}

#[test]
fn no_secret_is_ever_printed() {
    let secret = "correct-horse\u{7}battery";
    let variables: Vec<_> = SECRETS.iter().map(|name| (*name, secret)).collect();
    let ran = sync(ACCOUNTS, ROW, &["--yes", "-vv"], &variables);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(!ran.err.contains("correct-horse"), "{}", ran.err);
}

#[test]
fn accounts_are_read_strictly() {
    refused(
        &sync("[accounts.acme]\nseller_id = \"A1\"\nregion = \"moon\"\nrefresh_token_env = \"T\"\n", ROW, &[], &[]),
        &["asin.toml", "moon"],
    );
    refused(&sync("[accounts.acme]\nseller = \"A1\"\n", ROW, &[], &[]), &["asin.toml", "seller"]);
    let twice = ACCOUNTS.replace("A2SELLER", "A1SELLER").replace("\"na\"", "\"eu\"");
    refused(&sync(&twice, ROW, &[], &[]), &["asin.toml", "`acme`", "`other`", "one seller"]);
    let folder = tempfile::tempdir().unwrap();
    let catalogue = write(folder.path(), ACCOUNTS, ROW);
    let elsewhere = folder.path().join("elsewhere.toml");
    refused(&run(asin(&["sync", &catalogue, "--config", elsewhere.to_str().unwrap()]), ""), &["elsewhere.toml"]);
    std::fs::rename(folder.path().join("asin.toml"), &elsewhere).unwrap();
    refused(&run(asin(&["sync", &catalogue]), ""), &["asin.toml"]);
    ended(&run(asin(&["sync", &catalogue, "--config", elsewhere.to_str().unwrap()]), ""), 3, &["DATAFORSEO_LOGIN"]);
}

#[test]
fn wrong_arguments_are_refused() {
    for flags in [
        &["--budget", "-1"][..],
        &["--budget", "much"],
        &["--max-change", "-5"],
        &["--max-observation-age", "2"],
        &["--max-rows-changed", "-1"],
        &["--collection", "mine"],
        &["--sandbox=nowhere"],
        &["--sandbox", "--config", "asin.toml"],
        &["--unknown"],
    ] {
        let ran = sync(ACCOUNTS, ROW, flags, &[]);
        assert_eq!(ran.code, Some(2), "{flags:?}: {}", ran.err);
    }
    assert_eq!(run(asin(&["sync"]), "").code, Some(2));
    refused(&run(asin(&["sync", "no-such-folder/catalogue.csv", "--sandbox"]), ""), &["no-such-folder"]);
    // Port 9 discards what it gets, where anybody listens at all.
    refused(&sync(ACCOUNTS, ROW, &["--sandbox=http://127.0.0.1:9"], &[]), &["no sandbox at http://127.0.0.1:9"]);
}

#[test]
fn watching_needs_a_collection() {
    let variables: Vec<_> = SECRETS.iter().map(|name| (*name, "x")).collect();
    refused(&sync(ACCOUNTS, ROW, &["--watch", "--yes"], &variables), &["--collection"]);
}

#[test]
fn the_sandbox_knows_its_own_accounts_only() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = write(folder.path(), ACCOUNTS, ROW);
    std::fs::write(
        folder.path().join("market.json"),
        r#"{"accounts": [{"name": "demo", "seller_id": "A9", "region": "eu"}]}"#,
    )
    .unwrap();
    refused(&run(asin(&["sync", &catalogue, "--sandbox"]), ""), &["line 2: account", "`acme`", "demo"]);
    std::fs::write(folder.path().join("market.json"), r#"{"listing": []}"#).unwrap();
    refused(&run(asin(&["sync", &catalogue, "--sandbox"]), ""), &["listing"]);
}
