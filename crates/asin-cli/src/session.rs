//! The clients that a command needs, and no others: a credential is asked for where it is used.

use crate::config::{self, Config};
use crate::failure::Failure;
use crate::output::quoted;
use crate::profiles;
use crate::stop;
use crate::variables::Variables;
use asin_facade::dataforseo_merchant::{self, Cadence, DfsClient, Settings};
use asin_facade::multicart::{self, McClient};
use asin_facade::sp_listings::{self, Credentials, Region, SellerId, SpClient};
use asin_sandbox::Demo;
use core_http::testing::{Recorder, Replayer};
use core_http::{RateLimit, TokenBuckets, Transport};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Where the services are and who we are to them. Secrets are never given by a flag.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct Connect {
    /// The set of credentials that `asin configure` wrote; variables of the environment go before it
    #[arg(long, value_name = "NAME", env = "ASIN_PROFILE", hide_env_values = true)]
    profile: Option<String>,
    /// The sandbox that `asin sandbox` serves there, with its demo accounts and credentials
    #[arg(long, value_name = "URL")]
    sandbox: Option<Url>,
    #[command(flatten)]
    wire: Wire,
}

/// What is written down of the network, or answered from that.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct Wire {
    /// Write down every exchange, without secrets
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Answer from such a file instead of calling anybody; credentials are then made up where they are missing. A paid task
    /// is not replayed: each has a tag of its own
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    replay: Option<PathBuf>,
}

/// The same, and which account is meant.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct Selling {
    /// The selling account, as asin.toml names it; the only one needs no name
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The file that names the accounts [default: asin.toml here, else beside the profiles]
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    config: Option<PathBuf>,
    #[command(flatten)]
    connect: Connect,
}

/// A seller in one region, with the client that acts for it.
#[derive(Debug)]
pub struct Seller {
    /// Amazon's identifier of it.
    pub id: SellerId,
    /// Where it sells.
    pub region: Region,
    /// SP-API.
    pub client: SpClient,
}

/// What clients are made from.
#[derive(Debug)]
pub struct Session {
    variables: Variables,
    demo: Option<Demo>,
    transport: Arc<dyn Transport>,
    limits: Arc<dyn RateLimit>,
}

impl Connect {
    /// Reads the profile, or asks the sandbox.
    pub async fn open(&self) -> Result<Session, Failure> {
        stop::listen()?;
        let transport = self.wire.transport()?;
        let limits = Arc::new(TokenBuckets::new());
        let Some(url) = &self.sandbox else {
            let mut variables = Variables::of_profile(self.profile.as_deref())?;
            if self.wire.replays() {
                variables.only_to_show();
            }
            return Ok(Session { variables, demo: None, transport, limits });
        };
        let demo: Demo = config::ask(url, "demo", &transport).await?;
        Ok(Session { variables: Variables::of_sandbox(&demo), demo: Some(demo), transport, limits })
    }
}

impl Connect {
    /// Whether a sandbox is meant.
    pub fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// The flags by which another command finds the same account.
    pub fn flags(&self) -> Vec<String> {
        let profile = self.profile.iter().map(|name| format!("--profile {}", quoted(name)));
        profile.chain(self.sandbox.iter().map(|url| format!("--sandbox {}", quoted(url)))).collect()
    }

    /// Refuses a recording where paid tasks are noted: their tags are made anew, and what was noted would be taken for paid.
    pub fn not_replayed(&self) -> Result<(), Failure> {
        match self.wire.replays() {
            true => Err(Failure::usage(format!("--replay: {NOT_REPLAYED}"))),
            false => Ok(()),
        }
    }
}

/// Why nothing is paid for by a recording.
pub const NOT_REPLAYED: &str = "a paid task is not replayed, each has a tag of its own";

impl Wire {
    /// Whether nobody is called.
    pub fn replays(&self) -> bool {
        self.replay.is_some()
    }

    /// The network, or what was recorded of it.
    pub fn transport(&self) -> Result<Arc<dyn Transport>, Failure> {
        let named = |file: &Path, error: std::io::Error| Failure::usage(format!("{}: {error}", file.display()));
        Ok(match (&self.record, &self.replay) {
            (_, Some(file)) => Arc::new(Replayer::from_file(file).map_err(|error| named(file, error))?),
            (Some(file), _) => {
                let recorder = Recorder::to_file(core_http::built_in()?, file);
                Arc::new(recorder.map_err(|error| named(file, error))?)
            }
            (None, None) => core_http::built_in()?,
        })
    }
}

