//! Best-seller ranks, out of the page's facts: they stand nowhere else, as text in the language of the shop.
//!
//! What can be read is read; the text is always there. Words and forms of numbers are those of Amazon's pages in English,
//! German, French, Spanish, Italian, Dutch, Polish, Swedish, Turkish, Japanese and Portuguese.

use crate::{AmazonProductInfo, ProductInformation, ProductInformationRow};

/// A place in a list of best sellers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BestSellerRank {
    /// The place, from 1.
    pub rank: u64,
    /// The list, in the words of the page.
    pub category: String,
}

/// What a page says about best-seller ranks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BestSellers {
    /// What the page calls it, such as `Amazon Bestseller-Rang`.
    pub label: String,
    /// What it says, word for word.
    pub raw: String,
    /// The ranks in it, in the order of the page: the widest list comes first. Empty when they cannot be read.
    pub ranks: Vec<BestSellerRank>,
}

/// Parts of the names that pages give to it, in lower case.
const LABELS: [&str; 12] = [
    "bestseller",
    "best seller",
    "best-seller",
    "sales rank",
    "meilleures ventes",
    "más vendidos",
    "mais vendidos",
    "najlepiej sprzedających",
    "bästsäljar",
    "en çok satanlar",
    "売れ筋ランキング",
    "ranking dos mais",
];

/// What may stand before a rank.
const BEFORE: [&str; 10] = ["#", "nr.", "nr", "nº", "n°", "n.", "no.", "nummer", "pozycja", "nolu"];

/// What stands between a rank and its list.
const BETWEEN: [&str; 9] = ["in", "en", "dans", "em", "i", "w", "på", "na", "auf"];

/// What may stand before that: lists of what is free, and of what is paid for.
const KINDS: [&str; 22] = [
    "free",
    "paid",
    "gratis",
    "kostenlos",
    "bezahlt",
    "betaald",
    "gratuit",
    "gratuits",
    "gratuito",
    "gratuitos",
    "gratuiti",
    "payants",
    "des",
    "titres",
    "de",
    "pago",
    "pagos",
    "a",
    "pagamento",
    "betalda",
    "darmowe",
    "płatne",
];

/// What may stand at the beginning of a list's name without being part of it.
const ARTICLES: [&str; 6] = ["la", "le", "les", "kategorii", "categoria", "category"];

impl AmazonProductInfo {
    /// What the page says about best-seller ranks; empty when it says nothing.
    ///
    /// ```
    /// use dataforseo_merchant::AmazonProductInfo;
    /// let product: AmazonProductInfo = serde_json::from_str(
    ///     r#"{"product_information": [{"type": "product_information_details_item", "body": {
    ///         "Amazon Bestseller-Rang": "Nr. 11.611 in Bücher (Siehe Top 100 in Bücher) Nr. 12 in Fantasy"}}]}"#,
    /// )?;
    /// let said = &product.best_sellers()[0];
    /// assert_eq!((said.ranks[0].rank, said.ranks[0].category.as_str()), (11_611, "Bücher"));
    /// assert_eq!((said.ranks[1].rank, said.ranks[1].category.as_str()), (12, "Fantasy"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn best_sellers(&self) -> Vec<BestSellers> {
        let mut said = Vec::new();
        let mut look = |label: &str, raw: &str| {
            let lower = label.to_lowercase();
            if LABELS.iter().any(|part| lower.contains(part)) {
                said.push(BestSellers { label: label.to_owned(), raw: raw.to_owned(), ranks: ranks(raw) });
            }
        };
        for information in &self.product_information {
            match information {
                ProductInformation::Details(details) => {
                    let facts = details.body.iter().flatten();
                    facts.for_each(|(label, raw)| look(label, raw.as_str().unwrap_or_default()));
                }
                ProductInformation::Extended(extended) => {
                    for table in &extended.contents {
                        let texts = table.rows.iter().filter_map(|row| match row {
                            ProductInformationRow::Text(row) => row.text.as_deref(),
                            _ => None,
                        });
                        texts.for_each(|text| look(table.title.as_deref().unwrap_or_default(), text));
                    }
                }
                ProductInformation::Text(_) | ProductInformation::Unknown(_) => {}
            }
        }
        said
    }
}

