//! `asin configure`: secrets into a file of their own, never seen again.

use crate::asin::{Ran, Served, asin, run};
use std::path::Path;

fn at_home(home: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut command = asin(arguments);
    command.env("HOME", home).current_dir(home);
    run(command, input)
}

#[test]
fn a_profile_stands_in_for_the_environment() {
    let (home, sandbox) = (tempfile::tempdir().unwrap(), Served::example());
    let variable = |name: &str| sandbox.environment.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let lines: Vec<String> =
        ["MULTICART_BASE_URL", "MULTICART_API_KEY"].map(|name| format!("{name}={}\n", variable(name))).into();
    let written = at_home(home.path(), &["configure", "--profile", "work"], &lines.concat());
    written.says(0, &["MULTICART_API_KEY", "profile `work`", "profiles.toml"]);
    assert!(!written.err.contains(&variable("MULTICART_API_KEY")), "{}", written.err);

    let credits = |flags: &[&str]| at_home(home.path(), &[&["call", "users.credits"], flags].concat(), "");
    assert_eq!(credits(&["--profile", "work"]).code, Some(0));
    credits(&[]).says(3, &["MULTICART_API_KEY is not set"]);
    credits(&["--profile", "play"]).says(2, &["no profile `play` (work)", "asin configure --profile play"]);

    // A second time adds to what is there, and the environment goes before it.
    at_home(home.path(), &["configure", "--profile", "work"], "DATAFORSEO_LOGIN=me\n").says(0, &["DATAFORSEO_LOGIN"]);
    assert_eq!(credits(&["--profile", "work"]).code, Some(0));
    let mut other = asin(&["call", "users.credits", "--profile", "work"]);
    other.env("HOME", home.path()).env("MULTICART_API_KEY", "wrong.key");
    run(other, "").says(3, &["credentials refused", "asin doctor"]);
}

#[test]
fn profiles_that_are_written_at_once_all_stay() {
    let home = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..8).map(|number| format!("shop-{number}")).collect();
    std::thread::scope(|scope| {
        for name in &names {
            scope.spawn(|| {
                at_home(home.path(), &["configure", "--profile", name], "DATAFORSEO_LOGIN=me\n").says(0, &[name]);
            });
        }
    });
    let text = std::fs::read_to_string(home.path().join(".config/asin/profiles.toml")).unwrap();
    assert!(names.iter().all(|name| text.contains(name)), "{text}");
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    at_home(home.path(), &["configure"], "DATAFORSEO_LOGIN=me\n").says(0, &["profile `default`"]);
    let file = home.path().join(".config/asin/profiles.toml");
    let mode = |file: &Path| std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    at_home(home.path(), &["call", "UserData"], "").says(2, &["profiles.toml", "chmod 600"]);
}

#[test]
fn what_is_no_variable_is_refused_without_being_quoted() {
    let home = tempfile::tempdir().unwrap();
    for (input, says) in [
        ("DATAFORSEO_PASS=hunter2\n", "line 1: no such variable"),
        ("\nhunter2\n", "line 2: not VARIABLE=value"),
        ("DATAFORSEO_LOGIN=hunter2\u{7}\n", "control character"),
        ("DATAFORSEO_LOGIN=\n", "empty"),
        ("", "nothing was written"),
    ] {
        let ran = at_home(home.path(), &["configure"], input);
        ran.says(2, &[says]);
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    }
    assert!(!home.path().join(".config").exists());
    std::fs::write(
        home.path().join("asin.toml"),
        "[accounts.a]\nseller_id='A1'\nregion='eu'\nrefresh_token_env='TOKEN_A'\n",
    )
    .unwrap();
    at_home(home.path(), &["configure"], "TOKEN_A=Atzr|x\n").says(0, &["TOKEN_A"]);
    // A file that cannot be read is told without its lines.
    let file = home.path().join(".config/asin/profiles.toml");
    std::fs::write(&file, "[default]\nDATAFORSEO_PASSWORD = hunter2\n").unwrap();
    let ran = at_home(home.path(), &["doctor"], "");
    ran.says(2, &["profiles.toml"]);
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);
}
