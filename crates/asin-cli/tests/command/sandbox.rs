//! `asin sandbox`: starts, says where it is, answers.

use crate::asin::{Served, asin, run};
use serde_json::json;

#[test]
fn it_prints_what_a_client_needs_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("market.json");
    let market = json!({"accounts": [{"name": "shop \"one\"", "seller_id": "A1SELLER", "region": "eu"}]});
    std::fs::write(&file, market.to_string()).unwrap();
    let sandbox = Served::start(&["--market", file.to_str().unwrap()]);
    let demo = sandbox.get("/_sandbox/demo");
    let variable =
        |name: &str| sandbox.environment.iter().find(|(variable, _)| variable == name).map(|(_, value)| value.as_str());
    for (name, value) in [
        ("DATAFORSEO_BASE_URL", &demo["dataforseo"]["base_url"]),
        ("DATAFORSEO_LOGIN", &demo["dataforseo"]["login"]),
        ("DATAFORSEO_PASSWORD", &demo["dataforseo"]["password"]),
        ("MULTICART_BASE_URL", &demo["multicart"]["base_url"]),
        ("MULTICART_API_KEY", &demo["multicart"]["api_key"]),
        ("SP_API_BASE_URL", &demo["sp_api"]["base_url"]),
        ("SP_API_LWA_URL", &demo["sp_api"]["lwa_url"]),
        ("SP_API_CLIENT_ID", &demo["sp_api"]["client_id"]),
        ("SP_API_CLIENT_SECRET", &demo["sp_api"]["client_secret"]),
        ("REFRESH_TOKEN_1", &demo["accounts"][0]["refresh_token"]),
    ] {
        assert_eq!(variable(name), value.as_str(), "{name}");
    }
    assert_eq!(demo["accounts"][0]["name"], "shop \"one\"");
}

#[test]
fn the_world_comes_from_the_seed() {
    let accounts = |seed: &str| Served::start(&["--seed", seed]).get("/_sandbox/market")["listings"].clone();
    let (first, again, other) = (accounts("7"), accounts("7"), accounts("8"));
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn what_it_cannot_serve_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("market.json");
    std::fs::write(&file, r#"{"prodcuts": []}"#).unwrap();
    let ran = run(asin(&["sandbox", "--market", file.to_str().unwrap()]), "");
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("prodcuts"), "{}", ran.err);
    let ran = run(asin(&["sandbox", "--speed", "0"]), "");
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
}
