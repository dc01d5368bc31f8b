//! Credentials and addresses by the names of their variables: from the environment, then from a profile; or, with a
//! sandbox, from it alone.

use crate::failure::Failure;
use crate::profiles::{Profile, Profiles};
use asin_sandbox::Demo;
use url::Url;

/// Reads variables and collects what is wrong with them, so that all of it is told at once.
#[derive(Debug)]
pub struct Variables {
    kept: Profile,
    /// Whether the environment goes before what is kept.
    environment: bool,
    /// Whether nothing will be sent, so that any credential will do.
    only_to_show: bool,
    missing: Vec<String>,
    wrong: Vec<String>,
}

impl Variables {
    /// Those of this machine, and of a profile.
    pub fn of_profile(name: Option<&str>) -> Result<Self, Failure> {
        let name = name.filter(|name| !name.is_empty());
        Ok(Self {
            kept: Profiles::read()?.get(name)?,
            environment: true,
            only_to_show: false,
            missing: Vec::new(),
            wrong: Vec::new(),
        })
    }

    /// Those of a sandbox: nothing of the environment ever reaches it.
    pub fn of_sandbox(demo: &Demo) -> Self {
        let kept = sandboxed(demo).into_iter().collect();
        Self { kept, environment: false, only_to_show: false, missing: Vec::new(), wrong: Vec::new() }
    }

    /// For clients that send nothing: a credential that is missing is made up.
    pub fn only_to_show(&mut self) {
        self.only_to_show = true;
    }

    /// The value of a variable; an empty one is none.
    pub fn get(&self, name: &str) -> Option<String> {
        let of_environment = self.environment.then(|| std::env::var(name).ok()).flatten();
        of_environment.filter(|value| !value.is_empty()).or_else(|| self.kept.get(name).cloned())
    }

    /// A value that must be there.
    pub fn required(&mut self, name: &str, what: &str) -> String {
        let made_up = self.only_to_show.then(|| "missing".to_owned());
        self.get(name).or(made_up).unwrap_or_else(|| {
            self.missing.push(format!("{name} is not set; it holds {what}"));
            String::new()
        })
    }

    /// An address that may be there.
    pub fn url(&mut self, name: &str) -> Option<Url> {
        Url::parse(&self.get(name)?).map_err(|error| self.wrong.push(format!("{name}: {error}"))).ok()
    }

    /// Says what was wrong with the variables that were asked for.
    pub fn complete(&mut self) -> Result<(), Failure> {
        let (wrong, missing) = (std::mem::take(&mut self.wrong), std::mem::take(&mut self.missing));
        let told = [wrong.as_slice(), &missing].concat().join("\nasin: ");
        match (wrong.as_slice(), missing.as_slice()) {
            ([], []) => Ok(()),
            ([], _) => Err(Failure::auth(told).next("set it, or have `asin configure` keep it in a profile")),
            _ => Err(Failure::usage(told)),
        }
    }
}

/// The variable that holds the refresh token of a sandbox's account.
pub fn refresh_token_of(number: usize) -> String {
    format!("REFRESH_TOKEN_{number}")
}

/// What a client of a sandbox needs.
pub fn sandboxed(demo: &Demo) -> Vec<(String, String)> {
    let (dataforseo, multicart, sp_api) = (&demo.dataforseo, &demo.multicart, &demo.sp_api);
    let services = [
        ("DATAFORSEO_BASE_URL", &dataforseo.base_url),
        ("DATAFORSEO_LOGIN", &dataforseo.login),
        ("DATAFORSEO_PASSWORD", &dataforseo.password),
        ("MULTICART_BASE_URL", &multicart.base_url),
        ("MULTICART_API_KEY", &multicart.api_key),
        ("SP_API_BASE_URL", &sp_api.base_url),
        ("SP_API_LWA_URL", &sp_api.lwa_url),
        ("SP_API_CLIENT_ID", &sp_api.client_id),
        ("SP_API_CLIENT_SECRET", &sp_api.client_secret),
    ];
    let services = services.into_iter().map(|(name, value)| (name.to_owned(), value.clone()));
    let tokens =
        (1..).zip(&demo.accounts).map(|(number, account)| (refresh_token_of(number), account.refresh_token.clone()));
    services.chain(tokens).collect()
}
