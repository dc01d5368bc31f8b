//! Schemas on disk, by checksum: half a megabyte to a megabyte each, which is downloaded once.

use super::{GetDefinitionsProductType, Locale, ProductTypeDefinition, SchemaLink};
use crate::SpClient;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use core_http::{Error, ErrorKind, Result};
use md5::{Digest, Md5};
use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::SystemTime,
};
use tokio::fs;

/// The largest document that is taken for a schema; real ones have at most a megabyte.
const LARGEST: u64 = 32 << 20;
/// What the folder may hold unless told otherwise.
const ROOM: u64 = 256 << 20;

/// A definition with the schema that it links to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ProductTypeSchema {
    /// What Amazon says about the product type.
    pub definition: ProductTypeDefinition,
    /// The schema: JSON Schema 2019-09 with Amazon's own keywords.
    pub document: Bytes,
}

impl ProductTypeSchema {
    /// From a definition and the schema of its link, wherever they were kept.
    pub fn new(definition: ProductTypeDefinition, document: impl Into<Bytes>) -> Self {
        Self { definition, document: document.into() }
    }
}

/// A folder of schemas, each named by the checksum of its content. Several processes may share it.
#[derive(Debug, Clone)]
pub struct SchemaCache {
    folder: PathBuf,
    room: u64,
}

impl SchemaCache {
    /// In this folder, which is made when it is first needed and holds nothing else.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), room: ROOM }
    }

    /// The most bytes that the folder may hold, 256 MiB by default; what was downloaded longest ago goes first.
    pub fn room(mut self, bytes: u64) -> Self {
        self.room = bytes;
        self
    }

    /// Reads a definition and its schema. What does not say its language is asked for in that of its store.
    ///
    /// # Errors
    /// Those of the call, and as [`read`](SchemaCache::read).
    pub async fn fetch(&self, client: &SpClient, mut ask: GetDefinitionsProductType) -> Result<ProductTypeSchema> {
        if ask.locale.is_none() {
            ask.locale = ask.marketplace_ids.first().map(Locale::of_store);
        }
        let definition = client.call(ask).await?;
        let document = self.read(client, &definition.schema).await?;
        Ok(ProductTypeSchema { definition, document })
    }

    /// The document of a link: from the folder, or downloaded without our token, checked and kept.
    ///
    /// Also for [`ProductTypeDefinition::meta_schema`].
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] if the checksum is none or is that of another document, or if the document is larger than
    /// 32 MiB; [`ErrorKind::Request`] if the address is not https (loopback excepted) or the folder cannot be used; else
    /// those of the download.
    pub async fn read(&self, client: &SpClient, link: &SchemaLink) -> Result<Bytes> {
        let digest = digest_of(&link.checksum)?;
        let path = self.folder.join(format!("{}.json", hex(&digest)));
        // What was damaged on disk is downloaded again.
        if let Ok(known) = fs::read(&path).await
            && md5(&known) == digest
        {
            return Ok(known.into());
        }
        let unusable = |error: io::Error| {
            Error::new(ErrorKind::Request, format!("the folder of schemas {}: {error}", self.folder.display()))
        };
        fs::create_dir_all(&self.folder).await.map_err(unusable)?;
        let fresh = Fresh::beside(&path);
        let url = link.link.resource.url()?;
        let download = client.download_url(&url, &fresh.0).await?;
        if download.bytes > LARGEST {
            return Err(wrong(format!("a schema of {} bytes is larger than {LARGEST}", download.bytes)));
        }
        let document = fs::read(&fresh.0).await.map_err(unusable)?;
        if md5(&document) != digest {
            let found = STANDARD.encode(md5(&document));
            return Err(wrong(format!("the schema's checksum is {found}, not {} as announced", link.checksum)));
        }
        fs::rename(&fresh.0, &path).await.map_err(unusable)?;
        self.make_room(&path).await.map_err(unusable)?;
        Ok(document.into())
    }

    /// Removes what was downloaded longest ago until the rest has room; what is needed now stays.
    async fn make_room(&self, needed: &Path) -> io::Result<()> {
        let mut entries = fs::read_dir(&self.folder).await?;
        let (mut held, mut total) = (Vec::new(), 0);
        while let Some(entry) = entries.next_entry().await? {
            // Another process may have removed it meanwhile.
            let Ok(about) = entry.metadata().await else { continue };
            total += about.len();
            if entry.path() != needed && entry.path().extension().is_some_and(|extension| extension == "json") {
                held.push((about.modified().unwrap_or(SystemTime::UNIX_EPOCH), entry.path(), about.len()));
            }
        }
        held.sort();
        for (_, path, bytes) in held {
            if total <= self.room {
                break;
            }
            match fs::remove_file(path).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => total -= bytes,
            }
        }
        Ok(())
    }
}

/// A download that is not checked yet; gone when it is dropped, unless it got its name.
struct Fresh(PathBuf);

impl Fresh {
    fn beside(path: &Path) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(path.with_extension(format!("{}-{number}.fresh", std::process::id())))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let _renamed_or_gone = std::fs::remove_file(&self.0);
    }
}

fn digest_of(checksum: &str) -> Result<[u8; 16]> {
    let digest = STANDARD.decode(checksum).ok().and_then(|bytes| bytes.try_into().ok());
    digest.ok_or_else(|| wrong(format!("`{checksum}` is no checksum: MD5 in Base64 is expected")))
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Decode, message.into())
}
