//! Scraped outputs, streamed into files with bounded memory.

use crate::{GetOutput, McClient, MultiCart, OutputId};
use core_http::{Download, Error, ErrorKind, Result, Vendor, records::Scalars};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

/// Streams an output into a file, as the service answers it: `{code, data, status}`, the content in `data.output_json`.
///
/// The verdict follows the content, so the file gets its name only when everything has arrived, is well-formed and ends
/// in a success. Whatever else comes leaves untouched what was there. The memory does not depend on the size.
///
/// # Errors
/// As [`Client::download`](core_http::Client::download); [`ErrorKind::Decode`] for an answer that is no whole envelope.
pub async fn save(client: &McClient, output: OutputId, to: impl AsRef<Path>) -> Result<Download> {
    let to = to.as_ref();
    let unwritten = |error: std::io::Error| Error::new(ErrorKind::Request, format!("{}: {error}", to.display()));
    let unjudged = Unjudged::beside(to, output)?;
    let mut download = client.download(GetOutput::new(output), &unjudged.0).await?;
    let path = unjudged.0.clone();
    let judged = tokio::task::spawn_blocking(move || judge(&path)).await;
    judged.map_err(|error| Error::new(ErrorKind::Request, error))??;
    tokio::fs::rename(&unjudged.0, to).await.map_err(unwritten)?;
    download.path = to.to_owned();
    Ok(download)
}

/// A file that has arrived and not been judged; gone when it is dropped, unless it got another name.
struct Unjudged(PathBuf);

impl Unjudged {
    fn beside(path: &Path, output: OutputId) -> Result<Self> {
        let Some(name) = path.file_name() else {
            return Err(Error::new(ErrorKind::Request, format!("{} names no file", path.display())));
        };
        let mut unjudged = OsString::from(".");
        unjudged.push(name);
        unjudged.push(format!(".{output}.unjudged"));
        Ok(Self(path.with_file_name(unjudged)))
    }
}

impl Drop for Unjudged {
    fn drop(&mut self) {
        let _renamed_or_never_there = std::fs::remove_file(&self.0);
    }
}

/// Reads an envelope from its file without keeping its content, and hears its verdict.
fn judge(path: &Path) -> Result<()> {
    let file =
        File::open(path).map_err(|error| Error::new(ErrorKind::Request, format!("{}: {error}", path.display())))?;
    let beside: Beside = serde_json::from_reader(BufReader::with_capacity(64 << 10, file))
        .map_err(|error| Error::new(ErrorKind::Decode, error))?;
    MultiCart::verdict(&Scalars(beside.0), true).map_err(Error::from)
}

/// The scalars beside `data`.
struct Beside(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Beside {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Envelope;
        impl<'de> Visitor<'de> for Envelope {
            type Value = Beside;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with `code`, `data` and `status`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Beside, A::Error> {
                let mut scalars = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "code" || key == "status" {
                        scalars.insert(key, map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Beside(scalars))
            }
        }
        deserializer.deserialize_map(Envelope)
    }
}
