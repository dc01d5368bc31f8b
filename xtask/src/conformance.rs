//! `cargo xtask conformance`: other people's clients, as they are published, against `asin sandbox`.
//!
//! Everything is installed into a folder that is gone afterwards. The drivers are our own scripts in `xtask/conformance`;
//! each prints a line for every step: `ok`, `own` for a known fault of the client itself, or `FAIL`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::spec::Outcome;

pub type Any<T> = Result<T, Box<dyn std::error::Error>>;

const SELLER: &str = "A1CONFORMANCE";
const MARKETPLACE: &str = "ATVPDKIKX0DER";
const ASINS: [&str; 3] = ["B0CONFORM1", "B0CONFORM2", "B0CONFORM3"];
/// How long a driver may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A client, and the script that drives it.
struct Client {
    /// Its name in its registry, and the version that was last seen to pass.
    package: (&'static str, &'static str),
    driver: &'static str,
    runtime: Runtime,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Runtime {
    Python,
    Node,
}

const CLIENTS: [Client; 4] = [
    Client {
        package: ("python-amazon-sp-api", "2.1.35"),
        driver: "drive_python_amazon_sp_api.py",
        runtime: Runtime::Python,
    },
    Client { package: ("dataforseo-client", "2.1.10"), driver: "drive_dataforseo_client.py", runtime: Runtime::Python },
    Client { package: ("amazon-sp-api", "1.2.1"), driver: "drive_amazon_sp_api.cjs", runtime: Runtime::Node },
    Client { package: ("schemathesis", "4.32.5"), driver: "drive_schemathesis.py", runtime: Runtime::Python },
];

/// What to run, and where.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only these clients, by the names of their packages.
    #[arg(value_name = "PACKAGE")]
    only: Vec<String>,
    /// Their newest versions in place of those that were last seen to pass.
    #[arg(long)]
    latest: bool,
    /// Installs into this folder and keeps it, so that the next run need not install again.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// `false` if a client failed.
pub fn run(root: &Path, arguments: &Arguments) -> Outcome<bool> {
    every_client(root, arguments).map_err(|error| error.to_string())
}

fn every_client(root: &Path, arguments: &Arguments) -> Any<bool> {
    let names: Vec<&str> = CLIENTS.iter().map(|client| client.package.0).collect();
    if let Some(unknown) = arguments.only.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(format!("no client {unknown}: there are {}", names.join(", ")).into());
    }
    let folder = Folder::new(arguments.folder.clone())?;
    let sandbox = Sandbox::start(root, &folder.path, false)?;
    let mut failed = Vec::new();
    let mut lines = Vec::new();
    for client in &CLIENTS {
        let (name, version) = client.package;
        if !arguments.only.is_empty() && !arguments.only.iter().any(|only| only == name) {
            continue;
        }
        let version = if arguments.latest { None } else { Some(version) };
        println!("== {name} {}", version.unwrap_or("latest"));
        let line = match install(client, version, &folder.path) {
            Installed::Missing(what) => format!("skipped {name}: no {what} on this machine"),
            Installed::Failed(why) => {
                failed.push(name);
                format!("failed  {name}: cannot be installed: {why}")
            }
            Installed::Interpreter(interpreter) => {
                let passed = drive(root, client, &interpreter, &folder.path, &sandbox)?;
                if !passed {
                    failed.push(name);
                }
                format!("{} {name}", if passed { "passed " } else { "failed " })
            }
        };
        println!("{line}\n");
        lines.push(line);
    }
    lines.iter().for_each(|line| println!("{line}"));
    Ok(failed.is_empty())
}

/// Where clients are installed; a temporary one is removed.
struct Folder {
    path: PathBuf,
    kept: bool,
}

impl Folder {
    fn new(kept: Option<PathBuf>) -> Any<Self> {
        let temporary = || std::env::temp_dir().join(format!("asin-conformance-{}", std::process::id()));
        let path = kept.clone().unwrap_or_else(temporary);
        std::fs::create_dir_all(&path)?;
        Ok(Self { path: path.canonicalize()?, kept: kept.is_some() })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            eprintln!("{}: {error}", self.path.display());
        }
    }
}

/// A served sandbox with its environment; dropped, it is gone.
pub struct Sandbox {
    child: Child,
    environment: Vec<(String, String)>,
}

