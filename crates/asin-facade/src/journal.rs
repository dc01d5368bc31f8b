//! An append-only file of JSON lines that outlives crashes: what is appended is on the disk when the call returns, a last
//! line that was cut short is left out, and one process at a time owns the file.

use fs4::{FileExt, TryLockError};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Why the state cannot be used; nothing is sent without it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Another run is at work on the same catalogue.
    #[error("{0}: another run of `asin` is using it; wait until that has ended")]
    Locked(PathBuf),
    /// A line that this version cannot read: it may be the record of something that was sent.
    #[error("{path}, line {line}: {message}; move the file away only if nothing sent from here matters any more")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its line, counted from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
}

/// The file.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Whether a write has failed: what stands behind a half line could not be read again.
    broken: bool,
}

impl Journal {
    /// Opens the file, or makes it, and hands out its lines; keeps every other process out of it. What was done at other
    /// hosts (a sandbox) is another `world`, and another file.
    ///
    /// # Errors
    /// If it cannot be read, written or locked.
    pub(crate) fn open<L: DeserializeOwned>(
        folder: &Path,
        name: &str,
        world: &str,
        mut line: impl FnMut(L),
    ) -> Result<Self, StateError> {
        let path = file(folder, name, world);
        let io = |source| StateError::Io { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(io)?;
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(io)?;
        match FileExt::try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::Locked(path)),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let journal = Self { path: path.clone(), file: file.try_clone().map_err(io)?, broken: false };
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        // The file's name, too, has to survive a crash.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
        let mut reader = BufReader::new(file);
        let (mut text, mut length, mut number) = (Vec::new(), 0_u64, 0);
        loop {
            text.clear();
            let read = reader.read_until(b'\n', &mut text).map_err(io)?;
            if read == 0 {
                return Ok(journal);
            }
            number += 1;
            if text.last() != Some(&b'\n') {
                // The crash came in the middle of this line, so what it announces was never sent.
                journal.file.set_len(length).map_err(io)?;
                return Ok(journal);
            }
            length += read as u64;
            match serde_json::from_slice(&text) {
                Ok(read) => line(read),
                Err(error) => return Err(StateError::Damaged { path, line: number, message: error.to_string() }),
            }
        }
    }

    /// Appends lines and returns once they are on the disk.
    pub(crate) fn append<L: Serialize>(&mut self, lines: &[L]) -> Result<(), StateError> {
        if self.broken {
            return Err(self.io(io::Error::other("closed after an earlier failure")));
        }
        let written = self.file.write_all(&text(lines)).and_then(|()| self.file.sync_data());
        self.broken = written.is_err();
        written.map_err(|source| self.io(source))
    }

    /// Writes the file anew with these lines only; if that fails, the old one stays.
    #[cfg(feature = "publish")]
    pub(crate) fn replace<L: Serialize>(&mut self, lines: &[L]) -> Result<(), StateError> {
        let fresh = self.path.with_extension("jsonl.new");
        let _left_by_a_crash = fs::remove_file(&fresh);
        let replaced = || {
            let mut file = OpenOptions::new().append(true).create_new(true).open(&fresh)?;
            FileExt::lock(&file)?;
            file.write_all(&text(lines)).and_then(|()| file.sync_all())?;
            fs::rename(&fresh, &self.path)?;
            // The name, too, has to survive a crash, or what is appended from now on would not.
            self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())?;
            Ok(file)
        };
        self.file = replaced().map_err(|source| self.io(source))?;
        Ok(())
    }

    fn io(&self, source: io::Error) -> StateError {
        StateError::Io { path: self.path.clone(), source }
    }
}

/// Where the journal of a world is kept.
pub(crate) fn file(folder: &Path, name: &str, world: &str) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    folder.join(format!("{name}-{}.jsonl", world.chars().map(plain).collect::<String>()))
}

fn text<L: Serialize>(lines: &[L]) -> Vec<u8> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line).expect("the state is made of plain data");
        text.push(b'\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path, lines: &mut Vec<u8>) -> Journal {
        Journal::open(folder, "test", "api.vendor.test", |line| lines.push(line)).unwrap()
    }

    #[test]
    fn nothing_is_written_behind_a_line_that_may_be_half() {
        let folder = tempfile::tempdir().unwrap();
        let mut lines = Vec::new();
        let mut journal = open(folder.path(), &mut lines);
        journal.append(&[1]).unwrap();
        let good = journal.file.try_clone().unwrap();
        journal.file = File::open(&journal.path).unwrap();
        assert!(matches!(journal.append(&[2]), Err(StateError::Io { .. })), "not open for writing");
        journal.file = good;
        assert!(matches!(journal.append(&[3]), Err(StateError::Io { .. })));
        drop(journal);
        open(folder.path(), &mut lines);
        assert_eq!(lines, [1]);
    }
}