/// Reads the ranks in a text; none where a form is not known.
fn ranks(raw: &str) -> Vec<BestSellerRank> {
    let text = plain(raw);
    if text.contains('位') {
        return japanese(&text);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.iter().any(|word| is_turkish(word)) { turkish(&words) } else { western(&words) }
}

/// Without links to whole lists, marks of direction and wide digits; what is left out is a break.
fn plain(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(open) = rest.find(['(', '（']) {
        let Some(close) = closing(&rest[open..]) else { break };
        let (inside, behind) = rest[open..].split_at(close);
        text.push_str(&rest[..open]);
        if inside.contains("100") || inside.contains("ランキング") {
            text.push_str(" | ");
        } else {
            text.push_str(inside);
        }
        rest = behind;
    }
    text.push_str(rest);
    let narrow = |c: char| match c {
        '０'..='９' => char::from_u32(c as u32 - '０' as u32 + '0' as u32),
        '，' => Some(','),
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => None,
        c => Some(c),
    };
    text.chars().filter_map(narrow).collect()
}

/// The end of the bracket that a text begins with.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '（' => depth += 1,
            ')' | '）' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + c.len_utf8());
        }
    }
    None
}

/// `Nr. 11.611 in Bücher | Nr. 12 in Fantasy`, in any of the languages that put it so.
fn western(words: &[&str]) -> Vec<BestSellerRank> {
    let mut ranks = Vec::new();
    let (mut at, mut is_marked) = (0, false);
    // Where the first rank has a mark, a number without one is part of a name: `#45 in 2 in 1 Laptops`.
    let head = |at: usize, is_marked: bool| head(words, at).filter(|_| !is_marked || has_mark(words, at));
    while at < words.len() {
        let Some((rank, begin)) = head(at, is_marked) else {
            at += 1;
            continue;
        };
        is_marked |= has_mark(words, at);
        let is_end = |at: &usize| words[*at] == "|" || head(*at, is_marked).is_some();
        let end = (begin..words.len()).find(is_end).unwrap_or(words.len());
        ranks.extend(named(rank, &words[begin..end]));
        at = end;
    }
    ranks
}

/// A rank and where the name of its list begins, if they begin here.
fn head(words: &[&str], at: usize) -> Option<(u64, usize)> {
    let (rank, mut at) = number_after(words, at)?;
    let skipped = words[at..].iter().take(4).take_while(|word| KINDS.contains(&word.to_lowercase().as_str())).count();
    at += skipped;
    if !BETWEEN.contains(&words.get(at)?.to_lowercase().as_str()) {
        return None;
    }
    at += 1;
    at += usize::from(words.get(at).is_some_and(|word| ARTICLES.contains(&word.to_lowercase().as_str())));
    Some((rank, at))
}

/// Whether a word for a rank stands here.
fn has_mark(words: &[&str], at: usize) -> bool {
    words.get(at).is_some_and(|word| BEFORE.iter().any(|before| word.to_lowercase().starts_with(before)))
}

/// A number that stands here, perhaps behind a word for it, and where it ends.
fn number_after(words: &[&str], mut at: usize) -> Option<(u64, usize)> {
    let lower = words.get(at)?.to_lowercase();
    let before = BEFORE.iter().filter(|before| lower.starts_with(**before)).max_by_key(|before| before.len());
    let mut text = lower.as_str();
    if let Some(before) = before {
        text = &lower[before.len()..];
        if text.is_empty() {
            at += 1;
            text = words.get(at)?;
        }
    }
    number(text, words, at)
}

/// The number that this word begins with the words behind it: thousands may stand apart.
fn number(text: &str, words: &[&str], mut at: usize) -> Option<(u64, usize)> {
    let is_group = |word: &&str| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    let mut digits = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let mut digits = text.to_owned();
        while digits.len() <= 9 && text.len() <= 3 && words.get(at + 1).is_some_and(is_group) {
            digits.push_str(words[at + 1]);
            at += 1;
        }
        digits
    } else {
        grouped(text)?
    };
    digits.truncate(digits.trim_end().len());
    let rank: u64 = digits.parse().ok()?;
    (1..1_000_000_000_000).contains(&rank).then_some((rank, at + 1))
}