impl Sandbox {
    /// Starts one without limits of calls; its market is written into the folder.
    pub fn start(root: &Path, folder: &Path, release: bool) -> Any<Self> {
        let market = folder.join("market.json");
        std::fs::write(&market, market_file().to_string())?;
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let profile: &[&str] = if release { &["--release"] } else { &[] };
        let package = ["--quiet", "--package", "asin-cli"];
        let built = Command::new(&cargo).current_dir(root).arg("build").args(package).args(profile).status()?;
        if !built.success() {
            return Err("asin does not build".into());
        }
        let mut child = Command::new(cargo)
            .current_dir(root)
            .arg("run")
            .args(package)
            .args(profile)
            .args(["--", "sandbox", "--no-limits", "--market"])
            .arg(market)
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let mut environment = Vec::new();
        for line in lines {
            let line = line?;
            if line.starts_with("# asin.toml") {
                break;
            }
            let pair = line.strip_prefix("export ").and_then(|pair| pair.split_once('='));
            environment.extend(pair.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())));
        }
        if environment.is_empty() {
            return Err("the sandbox does not start".into());
        }
        for (name, value) in [
            ("SELLER_ID", SELLER),
            ("MARKETPLACE", "US"),
            ("MARKETPLACE_ID", MARKETPLACE),
            ("REGION", "na"),
            ("CURRENCY", "USD"),
            ("LOCATION_CODE", "2840"),
            ("ASINS", &ASINS.join(",")),
        ] {
            environment.push((name.to_owned(), value.to_owned()));
        }
        Ok(Self { child, environment })
    }

    /// The process; `cargo run` becomes the command on Unix.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What a variable of the environment holds that it prints for clients.
    pub fn get(&self, variable: &str) -> &str {
        let known = self.environment.iter().find(|(name, _)| name == variable);
        known.map_or("", |(_, value)| value)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let stopped = self.child.kill().and_then(|()| self.child.wait());
        if let Err(error) = stopped {
            eprintln!("the sandbox: {error}");
        }
    }
}

/// One shop with more listings than fit on two pages.
fn market_file() -> Value {
    let offer = json!({"marketplace": MARKETPLACE, "seller_id": "A2OTHER", "price": "19.90", "buy_box": true});
    let products: Vec<Value> =
        ASINS.iter().map(|asin| json!({"asin": asin, "title": "Lamp", "variants": ASINS, "offers": [offer]})).collect();
    let listing = |number: usize| {
        json!({"seller_id": SELLER, "sku": format!("LAMP {number:02}"), "marketplace": MARKETPLACE,
               "asin": ASINS[number % ASINS.len()], "price": "20.00", "quantity": number})
    };
    json!({
        "accounts": [{"name": "shop", "seller_id": SELLER, "region": "na"}],
        "products": products,
        "listings": (0..45).map(listing).collect::<Vec<_>>(),
        "domains": [{"id": 1, "domain": "amazon.com", "country_code": "US"}],
        "postcodes": [{"id": 15, "domain": 1, "zipcode": "04500"}],
        "collections": [{"id": 101, "name": "Lamps", "items": [{"asin": ASINS[0], "domain": 1, "postcode": 15}],
                         "outputs": [{"asin": ASINS[0], "price": "$47.30", "availability": "In Stock"}]}],
        "balances": {"dataforseo_usd": "1000000", "multicart_credits": 1_000_000},
    })
}

enum Installed {
    /// With this a driver is run.
    Interpreter(PathBuf),
    /// What is not on this machine.
    Missing(&'static str),
    Failed(String),
}

fn install(client: &Client, version: Option<&str>, folder: &Path) -> Installed {
    let name = client.package.0;
    let own = folder.join(name);
    match client.runtime {
        Runtime::Python => {
            if !answers("python3") {
                return Installed::Missing("python3");
            }
            let python = own.join("bin").join("python");
            let wanted = version.map_or_else(|| name.to_owned(), |version| format!("{name}=={version}"));
            let made = python.exists() || quiet(Command::new("python3").args(["-m", "venv"]).arg(&own)).is_ok();
            if !made {
                return Installed::Missing("python3 with venv");
            }
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &wanted];
            quiet(Command::new(&python).args(pip)).map_or_else(Installed::Failed, |()| Installed::Interpreter(python))
        }
        Runtime::Node => {
            if !answers("node") || !answers("npm") {
                return Installed::Missing("node with npm");
            }
            let wanted = version.map_or_else(|| name.to_owned(), |version| format!("{name}@{version}"));
            let npm = ["install", "--silent", "--no-audit", "--no-fund", "--prefix"];
            quiet(Command::new("npm").args(npm).arg(&own).arg(&wanted))
                .map_or_else(Installed::Failed, |()| Installed::Interpreter("node".into()))
        }
    }
}

/// Whether a program is there.
fn answers(program: &str) -> bool {
    quiet(Command::new(program).arg("--version")).is_ok()
}

/// Runs to the end; the error is the last line that it said.
fn quiet(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no word").to_owned())
}

fn drive(root: &Path, client: &Client, interpreter: &Path, folder: &Path, sandbox: &Sandbox) -> Any<bool> {
    let own = folder.join(client.package.0);
    let mut child = Command::new(interpreter)
        .arg(root.join("xtask/conformance").join(client.driver))
        .envs(sandbox.environment.iter().map(|(name, value)| (name, value)))
        .env("NODE_PATH", own.join("node_modules"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("FOLDER", &own)
        .env("SPECS", root.join("specs"))
        .spawn()?;
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if begun.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            println!("FAIL not done after {} s", PATIENCE.as_secs());
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
