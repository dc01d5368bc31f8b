//! A whole release of a small workspace: what it changes, what it does not, and how it goes on after a failure.

use crate::{ci::LISTED, release, shell::output};
use std::{fs, path::Path, process::Command};

const CHANGELOG: &str = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - unreleased\n\n- More.\n";

fn write(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn read(root: &Path, file: &str) -> String {
    fs::read_to_string(root.join(file)).unwrap_or_default()
}

fn git(root: &Path, arguments: &[&str]) -> String {
    output(Command::new("git").current_dir(root).args(arguments)).unwrap().trim().to_owned()
}

/// A workspace of packages with the names of ours and nothing in them, in a repository of its own.
fn workspace(root: &Path) {
    let manifest =
        "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n[workspace.package]\nversion = \"0.1.0\"\n";
    write(root, "Cargo.toml", manifest);
    write(root, "CHANGELOG.md", CHANGELOG);
    write(root, ".gitignore", "/target\n");
    for name in LISTED {
        let package = format!(
            "[package]\nname = \"{name}\"\nversion.workspace = true\nedition = \"2024\"\ndescription = \"None.\"\nlicense = \"MIT\"\n"
        );
        write(root, &format!("crates/{name}/Cargo.toml"), &package);
        write(root, &format!("crates/{name}/src/lib.rs"), "//! Nothing.\n\n/// A number.\npub const NUMBER: u8 = 1;\n");
    }
    output(crate::shell::cargo(root, ["generate-lockfile", "--offline"]).env_remove("CARGO_TARGET_DIR")).unwrap();
    git(root, &["init", "--quiet", "--initial-branch", "main"]);
    git(root, &["config", "user.name", "A test"]);
    git(root, &["config", "user.email", "test@localhost"]);
    git(root, &["add", "--all"]);
    git(root, &["commit", "--quiet", "--message", "Begin"]);
    // The gates are not what this is about: these commits count as seen.
    write(root, "target/gates-were-green", &format!("{}\n", git(root, &["rev-parse", "HEAD"])));
}

#[test]
fn a_release_changes_nothing_unless_told_and_goes_on_where_it_stopped() {
    if std::env::var_os("CARGO_TARGET_DIR").is_some() {
        super::say("skipped: CARGO_TARGET_DIR is set, so the small workspace has no target folder of its own");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    workspace(root);
    let begun = git(root, &["rev-parse", "HEAD"]);

    assert_eq!(release::command(root, "0.2.0", false), Ok(true));
    assert_eq!(git(root, &["status", "--porcelain"]), "", "dry");
    assert_eq!(git(root, &["rev-parse", "HEAD"]), begun);

    let wrong = |version: &str| release::command(root, version, true).unwrap_err();
    assert!(wrong("0.0.9").contains("step 1") && wrong("0.2").contains("MAJOR.MINOR.PATCH"));
    assert!(wrong("0.3.0").contains("there is no section"), "of 0.3.0");
    write(root, "left", "");
    assert!(wrong("0.2.0").contains("uncommitted: left"));
    fs::remove_file(root.join("left")).unwrap();
    assert_eq!(git(root, &["status", "--porcelain"]), "", "nothing of the refused tries is left");

    // It ends half-way, and goes on from there; but not over what somebody else has changed since.
    fs::remove_dir_all(root.join("target/package")).unwrap();
    write(root, "target/package", "no folder");
    assert!(wrong("0.2.0").contains("step 9"));
    fs::remove_file(root.join("target/package")).unwrap();
    let changelog = read(root, "CHANGELOG.md");
    assert!(git(root, &["status", "--porcelain"]).contains("CHANGELOG.md"));
    write(root, "CHANGELOG.md", &format!("{changelog}- And more.\n"));
    assert!(wrong("0.2.0").contains("uncommitted: CHANGELOG.md, Cargo.lock, Cargo.toml, api/"));
    write(root, "CHANGELOG.md", &changelog);

    // A tag of this name stands elsewhere, and be it on the very commit from which the release begins.
    git(root, &["tag", "v0.2.0"]);
    let stopped = wrong("0.2.0");
    assert!(stopped.contains("step 1,") && stopped.contains("v0.2.0 stands on another commit"), "{stopped}");
    git(root, &["tag", "--delete", "v0.2.0"]);
    git(root, &["checkout", "--quiet", "--detach"]);
    assert!(wrong("0.2.0").contains("no branch is checked out"));
    git(root, &["switch", "--quiet", "main"]);
    assert_eq!(release::command(root, "0.2.0", true), Ok(true), "the same command goes on");
    let released = git(root, &["rev-parse", "HEAD"]);
    assert_eq!(git(root, &["rev-parse", "v0.2.0^{commit}"]), released);
    assert_eq!(git(root, &["rev-parse", "HEAD~1"]), begun, "one commit");

    assert!(read(root, "Cargo.toml").contains("version = \"0.2.0\""));
    assert!(!read(root, "Cargo.lock").contains("version = \"0.1.0\""));
    assert!(!read(root, "CHANGELOG.md").contains("[0.2.0] - unreleased"));
    for name in LISTED {
        let listing = read(root, &format!("api/{name}.txt"));
        assert!(listing.contains("NUMBER (constant): pub const NUMBER: u8 = 1;"), "{name}: {listing}");
    }
    assert_eq!(git(root, &["status", "--porcelain"]), "");

    assert_eq!(release::command(root, "0.2.0", true), Ok(true), "once more does nothing");
    assert_eq!(git(root, &["rev-parse", "HEAD"]), released);

    // It ended between the commit and the tag.
    git(root, &["tag", "--delete", "v0.2.0"]);
    assert_eq!(release::command(root, "0.2.0", true), Ok(true), "only the tag was missing");
    assert_eq!(git(root, &["rev-parse", "v0.2.0^{commit}"]), released);

    // What looks like the release's commit and holds code was seen by no gate: they run, and here there are none.
    git(root, &["tag", "--delete", "v0.2.0"]);
    write(root, "crates/multicart/src/lib.rs", "//! Something.\n");
    git(root, &["commit", "--quiet", "--all", "--amend", "--no-edit"]);
    assert!(wrong("0.2.0").contains("step 4, every gate is green: `bash .ci/run`"));
}

#[test]
fn what_somebody_else_changes_during_a_release_stops_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    workspace(root);
    let release = release::Release { root: root.to_owned(), version: "0.2.0".to_owned(), execute: true };
    assert!(release.untouched().unwrap_err().contains("no earlier try"));
    release.remember().unwrap();
    // Killed at a bad moment.
    write(root, "target/release-index.lock", "");
    release.untouched().unwrap();
    for (file, text) in [("CHANGELOG.md", "# Another\n"), ("crates/multicart/src/lib.rs", ""), ("new", "")] {
        let before = read(root, file);
        write(root, file, text);
        let told = release.untouched().unwrap_err();
        assert!(told.contains(file), "{told}");
        if file == "new" {
            fs::remove_file(root.join(file)).unwrap()
        } else {
            write(root, file, &before)
        }
        release.untouched().unwrap();
    }
}
