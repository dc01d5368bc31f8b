//! In which condition an offer is, in the words of Amazon's pages.

use std::borrow::Cow;

/// What is known about the condition of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// New.
    New,
    /// Anything that is not: used, renewed, opened, collectible.
    Used,
}

/// How pages in a language say that an item is new. English words appear everywhere.
const NEW: [(&str, &[&str]); 12] = [
    ("ar", &["جديد"]),
    ("de", &["neu"]),
    ("en", &["new"]),
    ("es", &["nuevo"]),
    ("fr", &["neuf"]),
    ("it", &["nuovo"]),
    ("ja", &["新品"]),
    ("nl", &["nieuw"]),
    ("pl", &["nowy", "nowa", "nowe"]),
    ("pt", &["novo"]),
    ("sv", &["ny", "nytt"]),
    ("tr", &["yeni"]),
];

/// How descriptions of items that are not new begin.
const USED: [(&str, &[&str]); 12] = [
    ("ar", &["مستعمل", "مجدد"]),
    ("de", &["gebraucht", "wie neu", "generalüberholt", "sammler"]),
    ("en", &["used", "like new", "renewed", "refurbished", "open box", "collectible"]),
    ("es", &["usado", "de segunda mano", "segunda mano", "como nuevo", "reacondicionado", "de colección"]),
    ("fr", &["d'occasion", "occasion", "comme neuf", "reconditionné", "de collection"]),
    ("it", &["usato", "come nuovo", "ricondizionato", "da collezione"]),
    ("ja", &["中古", "再生品", "整備済み", "コレクター"]),
    ("nl", &["tweedehands", "gebruikt", "als nieuw", "verzamel"]),
    ("pl", &["używan", "jak now", "odnowion", "kolekcjoner"]),
    ("pt", &["usado", "como novo", "recondicionado", "colecion"]),
    ("sv", &["begagna", "som ny", "renoverad", "samlar"]),
    ("tr", &["ikinci el", "kullanılmış", "yeni gibi", "yenilenmiş", "koleksiyon"]),
];

/// Further languages of a country's pages.
const COUNTRIES: [(&str, &[&str]); 3] = [("AE", &["ar"]), ("BE", &["fr", "nl"]), ("CA", &["fr"])];

impl Condition {
    /// Reads the words of a page that was asked for in this language, such as `de_DE`. `None` when they are not known:
    /// that is no reason to take the item for new.
    ///
    /// ```
    /// use dataforseo_merchant::Condition;
    /// assert_eq!(Condition::read("Neu", "de_DE"), Some(Condition::New));
    /// assert_eq!(Condition::read("Gebraucht - Sehr gut", "de_DE"), Some(Condition::Used));
    /// assert_eq!(Condition::read("Neu - Angebot", "de_DE"), None);
    /// ```
    pub fn read(words: &str, language: &str) -> Option<Self> {
        let words = words.replace('İ', "i").replace('’', "'").to_lowercase();
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let spoken = languages(language);
        let of = |table: &'static [(&str, &[&'static str])]| {
            let spoken = spoken.clone();
            table.iter().filter(move |(language, _)| spoken.contains(language)).flat_map(|(_, words)| *words)
        };
        if of(&NEW).any(|new| words == *new) {
            return Some(Self::New);
        }
        of(&USED).any(|used| words.starts_with(used)).then_some(Self::Used)
    }
}

/// The languages of which a page may have words.
fn languages(code: &str) -> Cow<'static, [&'static str]> {
    let (language, country) = code.split_once(['_', '-']).unwrap_or((code, ""));
    let first = NEW.iter().map(|(known, _)| *known).find(|known| known.eq_ignore_ascii_case(language));
    let further = COUNTRIES.iter().find(|(known, _)| known.eq_ignore_ascii_case(country));
    let further = further.map(|(_, languages)| *languages).unwrap_or_default();
    first.into_iter().chain(["en"]).chain(further.iter().copied()).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_is_said_in_one_word_and_everything_else_is_not_new() {
        for (language, new, used) in [
            ("en_US", "New", "Used - Like New"),
            ("de_DE", "Neu", "Gebraucht - Wie neu"),
            ("fr_FR", "Neuf", "D’occasion - Comme neuf"),
            ("es_ES", " nuevo ", "De segunda mano - Como nuevo"),
            ("it_IT", "Nuovo", "Usato - Come nuovo"),
            ("nl_NL", "Nieuw", "Tweedehands - Als nieuw"),
            ("pl_PL", "Nowe", "Używane - Jak nowe"),
            ("sv_SE", "Ny", "Begagnad - Som ny"),
            ("tr_TR", "Yeni", "İkinci El - Yeni Gibi"),
            ("ja_JP", "新品", "中古品 - ほぼ新品"),
            ("pt_BR", "Novo", "Usado - Como novo"),
            ("ar_EG", "جديد", "مستعمل"),
        ] {
            assert_eq!(Condition::read(new, language), Some(Condition::New), "{language}");
            assert_eq!(Condition::read(used, language), Some(Condition::Used), "{language}");
            assert_eq!(Condition::read("New", language), Some(Condition::New), "{language}");
            assert_eq!(Condition::read("Renewed", language), Some(Condition::Used), "{language}");
        }
    }

    #[test]
    fn words_of_another_language_or_with_more_to_them_are_not_understood() {
        for (words, language) in [
            ("Neu", "fr_FR"),
            ("Neuf", "en_US"),
            ("New - Open Box", "en_US"),
            ("New (other)", "en_US"),
            ("", "en_US"),
            ("Neuf", ""),
            ("brand new", "en_US"),
        ] {
            assert_eq!(Condition::read(words, language), None, "{words}, {language}");
        }
        assert_eq!(Condition::read("Neuf", "en_CA"), Some(Condition::New), "Canada speaks both");
        assert_eq!(Condition::read("Nieuw", "fr_BE"), Some(Condition::New), "Belgium speaks both");
    }
}
