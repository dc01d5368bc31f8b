//! Places and languages by the names that people have for them, out of the vendor's own lists, kept on disk.
//!
//! The lists are long (postcodes are places, too) and change rarely: they are fetched once, by free calls, and looked up
//! without the network from then on.

use crate::{
    AmazonLanguages, AmazonLocations, AmazonLocationsIn, DataForSeo, DfsClient, Language, LanguageRow, Location,
    LocationRow,
    file_ledger::{slug, sync_dir},
};
use core_http::{Error, ErrorKind, Operation, Result};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

/// A name that is not in a list, or not clearly, with those that are most like it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotFound {
    /// What was looked for: a `country`, `location`, `location code` or `language`.
    pub what: &'static str,
    /// The name.
    pub name: String,
    /// Names in the list, the most similar first; at most five.
    pub near: Vec<String>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no one {} `{}` in the vendor's list", self.what, self.name)?;
        let near: Vec<String> = self.near.iter().map(|name| format!("`{name}`")).collect();
        if near.is_empty() { Ok(()) } else { write!(f, "; it has {}", near.join(", ")) }
    }
}

impl std::error::Error for NotFound {}

/// The folder in which the vendor's lists are kept.
///
/// ```
/// # use dataforseo_merchant::DfsClient;
/// use dataforseo_merchant::{PlaceLists, SellersTask};
///
/// # async fn example(client: DfsClient, cache: std::path::PathBuf) -> Result<(), Box<dyn std::error::Error>> {
/// let places = PlaceLists::new(cache).of_country(&client, "gb").await?; // later on without the network
/// let (from, language) = (places.location("HA1,England,United Kingdom")?, places.language("en_GB")?);
/// let task = SellersTask::new("B0EXAMPLE1".parse()?, from, language);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct PlaceLists {
    folder: PathBuf,
    max_age: Duration,
}

impl PlaceLists {
    /// A folder, which is made when it is needed. Clients with different base URLs may share it.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), max_age: Duration::from_secs(30 * 24 * 3600) }
    }

    /// How old a list may be before it is fetched again; 30 days by default.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// The places of one country, by its code (ISO 3166, such as `us`), and the languages.
    ///
    /// What the folder does not have, or only in an old version, is fetched. If that fails, an old version is used, and a
    /// warning is traced.
    ///
    /// # Errors
    /// Those of the calls, when the folder has no version at all; [`ErrorKind::Request`] when it cannot be written, and for
    /// a text that is no code of a country.
    pub async fn of_country(&self, client: &DfsClient, country: &str) -> Result<Places> {
        let country = country.to_ascii_lowercase();
        if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Err(Error::new(
                ErrorKind::Request,
                format!("`{country}` is no ISO 3166 code of a country, such as `us`"),
            ));
        }
        let list = format!("locations-{country}");
        let locations = self.list(client, &list, AmazonLocationsIn::new(country)).await?;
        Ok(Places::new(locations, self.languages(client).await?))
    }

    /// The places of all countries, and the languages; as [`of_country`](Self::of_country).
    ///
    /// # Errors
    /// As those of [`of_country`](Self::of_country).
    pub async fn all(&self, client: &DfsClient) -> Result<Places> {
        let locations = self.list(client, "locations", AmazonLocations::new()).await?;
        Ok(Places::new(locations, self.languages(client).await?))
    }

    async fn languages(&self, client: &DfsClient) -> Result<Vec<LanguageRow>> {
        self.list(client, "languages", AmazonLanguages::new()).await
    }

    async fn list<T, O>(&self, client: &DfsClient, name: &str, operation: O) -> Result<Vec<T>>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        O: Operation<Vendor = DataForSeo, Output = Vec<T>>,
    {
        let path = self.folder.join(format!("{}-{name}.json", slug(&client.base())));
        let reading = path.clone();
        let kept = blocking(move || Ok(read::<T>(&reading))).await?;
        let max_age = SignedDuration::try_from(self.max_age).unwrap_or(SignedDuration::MAX);
        // What was fetched in the future was fetched by a wrong clock, nobody knows when.
        let is_young = |kept: &Kept<T>| {
            let age = Timestamp::now().duration_since(kept.fetched);
            !age.is_negative() && age <= max_age
        };
        let old = match kept {
            Some(kept) if is_young(&kept) => return Ok(kept.rows),
            old => old,
        };
        match (client.call(operation).await, old) {
            (Ok(rows), _) if !rows.is_empty() => blocking(move || write(&path, rows)).await,
            (Ok(_), None) => Err(Error::new(ErrorKind::NotFound, format!("the vendor's list of {name} is empty"))),
            (Err(error), None) => Err(error),
            (answer, Some(old)) => {
                let error = answer.err();
                tracing::warn!(path = %path.display(), ?error, "not fetched; an older list is used");
                Ok(old.rows)
            }
        }
    }
}

