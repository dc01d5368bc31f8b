//! The file of profiles: sets of credentials under the names of their variables, readable by its owner alone.

use crate::failure::Failure;
use fs4::FileExt;
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// The profile that is read when none is named.
pub const DEFAULT: &str = "default";

/// Variables and their values.
pub type Profile = BTreeMap<String, String>;

/// All profiles, and where they are kept.
#[derive(Debug)]
pub struct Profiles {
    file: PathBuf,
    profiles: BTreeMap<String, Profile>,
}

/// The folder of this command's settings; `None` where the environment names no home.
pub fn folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || variable("HOME").map(|home| home.join(".config"));
    Some(variable("XDG_CONFIG_HOME").or_else(|| variable("APPDATA")).or_else(home)?.join("asin"))
}

impl Profiles {
    /// Reads the file; without one, there are none.
    pub fn read() -> Result<Self, Failure> {
        let Some(folder) = folder() else {
            return Ok(Self { file: PathBuf::new(), profiles: BTreeMap::new() });
        };
        let file = folder.join("profiles.toml");
        let named = |error: &dyn Display| Failure::usage(format!("{}: {error}", file.display()));
        let profiles = match std::fs::read_to_string(&file) {
            Ok(text) => {
                private(&file)?;
                // The parser's message would quote the line, and with it a secret.
                toml::from_str(&text).map_err(|error: toml::de::Error| named(&error.message()))?
            }
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(named(&error)),
        };
        Ok(Self { file, profiles })
    }

    /// The profile of this name; the default one may be missing.
    pub fn get(&self, name: Option<&str>) -> Result<Profile, Failure> {
        match (name, self.profiles.get(name.unwrap_or(DEFAULT))) {
            (_, Some(profile)) => Ok(profile.clone()),
            (None, None) => Ok(Profile::new()),
            (Some(name), None) => {
                let names: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
                let known = if names.is_empty() { "there is none yet".to_owned() } else { names.join(", ") };
                let message = format!("no profile `{name}` ({known}): `asin configure --profile {name}` writes it");
                Err(Failure::usage(message))
            }
        }
    }

    /// Puts values into a profile, beside those that it has, and writes the file anew; says where. What another process has
    /// written meanwhile stays.
    pub fn write(name: &str, values: Profile) -> Result<PathBuf, Failure> {
        let Some(folder) = folder() else {
            return Err(Failure::usage("no folder for profiles: set HOME or XDG_CONFIG_HOME"));
        };
        std::fs::create_dir_all(&folder).map_err(|error| named(&folder, &error))?;
        let beside = folder.join("profiles.lock");
        let lock = OpenOptions::new().append(true).create(true).open(&beside);
        // Until it is dropped.
        let _locked =
            lock.and_then(|lock| FileExt::lock(&lock).map(|()| lock)).map_err(|error| named(&beside, &error))?;
        let mut all = Self::read()?;
        all.profiles.entry(name.to_owned()).or_default().extend(values);
        let named = |error: &dyn Display| named(&all.file, error);
        // A temporary file is its owner's alone from the beginning.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| named(&error))?;
        file.write_all(all.text().as_bytes())
            .and_then(|()| file.as_file().sync_all())
            .map_err(|error| named(&error))?;
        file.persist(&all.file).map_err(|error| named(&error.error))?;
        Ok(all.file)
    }

    fn text(&self) -> String {
        // A JSON string is a TOML string too.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut text = String::new();
        for (name, profile) in &self.profiles {
            let _ = writeln!(text, "[{}]", quoted(name));
            for (variable, value) in profile {
                let _ = writeln!(text, "{} = {}", quoted(variable), quoted(value));
            }
        }
        text
    }
}

fn named(file: &Path, error: &dyn Display) -> Failure {
    Failure::work(format!("{}: {error}", file.display()))
}

/// Refuses a file of secrets that others can read.
#[cfg(unix)]
pub fn private(file: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    let named = |error: &dyn Display| Failure::usage(format!("{}: {error}", file.display()));
    let mode = std::fs::metadata(file).map_err(|error| named(&error))?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { Err(named(&"others can read these secrets; `chmod 600` it")) }
}

#[cfg(not(unix))]
pub fn private(_: &Path) -> Result<(), Failure> {
    Ok(())
}
