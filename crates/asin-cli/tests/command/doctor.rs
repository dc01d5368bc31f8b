//! `asin doctor`: what is wrong, and how to mend it.

use crate::asin::{Served, asin, run};

#[test]
fn every_vendor_and_account_is_asked() {
    let sandbox = Served::example();
    let ran = sandbox.asin(&["doctor"]);
    assert_eq!(ran.code, Some(0), "{} {}", ran.out, ran.err);
    let told: Vec<_> = ran.lines().iter().map(|check| (check["vendor"].clone(), check["account"].clone())).collect();
    let vendors: Vec<_> = told.iter().map(|(vendor, _)| vendor.as_str().unwrap()).collect();
    assert_eq!(vendors, ["dataforseo", "multicart", "sp-api", "sp-api", "sp-api"]);
    assert!(ran.lines().iter().all(|check| check["state"] == "ok"), "{}", ran.out);
    let csv = sandbox.asin(&["doctor", "--output", "csv"]);
    assert_eq!(csv.out.lines().next(), Some("vendor,account,state,said"));
    let table = sandbox.asin(&["doctor", "--output", "table"]);
    assert!(table.out.starts_with("vendor") && table.out.contains("europe"), "{}", table.out);
}

#[test]
fn what_is_wrong_decides_the_exit_code() {
    let sandbox = Served::example();
    let folder = tempfile::tempdir().unwrap();
    let doctor = |variables: &[(&str, &str)]| {
        let mut command = asin(&["doctor"]);
        command.current_dir(folder.path());
        command.envs(sandbox.environment.iter().filter(|(name, _)| name.starts_with("DATAFORSEO")).cloned());
        command.envs(variables.iter().copied());
        run(command, "")
    };
    let state = |vendor: &str, ran: &crate::asin::Ran| {
        let lines = ran.lines();
        let check = lines.iter().find(|check| check["vendor"] == vendor).unwrap();
        (check["state"].as_str().unwrap().to_owned(), check["said"].as_str().unwrap().to_owned())
    };
    let well = doctor(&[]);
    assert_eq!(well.code, Some(0), "{}", well.out);
    assert_eq!(state("multicart", &well).0, "not set up");
    let refused = doctor(&[("DATAFORSEO_PASSWORD", "wrong")]);
    assert_eq!(refused.code, Some(3), "{}", refused.out);
    let (found, said) = state("dataforseo", &refused);
    assert!(
        found == "wrong"
            && said.contains("40100")
            && said.contains("next: mend DATAFORSEO_LOGIN and DATAFORSEO_PASSWORD"),
        "{said}"
    );
    let missing = doctor(&[("SP_API_CLIENT_ID", "x")]);
    assert_eq!(missing.code, Some(2), "{}", missing.out);
    assert!(state("sp-api", &missing).1.contains("asin.toml"), "{}", missing.out);
    // Port 9 discards what it gets, where anybody listens at all.
    let away = doctor(&[("DATAFORSEO_BASE_URL", "http://127.0.0.1:9")]);
    assert_eq!(away.code, Some(1), "{}", away.out);
    assert!(state("dataforseo", &away).1.contains("no connection"), "{}", away.out);
    let nothing = run(asin(&["doctor"]), "");
    assert_eq!(nothing.code, Some(3), "{}", nothing.out);
}
