//! Tables for people: columns that fit the terminal, and scraped text that cannot steer it.

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width};
use std::io::IsTerminal;

/// One column: its title and what stands in it.
#[derive(Debug, Clone, Copy)]
pub struct Column(pub &'static str, pub Content);

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Names and values; never broken.
    Word,
    /// Numbers, aligned to the right; never broken.
    Number,
    /// Sentences; broken where the terminal is too narrow.
    Prose,
    /// The currency of the amount in the column before it. A table shows both in one column, CSV in two.
    Currency,
}

/// Where a table is shown.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// On standard output.
    Output,
    /// On standard error.
    Error,
}

/// Prose in less room than this would be a tower of syllables.
const PROSE: u16 = 24;

/// Lays rows out; prose is broken to fit a terminal, in a pipe every row stays one line.
pub fn render(place: Place, columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    let terminal = match place {
        Place::Output => std::io::stdout().is_terminal(),
        Place::Error => table.use_stderr().is_tty(),
    };
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    let shown: Vec<&Column> = columns.iter().filter(|Column(_, content)| *content != Content::Currency).collect();
    table.set_header(shown.iter().map(|Column(title, _)| title));
    for row in rows {
        table.add_row(joined(row, columns).into_iter().zip(&shown).map(|(text, Column(_, content))| {
            let cell = Cell::new(visible(&text));
            if *content == Content::Number { cell.set_alignment(CellAlignment::Right) } else { cell }
        }));
    }
    let widths = table.column_max_content_widths();
    let mut needed = 0;
    for ((column, width), Column(_, content)) in table.column_iter_mut().zip(widths).zip(shown) {
        column.set_padding((0, 1));
        let prose = *content == Content::Prose && width > PROSE;
        let (constraint, least) = if prose {
            (ColumnConstraint::LowerBoundary(Width::Fixed(PROSE)), PROSE)
        } else {
            (ColumnConstraint::ContentWidth, width)
        };
        column.set_constraint(constraint);
        needed += least + 2;
    }
    let fits = terminal && table.width().is_some_and(|width| width >= needed);
    table.set_content_arrangement(if fits { ContentArrangement::Dynamic } else { ContentArrangement::Disabled });
    table.trim_fmt()
}

/// The cells of a row, each currency behind its amount.
fn joined(row: Vec<String>, columns: &[Column]) -> Vec<String> {
    let mut cells: Vec<String> = Vec::with_capacity(row.len());
    for (text, Column(_, content)) in row.into_iter().zip(columns) {
        match cells.last_mut().filter(|_| *content == Content::Currency) {
            Some(amount) if amount.is_empty() || text.is_empty() => {}
            Some(amount) => *amount += &format!(" {text}"),
            None => cells.push(text),
        }
    }
    cells
}

/// The text with everything escaped that would move a cursor, end a line or turn the reading direction.
///
/// Titles and messages come from web pages and vendors; a terminal obeys what they contain.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let steers = character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if steers { shown.extend(character.escape_default()) } else { shown.push(character) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_escaped() {
        assert_eq!(visible("a\u{1b}[31mb\r\n\u{9b}2J\u{202e}c"), "a\\u{1b}[31mb\\r\\n\\u{9b}2J\\u{202e}c");
        assert_eq!(visible("Çay / 緑茶 – 5 €"), "Çay / 緑茶 – 5 €");
    }

    #[test]
    fn a_currency_stands_behind_its_amount() {
        let columns =
            [Column("price", Content::Number), Column("currency", Content::Currency), Column("title", Content::Word)];
        let row = |amount: &str, currency: &str| [amount, currency, "tea"].map(str::to_owned).to_vec();
        let text = render(Place::Output, &columns, [row("75.50", "TRY"), row("9", ""), row("", "")]);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["price", "title"]);
        assert_eq!(lines[2..], [vec!["75.50", "TRY", "tea"], vec!["9", "tea"], vec!["tea"]]);
    }

    #[test]
    fn columns_stay_straight_under_wide_letters() {
        let columns = [Column("sku", Content::Word), Column("price", Content::Number)];
        let row = |sku: &str, price: &str| vec![sku.to_owned(), price.to_owned()];
        let rows = [
            row("緑茶", "1.00"),
            row("çay", "100.00"),
            row("ISIĞI", "2.00"),
            row("c\u{327}e\u{301}", "3.00"),
            row("ｱｲ", "4.00"),
        ];
        let text = render(Place::Output, &columns, rows);
        // "緑茶" takes four columns, "çay" three, marks that combine none, "ｱｲ" two: the prices end in the same place.
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            ["緑茶     1.00", "çay    100.00", "ISIĞI    2.00", "c\u{327}e\u{301}       3.00", "ｱｲ       4.00"]
        );
    }
}
