//! Other programs: run with their output shown, or read.

use crate::spec::Outcome;
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// `cargo` with these arguments, in the workspace.
pub fn cargo<A: AsRef<OsStr>>(root: &Path, arguments: impl IntoIterator<Item = A>) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args(arguments);
    // What cargo tells this program about itself is not meant for the builds that it starts.
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_PKG_NAME");
    command
}

/// Set where no gate may pass over anything: before a release.
pub const COMPLETE: &str = "ASIN_COMPLETE";

/// Passes over what this machine cannot do, and says so.
pub fn skip(what: &str) -> Outcome<()> {
    if std::env::var_os(COMPLETE).is_some() {
        return Err(format!("a release skips nothing: {what}"));
    }
    println!("skipped: {what}");
    Ok(())
}

/// Where cargo puts what it builds.
pub fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

/// Runs a command whose output everybody sees.
pub fn run(command: &mut Command) -> Outcome<()> {
    run_to(command, &[0])
}

/// Runs a command that may end with one of these exit codes.
pub fn run_to(command: &mut Command, codes: &[i32]) -> Outcome<()> {
    println!("$ {}", words(command));
    let status = command.stdin(Stdio::null()).status().map_err(|error| format!("{}: {error}", words(command)))?;
    let is_well = status.code().is_some_and(|code| codes.contains(&code));
    if is_well { Ok(()) } else { Err(format!("`{}`: {status}", words(command))) }
}

/// Runs a command and returns what it says on standard output.
pub fn output(command: &mut Command) -> Outcome<String> {
    let said = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{}: {error}", words(command)))?;
    if !said.status.success() {
        let shown = String::from_utf8_lossy(&said.stdout);
        return Err(format!("{shown}\n`{}`: {}", words(command), said.status));
    }
    String::from_utf8(said.stdout).map_err(|error| format!("{}: {error}", words(command)))
}

/// Whether a command can be run and ends well; says nothing.
pub fn works(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn words(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
