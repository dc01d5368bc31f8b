//! Where results go: JSON lines that are on disk before anybody is told so.

use crate::failure::{Failure, deliver};
use crate::paid::rows::whole;
use asin_facade::dataforseo_merchant::webhook::{Keep, StoreError};
use asin_facade::dataforseo_merchant::{Collected, Tag};
use async_trait::async_trait;
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
    /// Standard output, or the end of this file; a line at its end that was cut short is taken away.
    pub fn open(out: Option<PathBuf>) -> Result<Self, Failure> {
        let opened = match out {
            Some(out) => reopened(&out)?,
            None => Written { file: None, tags: HashSet::new() },
        };
        Ok(Self(Arc::new(Mutex::new(opened))))
    }
}

/// A file of results, with the tags of those that are whole in it.
fn reopened(out: &Path) -> Result<Written, Failure> {
    let named = |error: &dyn Display| Failure::usage(format!("{}: {error}", out.display()));
    let file = OpenOptions::new().read(true).append(true).create(true).open(out);
    let mut file = file.map_err(|error| named(&error))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| named(&error))?;
    // What was cut short was not called collected: it comes again.
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut tags = HashSet::new();
    for (number, line) in bytes[..whole].split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        let wrong = |error: &dyn Display| named(&format!("line {} is no result: {error}", number + 1));
        let result: Value = serde_json::from_slice(line).map_err(|error| wrong(&error))?;
        let tag = result["tag"].as_str().ok_or_else(|| wrong(&"it has no `tag`"))?;
        tags.insert(Tag::new(tag).map_err(|error| wrong(&error))?);
    }
    if whole < bytes.len() {
        file.set_len(whole as u64).and_then(|()| file.sync_all()).map_err(|error| named(&error))?;
    }
    Ok(Written { file: Some(file), tags })
}

impl Written {
    fn write(&mut self, tag: Tag, line: &str) -> Result<(), StoreError> {
        if self.tags.contains(&tag) {
            return Ok(());
        }
        match &mut self.file {
            Some(file) => append(file, line)?,
            None => {
                deliver(line).map_err(|failure| failure.message())?;
                on_disk()?;
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

/// Sees standard output onto the disk, where it is a file.
#[cfg(unix)]
fn on_disk() -> io::Result<()> {
    use std::os::fd::AsFd;
    let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    if out.metadata()?.is_file() { out.sync_all() } else { Ok(()) }
}

#[cfg(not(unix))]
fn on_disk() -> io::Result<()> {
    Ok(())
}

#[async_trait]
impl Keep for Sink {
    async fn keep(&self, collected: &Collected) -> Result<(), StoreError> {
        let (written, tag, line) = (self.0.clone(), collected.entry.tag.clone(), whole(collected).to_string());
        let write = move || written.lock().unwrap_or_else(PoisonError::into_inner).write(tag, &line);
        tokio::task::spawn_blocking(write).await?
    }
}
