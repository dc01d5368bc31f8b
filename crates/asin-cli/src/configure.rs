//! `asin configure`: credentials into a profile, never by a flag.

use crate::config::Config;
use crate::failure::{Ended, Failure, say};
use crate::input::text_of;
use crate::profiles::{DEFAULT, Profile, Profiles};
use crate::session::config_file;
use console::Term;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Writes credentials into a profile, a file that its owner alone can read
///
/// On a terminal it asks for each, secrets without echo; an empty answer keeps what is there. Elsewhere it reads lines
/// `VARIABLE=value` from standard input.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Variables:
  DATAFORSEO_LOGIN, DATAFORSEO_PASSWORD, MULTICART_API_KEY, SP_API_CLIENT_ID, SP_API_CLIENT_SECRET, and for each account
  of asin.toml the one that its `refresh_token_env` names. Other hosts: DATAFORSEO_BASE_URL, MULTICART_BASE_URL,
  SP_API_BASE_URL, SP_API_LWA_URL.

Examples:
  asin configure
  asin configure --profile work < credentials.env
  asin doctor --profile work")]
pub struct Arguments {
    /// The name of the profile
    #[arg(long, value_name = "NAME", env = "ASIN_PROFILE", hide_env_values = true, default_value = DEFAULT)]
    profile: String,
    /// The file that names the accounts [default: asin.toml here, else beside the profiles]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What may stand in a profile.
struct Known {
    variable: String,
    what: String,
    /// Read without echo.
    secret: bool,
    /// Whether it is asked for.
    asked: bool,
}

/// Asks or reads, and writes.
pub fn run(arguments: &Arguments) -> Ended {
    let known = known(arguments)?;
    // Whether they can be read is said before anybody is asked.
    Profiles::read()?;
    let values = if std::io::stdin().is_terminal() { asked(&known)? } else { read(&known)? };
    if values.is_empty() {
        return Err(Failure::usage("no value was given: nothing was written"));
    }
    let names: Vec<&str> = values.keys().map(String::as_str).collect();
    let told = format!("{} in profile `{}`", names.join(", "), arguments.profile);
    let file = Profiles::write(&arguments.profile, values)?;
    say(&format!("asin: {told} of {}; `asin doctor` checks them", file.display()));
    Ok(ExitCode::SUCCESS)
}

fn known(arguments: &Arguments) -> Result<Vec<Known>, Failure> {
    let one = |variable: &str, what: &str, secret, asked| Known {
        variable: variable.to_owned(),
        what: what.to_owned(),
        secret,
        asked,
    };
    let mut known = vec![
        one("DATAFORSEO_LOGIN", "DataForSEO's login", false, true),
        one("DATAFORSEO_PASSWORD", "DataForSEO's API password", true, true),
        one("MULTICART_API_KEY", "MultiCart's API key", true, true),
        one("SP_API_CLIENT_ID", "the SP-API application's client id", false, true),
        one("SP_API_CLIENT_SECRET", "its client secret", true, true),
        one("DATAFORSEO_BASE_URL", "another host", false, false),
        one("MULTICART_BASE_URL", "another host", false, false),
        one("SP_API_BASE_URL", "another host", false, false),
        one("SP_API_LWA_URL", "another token endpoint", false, false),
    ];
    let file = arguments.config.clone().unwrap_or_else(|| config_file("asin.toml".into()));
    if arguments.config.is_some() || file.exists() {
        for (name, entry) in Config::read(&file)?.entries() {
            known.push(one(&entry.refresh_token_env, &format!("the refresh token of account `{name}`"), true, true));
        }
    }
    Ok(known)
}

fn asked(known: &[Known]) -> Result<Profile, Failure> {
    let terminal = Term::stderr();
    let mut values = Profile::new();
    for Known { variable, what, secret, .. } in known.iter().filter(|known| known.asked) {
        let prompt = format!("{variable} ({what}): ");
        let answer = terminal.write_str(&prompt).and_then(|()| match secret {
            true => terminal.read_secure_line(),
            false => terminal.read_line(),
        });
        let answer = answer.map_err(|error| Failure::usage(format!("the terminal: {error}")))?;
        if !answer.trim().is_empty() {
            values.insert(variable.clone(), checked(variable, answer.trim())?);
        }
    }
    Ok(values)
}

fn read(known: &[Known]) -> Result<Profile, Failure> {
    let mut values = Profile::new();
    for (number, line) in text_of(Path::new("-"))?.lines().enumerate() {
        let place = format!("standard input: line {}", number + 1);
        if line.trim().is_empty() {
            continue;
        }
        // The line itself is not quoted: it may be a secret.
        let pair = line.split_once('=').map(|(variable, value)| (variable.trim(), value.trim()));
        let (variable, value) = pair.ok_or_else(|| Failure::usage(format!("{place}: not VARIABLE=value")))?;
        if !known.iter().any(|known| known.variable == variable) {
            let names: Vec<&str> = known.iter().map(|known| known.variable.as_str()).collect();
            return Err(Failure::usage(format!("{place}: no such variable, there are: {}", names.join(", "))));
        }
        values.insert(variable.to_owned(), checked(variable, value).map_err(|failure| failure.about(&place))?);
    }
    Ok(values)
}

fn checked(variable: &str, value: &str) -> Result<String, Failure> {
    if value.is_empty() || value.chars().any(char::is_control) {
        return Err(Failure::usage(format!("{variable}: the value is empty or holds a control character")));
    }
    Ok(value.to_owned())
}
