//! Where results go: JSON lines that are on disk before anybody is told so.

use crate::failure::{Failure, deliver, on_disk};
use crate::paid::rows::whole;
use asin_facade::dataforseo_merchant::webhook::{Keep, StoreError};
use asin_facade::dataforseo_merchant::{Collected, Tag};
use async_trait::async_trait;
use fs4::{FileExt, TryLockError};
use serde_json::Value;
use std::collections::HashSet;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Standard output or a file, and what is in it.
#[derive(Debug, Clone)]
pub struct Sink(Arc<Mutex<Written>>);

#[derive(Debug)]
struct Written {
    file: Option<File>,
    tags: HashSet<Tag>,
}

impl Sink {
    /// Standard output, or the end of this file; a line of ours at its end that was cut short is taken away.
    pub fn open(out: Option<PathBuf>) -> Result<Self, Failure> {
        let opened = match out {
            Some(out) => reopened(&out)?,
            None => Written { file: None, tags: HashSet::new() },
        };
        Ok(Self(Arc::new(Mutex::new(opened))))
    }
}

/// How a line begins, as [`whole`] writes it.
const BEGIN: &[u8] = br#"{"tag":""#;

/// A file of results that nobody else writes into, with the tags of those that are whole in it.
fn reopened(out: &Path) -> Result<Written, Failure> {
    let named = |error: &dyn Display| Failure::usage(format!("{}: {error}", out.display()));
    let file = OpenOptions::new().read(true).append(true).create(true).open(out);
    let mut file = file.map_err(|error| named(&error))?;
    match FileExt::try_lock(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(named(&"another `asin receive` is writing into it")),
        Err(TryLockError::Error(error)) => return Err(named(&error)),
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| named(&error))?;
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let (whole, rest) = bytes.split_at(end);
    let lines: Vec<&[u8]> = whole.split(|byte| *byte == b'\n').collect();
    let read =
        |place: usize, line: &[u8]| tag(line).map_err(|why| named(&format!("line {} is no result: {why}", place + 1)));
    let mut tags = HashSet::new();
    for (place, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        tags.insert(read(place, line)?);
    }
    let is_ours = rest.starts_with(BEGIN) || BEGIN.starts_with(rest);
    if rest.is_empty() {
        return Ok(Written { file: Some(file), tags });
    }
    if is_ours && serde_json::from_slice::<Value>(rest).is_err() {
        // What was cut short was not called collected: it comes again.
        file.set_len(end as u64).and_then(|()| file.sync_all()).map_err(|error| named(&error))?;
    } else {
        // An editor took the end of the last line away.
        tags.insert(read(lines.len() - 1, rest)?);
        file.write_all(b"\n").and_then(|()| file.sync_all()).map_err(|error| named(&error))?;
    }
    Ok(Written { file: Some(file), tags })
}

/// The tag of a result, if the line is one.
fn tag(line: &[u8]) -> Result<Tag, String> {
    let result: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let tag = result["tag"].as_str().ok_or("it has no `tag`")?;
    Tag::new(tag).map_err(|error| error.to_string())
}

impl Written {
    fn write(&mut self, tag: Tag, line: &str) -> Result<(), StoreError> {
        if self.tags.contains(&tag) {
            return Ok(());
        }
        match &mut self.file {
            Some(file) => append(file, line)?,
            None => {
                let delivered = deliver(line).and_then(|()| on_disk());
                delivered.map_err(|failure| failure.message())?;
            }
        }
        self.tags.insert(tag);
        Ok(())
    }
}

/// Appends a line, whole or not at all, and sees it onto the disk.
fn append(file: &mut File, line: &str) -> io::Result<()> {
    let length = file.metadata()?.len();
    let written = file.write_all(format!("{line}\n").as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        let _as_far_as_the_disk_allows = file.set_len(length);
    }
    written
}

#[async_trait]
impl Keep for Sink {
    async fn keep(&self, collected: &Collected) -> Result<(), StoreError> {
        let (written, tag, line) = (self.0.clone(), collected.entry.tag.clone(), whole(collected).to_string());
        let write = move || written.lock().unwrap_or_else(PoisonError::into_inner).write(tag, &line);
        tokio::task::spawn_blocking(write).await?
    }
}
