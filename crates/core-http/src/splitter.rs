//! Finds the elements of one JSON array in a body that arrives in pieces.
//!
//! It never recurses and keeps at most one record: everything else is dropped as soon as it has been looked at. Only the
//! way to the array is checked as JSON; what a record holds is checked by whoever decodes it.

use crate::{answer::BYTE_ORDER_MARK, records::Scalars};
use serde_json::Value;
use std::ops::Range;

/// The deepest nesting of a value; serde_json accepts as much.
const MAX_DEPTH: u64 = 128;
/// The longest key or scalar that is looked at.
const MAX_SCALAR: usize = 64 << 10;
/// The most scalars that are kept.
const MAX_SCALARS: usize = 256;

#[derive(Debug)]
pub(crate) struct Splitter {
    path: Vec<Box<str>>,
    max_record: usize,
    buffer: Vec<u8>,
    /// The first byte not looked at yet.
    at: usize,
    /// Where the buffer begins in the body.
    offset: u64,
    state: State,
    /// How many objects on the way to the array are open.
    level: usize,
    key: Box<str>,
    scan: Option<Scan>,
    seen: Scalars,
    found: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Start,
    Key { first: bool },
    Colon,
    Value,
    AfterValue,
    Element { first: bool },
    AfterElement,
    End,
}

/// A value that is being passed over, perhaps kept.
#[derive(Debug, Clone, Copy)]
struct Scan {
    keep: Keep,
    start: usize,
    from: u64,
    bare: bool,
    in_string: bool,
    escaped: bool,
    depth: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Keep {
    Key,
    Scalar,
    Record,
    Nothing,
    /// A record that is not kept, and why.
    Refused(&'static str),
}

pub(crate) enum Event {
    /// A record, where it is in the buffer and where it began in the body.
    Record(Range<usize>, u64),
    /// A record that is too long or too deep.
    Refused(&'static str, u64),
    /// Everything that arrived has been looked at.
    NeedMore,
}

/// What is not JSON, or not what was expected, and where.
#[derive(Debug, thiserror::Error)]
#[error("at byte {offset}: {reason}")]
pub(crate) struct Broken {
    pub(crate) offset: u64,
    pub(crate) reason: &'static str,
}

impl Splitter {
    pub(crate) fn new(path: Vec<Box<str>>, max_record: usize) -> Self {
        let (buffer, key, seen) = (Vec::new(), Box::default(), Scalars::default());
        let (state, scan) = (State::Start, None);
        Self { path, max_record, buffer, at: 0, offset: 0, state, level: 0, key, scan, seen, found: false }
    }

    pub(crate) fn seen(&self) -> &Scalars {
        &self.seen
    }

    /// Whether the array, or `null` in its place, has come.
    pub(crate) fn found(&self) -> bool {
        self.found
    }

    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }

    /// The bytes looked at so far.
    pub(crate) fn position(&self) -> u64 {
        self.offset + self.at as u64
    }

    /// Takes in the next piece of the body; ranges of earlier events are void after that.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let done = match &mut self.scan {
            Some(scan) if scan.is_kept() => std::mem::take(&mut scan.start),
            _ => self.at,
        };
        self.buffer.drain(..done);
        self.at -= done;
        self.offset += done as u64;
        self.buffer.extend_from_slice(piece);
    }

    /// The body has ended.
    pub(crate) fn finish(&self) -> Result<(), Broken> {
        match self.state {
            State::End => Ok(()),
            _ => Err(self.broken("the body ends in the middle")),
        }
    }

    fn broken(&self, reason: &'static str) -> Broken {
        Broken { offset: self.position(), reason }
    }