/// The digits of `1.010.110`, `1,104,828` or `1,04,828`: one kind of mark, and three digits behind the last one.
fn grouped(text: &str) -> Option<String> {
    let mark = text.chars().find(|c| !c.is_ascii_digit()).filter(|c| matches!(c, '.' | ',' | '\'' | '’'))?;
    let groups: Vec<&str> = text.split(mark).collect();
    let [first, middle @ .., last] = groups.as_slice() else { return None };
    let has = |group: &&str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_digit())
    };
    let fits = has(first, 1..=3) && middle.iter().all(|group| has(group, 2..=3)) && has(last, 3..=3);
    fits.then(|| groups.concat())
}

fn is_turkish(word: &str) -> bool {
    word.to_lowercase().starts_with("kategorisinde")
}

/// `Kitap kategorisinde 11.611. sırada`, or `#11.611 Kitap kategorisinde`.
fn turkish(words: &[&str]) -> Vec<BestSellerRank> {
    let mut ranks = Vec::new();
    let mut begin = 0;
    for (at, _) in words.iter().enumerate().filter(|(_, word)| is_turkish(word)) {
        let begun = words[begin..at].iter().rposition(|word| *word == "|").map_or(begin, |bar| begin + bar + 1);
        let dot = |at: usize| {
            let trimmed: Vec<&str> = words.iter().map(|word| word.trim_end_matches(['.', ','])).collect();
            number_after(&trimmed, at)
        };
        if let Some((rank, name)) = number_after(words, begun).filter(|(_, name)| *name < at) {
            ranks.extend(named(rank, &words[name..at]));
            begin = at + 1;
        } else if let Some((rank, end)) = dot(at + 1) {
            ranks.extend(named(rank, &words[begun..at]));
            let said = words.get(end).is_some_and(|word| word.to_lowercase().starts_with("sıra") || *word == "numara");
            begin = end + usize::from(said);
        }
    }
    ranks
}

/// `本 - 11,611位 | ファンタジー - 12位`, or `- 11,611位本 | - 12位ファンタジー`.
fn japanese(text: &str) -> Vec<BestSellerRank> {
    let is_digit = |c: char| c.is_ascii_digit() || c == ',';
    let mut parts = Vec::new();
    let mut pieces = text.split('位');
    let mut last = pieces.next().unwrap_or_default();
    for piece in pieces {
        let before = last.trim_end().trim_end_matches(is_digit);
        let digits = last.trim_end()[before.len()..].replace(',', "");
        parts.push((before, digits.parse::<u64>().ok()));
        last = piece;
    }
    let name = |text: &str| text.trim_matches(|c: char| c.is_whitespace() || "-−–|:：・".contains(c)).to_owned();
    let comes_first = parts.first().is_some_and(|(before, _)| !name(before).is_empty());
    let names: Vec<String> = if comes_first {
        parts.iter().map(|(before, _)| name(before)).collect()
    } else {
        parts.iter().skip(1).map(|(before, _)| name(before)).chain([name(last)]).collect()
    };
    let rank = |((_, rank), category): ((&str, Option<u64>), String)| {
        let rank = rank.filter(|rank| *rank > 0)?;
        (!category.is_empty()).then_some(BestSellerRank { rank, category })
    };
    parts.into_iter().zip(names).filter_map(rank).collect()
}

fn named(rank: u64, words: &[&str]) -> Option<BestSellerRank> {
    let category = words.join(" ");
    let category = category.trim_matches(|c: char| c.is_whitespace() || ".,;:|·•-–".contains(c));
    (!category.is_empty()).then(|| BestSellerRank { rank, category: category.to_owned() })
}

#[cfg(test)]
#[path = "ranks_tests.rs"]
mod tests;