/// A list as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    fetched: Timestamp,
    rows: Vec<T>,
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(io::Error::other);
    done.and_then(|done| done).map_err(|error| Error::new(ErrorKind::Request, error))
}

/// A list on disk. One that cannot be read is as good as none: the vendor has it.
fn read<T: DeserializeOwned>(path: &Path) -> Option<Kept<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a list cannot be read");
            return None;
        }
    };
    let kept = serde_json::from_slice(&bytes);
    kept.inspect_err(|error| tracing::warn!(path = %path.display(), %error, "a list cannot be read")).ok()
}

/// Writes a list under another name first: whoever reads sees the old one or the new one, whole.
fn write<T: Serialize>(path: &Path, rows: Vec<T>) -> io::Result<Vec<T>> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let kept = Kept { fetched: Timestamp::now(), rows };
    let new = path.with_extension(format!("{}.new", crate::ids::unique().simple()));
    let written = || {
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(&kept)?)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        sync_dir(folder)
    };
    written().inspect_err(|_| drop(fs::remove_file(&new)))?;
    Ok(kept.rows)
}

/// The vendor's places and languages, to look names up in.
#[derive(Debug, Clone)]
pub struct Places {
    locations: Vec<LocationRow>,
    languages: Vec<LanguageRow>,
    codes: HashMap<i64, usize>,
    /// By name in lower case: the whole one, and its first part where that is of several.
    names: HashMap<String, Vec<usize>>,
}

impl Places {
    /// Places and languages that one has already.
    pub fn new(locations: Vec<LocationRow>, languages: Vec<LanguageRow>) -> Self {
        let (mut codes, mut names) = (HashMap::new(), HashMap::<String, Vec<usize>>::new());
        for (at, row) in locations.iter().enumerate() {
            codes.extend(row.location_code.map(|code| (code, at)));
            let Some(name) = &row.location_name else { continue };
            let whole = name.to_lowercase();
            if let Some((first, _)) = whole.split_once(',') {
                names.entry(first.trim().to_owned()).or_default().push(at);
            }
            names.entry(whole).or_default().push(at);
        }
        Self { locations, languages, codes, names }
    }

    /// All places.
    pub fn locations(&self) -> &[LocationRow] {
        &self.locations
    }

    /// All languages.
    pub fn languages(&self) -> &[LanguageRow] {
        &self.languages
    }

    /// A place by its full name (`HA1,England,United Kingdom`), by the first part of it where that is of one place only, by
    /// the code of a country (`gb`), or by the vendor's number for it. Case does not matter.
    ///
    /// # Errors
    /// [`NotFound`]; also when several places have that name, or one has it and another one has it as its number.
    pub fn location(&self, name: &str) -> Result<Location, NotFound> {
        let wanted = name.trim().to_lowercase();
        let named = self.names.get(&wanted).map(Vec::as_slice).unwrap_or_default();
        if let Ok(code) = wanted.parse::<i64>()
            && let Some(at) = self.codes.get(&code)
        {
            // A postcode may be another place's number: which one was meant must be said.
            return match named.iter().all(|named| named == at) {
                true => self.place(&self.locations[*at]),
                false => Err(self.several(name, std::iter::once(at).chain(named))),
            };
        }
        if wanted.len() == 2
            && let Ok(country) = self.country(&wanted)
        {
            return Ok(country);
        }
        let is_whole = |at: &&usize| self.name(**at).to_lowercase() == wanted;
        match (named.iter().find(is_whole), named) {
            (Some(at), _) | (None, [at]) => self.place(&self.locations[*at]),
            (None, []) => Err(self.no_location("location", name)),
            (None, several) => Err(self.several(name, several.iter())),
        }
    }