    pub(crate) fn next(&mut self) -> Result<Event, Broken> {
        loop {
            if let Some(scan) = self.scan {
                match self.pass_over(scan)? {
                    None => return Ok(Event::NeedMore),
                    Some(Event::NeedMore) => continue,
                    Some(event) => return Ok(event),
                }
            }
            let Some(&byte) = self.buffer.get(self.at) else { return Ok(Event::NeedMore) };
            if matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                self.at += 1;
                continue;
            }
            self.step(byte)?;
        }
    }

    fn step(&mut self, byte: u8) -> Result<(), Broken> {
        self.state = match (self.state, byte) {
            (State::Start, mark) if BYTE_ORDER_MARK.get(self.position() as usize) == Some(&mark) => State::Start,
            (State::Start, b'{') => {
                self.level = 1;
                State::Key { first: true }
            }
            (State::Start, b'[') if self.path.is_empty() => {
                self.found = true;
                State::Element { first: true }
            }
            (State::Start, _) => return Err(self.broken("not the JSON that was expected")),
            (State::Key { .. }, b'"') => return self.begin(byte, Keep::Key),
            (State::Key { first: true } | State::AfterValue, b'}') => {
                self.level -= 1;
                if self.level == 0 { State::End } else { State::AfterValue }
            }
            (State::Colon, b':') => State::Value,
            (State::Value, _) => return self.value(byte),
            (State::AfterValue, b',') => State::Key { first: false },
            (State::Element { first: true } | State::AfterElement, b']') => self.after_array(),
            (State::Element { .. }, _) => return self.begin(byte, Keep::Record),
            (State::AfterElement, b',') => State::Element { first: false },
            (State::End, _) => return Err(self.broken("more text after the JSON value")),
            _ => return Err(self.broken("not JSON")),
        };
        self.at += 1;
        Ok(())
    }

    fn after_array(&self) -> State {
        if self.level == 0 { State::End } else { State::AfterValue }
    }

    /// A field's value: the array, a step towards it, or something beside it.
    fn value(&mut self, byte: u8) -> Result<(), Broken> {
        let on_the_way = self.path.get(self.level - 1) == Some(&self.key);
        if on_the_way && byte != b'n' {
            let last = self.level == self.path.len();
            self.state = match byte {
                b'[' if last => {
                    self.found = true;
                    State::Element { first: true }
                }
                b'{' if !last => {
                    self.level += 1;
                    State::Key { first: true }
                }
                _ => return Err(self.broken("no list where the records should be")),
            };
            self.at += 1;
            return Ok(());
        }
        self.found |= on_the_way;
        let beside = self.level == 1 && !matches!(byte, b'{' | b'[') && self.seen.0.len() < MAX_SCALARS;
        self.begin(byte, if beside { Keep::Scalar } else { Keep::Nothing })
    }

    fn begin(&mut self, byte: u8, keep: Keep) -> Result<(), Broken> {
        let (bare, in_string) = match byte {
            b'"' => (false, true),
            b'{' | b'[' => (false, false),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => (true, false),
            _ => return Err(self.broken("not JSON")),
        };
        let (start, from, depth) = (self.at, self.position(), u64::from(!bare && !in_string));
        self.scan = Some(Scan { keep, start, from, bare, in_string, escaped: false, depth });
        self.at += 1;
        Ok(())
    }

    /// Looks for the end of a value; `None` when it has not come yet.
    fn pass_over(&mut self, mut scan: Scan) -> Result<Option<Event>, Broken> {
        let end = scan.find_end(&self.buffer[self.at..]);
        self.at += end.unwrap_or(self.buffer.len() - self.at);
        let length = if scan.is_kept() { self.at - scan.start } else { 0 };
        match scan.keep {
            Keep::Record if scan.depth > MAX_DEPTH => scan.keep = Keep::Refused("it is nested too deep"),
            Keep::Record if length > self.max_record => scan.keep = Keep::Refused("it is too long"),
            Keep::Key | Keep::Nothing if scan.depth > MAX_DEPTH => return Err(self.broken("nested too deep")),
            Keep::Key if length > MAX_SCALAR => return Err(self.broken("a key is too long")),
            Keep::Scalar if length > MAX_SCALAR => scan.keep = Keep::Nothing,
            _ => {}
        }
        if end.is_none() {
            self.scan = Some(scan);
            return Ok(None);
        }
        self.scan = None;
        let range = scan.start..self.at;
        self.state = match scan.keep {
            Keep::Record => {
                self.state = State::AfterElement;
                return Ok(Some(Event::Record(range, scan.from)));
            }
            Keep::Refused(why) => {
                self.state = State::AfterElement;
                return Ok(Some(Event::Refused(why, scan.from)));
            }
            Keep::Key => {
                self.key = serde_json::from_slice(&self.buffer[range]).map_err(|_| self.broken("not a key"))?;
                State::Colon
            }
            Keep::Scalar => {
                let value: Value =
                    serde_json::from_slice(&self.buffer[range]).map_err(|_| self.broken("not a value"))?;
                self.seen.0.insert(self.key.to_string(), value);
                State::AfterValue
            }
            Keep::Nothing => State::AfterValue,
        };
        Ok(Some(Event::NeedMore))
    }
}

impl Scan {
    fn is_kept(&self) -> bool {
        !matches!(self.keep, Keep::Nothing | Keep::Refused(_))
    }

    /// The number of bytes up to the end of the value.
    fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.bare {
            return bytes.iter().position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t'));
        }
        for (i, &byte) in bytes.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => continue,
                }
            } else {
                match byte {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth -= 1,
                    _ => continue,
                }
            }
            if self.depth == 0 && !self.in_string {
                return Some(i + 1);
            }
        }
        None
    }
}
