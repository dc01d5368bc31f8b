//! Line numbers as an editor shows them.

/// Finds the lines of places in a text, from its beginning to its end. The reader of CSV counts too few: neither empty lines nor
/// the first line of a text whose lines end in CR LF.
#[derive(Debug)]
pub struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    /// At the beginning of a text.
    pub fn of(text: &'a [u8]) -> Self {
        Self { text, at: 0, line: 1 }
    }

    /// The line, from 1, of what stands first at a place or behind it, where that is no end of a line. Places only grow.
    pub fn line(&mut self, place: u64) -> u64 {
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        while let Some(&byte) = self.text.get(self.at)
            && (self.at < place || matches!(byte, b'\r' | b'\n'))
        {
            // CR LF is one end of a line, and so is either of them alone.
            let ends = byte == b'\n' || byte == b'\r' && self.text.get(self.at + 1) != Some(&b'\n');
            (self.at, self.line) = (self.at + 1, self.line + u64::from(ends));
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_an_editor_however_they_end_and_whatever_is_empty() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["sku", "a", "", "", "b", "\"c", "d\"", "e", ""].join(end);
            let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
            let mut lines = Lines::of(text.as_bytes());
            let found: Vec<(String, u64)> = reader
                .records()
                .map(Result::unwrap)
                .map(|record| (record[0].replace(end, "+"), lines.line(record.position().unwrap().byte())))
                .collect();
            let right = [("a", 2), ("b", 5), ("c+d", 6), ("e", 8)];
            assert_eq!(found, right.map(|(text, line)| (text.to_owned(), line)), "{end:?}");
        }
    }
}
