//! The same call by Python's requests and npm's axios, each in its usual way of keeping connections.

use crate::{
    shell::{self, run},
    spec::Outcome,
};
use std::{path::Path, process::Command};

/// Prints a line for each that can be had.
pub fn table(root: &Path, demo: &str, calls: usize) -> Outcome<()> {
    let tools = shell::target(root).join("tools");
    let scripts = root.join("benches/peers");
    println!("\n| others, one after another | µs of processor | calls a second |\n| --- | ---: | ---: |");

    let python = tools.join("peers-python");
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"];
    let has_requests = python.join("requests").exists()
        || run(Command::new("python3").args(install).arg(&python).arg("requests==2.32.5")).is_ok();
    if has_requests {
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", &python).arg(scripts.join("requests_client.py"));
        print!("{}", shell::output(command.env("BENCH_DEMO", demo).arg(calls.to_string()))?);
    } else {
        println!("| Python requests: cannot be installed here | | |");
    }

    let node = tools.join("peers-node");
    let failed = |error| format!("{}: {error}", node.display());
    std::fs::create_dir_all(&node).map_err(failed)?;
    std::fs::copy(scripts.join("axios_client.mjs"), node.join("axios_client.mjs")).map_err(failed)?;
    let install = ["install", "--silent", "--no-audit", "--no-fund", "--prefix"];
    let has_axios = node.join("node_modules/axios").exists()
        || run(Command::new("npm").args(install).arg(&node).arg("axios@1.12.2")).is_ok();
    if has_axios {
        let mut command = Command::new("node");
        command.arg(node.join("axios_client.mjs")).arg(calls.to_string());
        print!("{}", shell::output(command.env("BENCH_DEMO", demo))?);
    } else {
        println!("| npm axios: cannot be installed here | | |");
    }
    Ok(())
}