impl Selling {
    /// Reads the profile, or asks the sandbox.
    pub async fn open(&self) -> Result<Session, Failure> {
        self.connect.open().await
    }

    /// The accounts.
    pub fn accounts(&self, session: &Session) -> Result<Config, Failure> {
        match &session.demo {
            Some(demo) => Config::of_sandbox(demo),
            None => Config::read(&self.file()),
        }
    }

    /// Whether there is a file of accounts.
    pub fn has_file(&self) -> bool {
        self.file().exists()
    }

    fn file(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| config_file("asin.toml".into()))
    }

    /// The account that is meant, and its client.
    pub async fn seller(&self) -> Result<Seller, Failure> {
        let session = self.open().await?;
        self.seller_in(session)
    }

    /// The account that is meant, in a session that is open.
    pub fn seller_in(&self, mut session: Session) -> Result<Seller, Failure> {
        let config = self.accounts(&session)?;
        let (name, entry) = config.account(self.account.as_deref())?;
        session.seller(name, entry)
    }
}

/// The accounts' file: this one if it is there, else the one beside the profiles.
pub fn config_file(here: PathBuf) -> PathBuf {
    let elsewhere = || Some(profiles::folder()?.join("asin.toml")).filter(|file| file.exists());
    if here.exists() { here } else { elsewhere().unwrap_or(here) }
}

impl Session {
    /// The account's client.
    pub fn seller(&mut self, name: &str, entry: &config::Entry) -> Result<Seller, Failure> {
        let variables = &mut self.variables;
        let id = variables.required("SP_API_CLIENT_ID", "the SP-API application's client id");
        let secret = variables.required("SP_API_CLIENT_SECRET", "its client secret");
        let token = variables.required(&entry.refresh_token_env, &format!("the refresh token of account `{name}`"));
        let (base, lwa) = (variables.url("SP_API_BASE_URL"), variables.url("SP_API_LWA_URL"));
        variables.complete()?;
        let mut builder = sp_listings::Builder::new(entry.region, Credentials::new(id.clone(), secret, token))
            .application(id)
            .seller(entry.seller_id.clone())
            .transport(self.transport.clone())
            .limits(self.limits.clone());
        if let Some(url) = base {
            builder = builder.base_url(url);
        }
        if let Some(url) = lwa {
            builder = builder.lwa_url(url);
        }
        let (id, region) = (entry.seller_id.clone(), entry.region);
        Ok(Seller { id, region, client: builder.build()? })
    }

    /// DataForSEO's client, and the login that it uses.
    pub fn dataforseo(&mut self) -> Result<(DfsClient, String), Failure> {
        let variables = &mut self.variables;
        let login = variables.required("DATAFORSEO_LOGIN", "DataForSEO's login");
        let password = variables.required("DATAFORSEO_PASSWORD", "DataForSEO's password");
        let base = variables.url("DATAFORSEO_BASE_URL");
        variables.complete()?;
        let mut builder = dataforseo_merchant::Builder::new(&login, password)
            .transport(self.transport.clone())
            .limits(self.limits.clone());
        if let Some(url) = base {
            builder = builder.base_url(url);
        }
        Ok((builder.build()?, login))
    }

    /// From now on clients keep these limits.
    #[cfg(feature = "runs")]
    pub fn share(&mut self, limits: Arc<dyn RateLimit>) {
        self.limits = limits;
    }

    /// MultiCart's client.
    pub fn multicart(&mut self) -> Result<McClient, Failure> {
        let variables = &mut self.variables;
        let key = variables.required("MULTICART_API_KEY", "MultiCart's API key");
        let base = variables.url("MULTICART_BASE_URL");
        variables.complete()?;
        let mut builder = multicart::Builder::new(key).transport(self.transport.clone()).limits(self.limits.clone());
        if let Some(url) = base {
            builder = builder.base_url(url);
        }
        Ok(builder.build()?)
    }

    /// For clients that send nothing: a credential that is missing is made up.
    pub fn only_to_show(&mut self) {
        self.variables.only_to_show();
    }

    /// Whether any of these variables is set.
    pub fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.variables.get(name).is_some())
    }

    /// In a sandbox time goes faster.
    pub fn hasten(&self, settings: &mut Settings) {
        const SOON: Duration = Duration::from_millis(500);
        if let Some(demo) = &self.demo {
            settings.cadence = Some(Cadence { first: SOON, longest: SOON });
            settings.absence = settings.absence.div_f64(demo.speed.max(1.0)).max(Duration::from_secs(1));
        }
    }
}

/// The folder for what later commands must know of something.
pub fn state_folder(of: &str) -> PathBuf {
    PathBuf::from(".asin").join(of)
}