    /// A place by the vendor's number for it.
    ///
    /// # Errors
    /// [`NotFound`].
    pub fn location_code(&self, code: i64) -> Result<Location, NotFound> {
        match self.codes.get(&code) {
            Some(at) => self.place(&self.locations[*at]),
            None => Err(self.no_location("location code", &code.to_string())),
        }
    }

    /// A whole country by its code (ISO 3166) or name.
    ///
    /// # Errors
    /// [`NotFound`].
    pub fn country(&self, country: &str) -> Result<Location, NotFound> {
        let is =
            |field: &Option<String>, text: &str| field.as_ref().is_some_and(|field| field.eq_ignore_ascii_case(text));
        let mut countries = self.locations.iter().filter(|row| is(&row.location_type, "country"));
        let found = countries.clone().find(|row| is(&row.country_iso_code, country) || is(&row.location_name, country));
        let mut names = || {
            let named = |row: &LocationRow| [row.location_name.clone(), row.country_iso_code.clone()];
            countries.by_ref().flat_map(named).flatten().collect::<Vec<_>>()
        };
        match found {
            Some(row) => self.place(row),
            None => Err(not_found("country", country, names().iter().map(String::as_str))),
        }
    }

    /// A language by its code (`en_US`) or name (`English (United States)`). Case does not matter.
    ///
    /// # Errors
    /// [`NotFound`].
    pub fn language(&self, name: &str) -> Result<Language, NotFound> {
        let wanted = name.trim().to_lowercase();
        let is = |field: &Option<String>| field.as_ref().is_some_and(|field| field.to_lowercase() == wanted);
        let found = self.languages.iter().find(|row| is(&row.language_code) || is(&row.language_name));
        if let Some(code) = found.and_then(|row| row.language_code.as_ref()) {
            return Ok(Language::code(code));
        }
        let names = self.languages.iter().flat_map(|row| [&row.language_code, &row.language_name]);
        Err(not_found("language", name, names.flatten().map(String::as_str)))
    }

    fn several<'a>(&self, name: &str, those: impl Iterator<Item = &'a usize>) -> NotFound {
        let near = those.take(NEAR).map(|at| self.name(*at).to_owned()).collect();
        NotFound { what: "location", name: name.to_owned(), near }
    }

    fn place(&self, row: &LocationRow) -> Result<Location, NotFound> {
        match row.location_code.and_then(|code| u32::try_from(code).ok()) {
            Some(code) => Ok(Location::code(code)),
            None => {
                let name = row.location_name.as_deref().unwrap_or_default();
                Location::name(name).map_err(|_| self.no_location("location", name))
            }
        }
    }

    fn name(&self, at: usize) -> &str {
        self.locations[at].location_name.as_deref().unwrap_or_default()
    }

    fn no_location(&self, what: &'static str, name: &str) -> NotFound {
        not_found(what, name, self.locations.iter().filter_map(|row| row.location_name.as_deref()))
    }
}

/// How many similar names an error tells.
const NEAR: usize = 5;

/// A name that was not found, among those that could have been meant.
fn not_found<'a>(what: &'static str, name: &str, names: impl Iterator<Item = &'a str>) -> NotFound {
    let wanted: Vec<char> = name.trim().to_lowercase().chars().take(100).collect();
    let text: String = wanted.iter().collect();
    let most = wanted.len() / 3 + 1;
    let mut near = BTreeMap::new();
    for known in names {
        let lower = known.to_lowercase();
        let first = lower.split([',', '(']).next().unwrap_or_default().trim_end();
        let away = distance(&wanted, first).min(distance(&wanted, &lower));
        let holds = wanted.len() > 2 && lower.contains(&text);
        if holds || away <= most {
            near.insert((if holds { away.min(1) } else { away }, known.chars().count(), known), ());
            if near.len() > NEAR {
                near.pop_last();
            }
        }
    }
    let near = near.into_keys().map(|(_, _, known)| known.to_owned()).collect();
    NotFound { what, name: name.to_owned(), near }
}

/// How many letters have to be put in, left out or changed.
fn distance(wanted: &[char], known: &str) -> usize {
    let mut row: Vec<usize> = (0..=wanted.len()).collect();
    for (line, known) in (1..).zip(known.chars().take(100)) {
        let mut before = row[0];
        row[0] = line;
        for (at, letter) in (1..).zip(wanted) {
            let changed = before + usize::from(*letter != known);
            before = row[at];
            row[at] = changed.min(row[at] + 1).min(row[at - 1] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
