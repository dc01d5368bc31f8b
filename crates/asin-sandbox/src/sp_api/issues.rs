//! Issues: what is wrong with a listing or a submission, in the language that was asked for.
//!
//! Amazon writes them in `issueLocale`, or else in the language of the first store, or else in English. Here are English,
//! German and Turkish.

use serde_json::{Value, json};

use crate::call::Call;
use crate::marketplace::Marketplace;

/// Texts with `{}` for the attribute: code, category or nothing for any, English, German, Turkish.
const TEXTS: [(&str, &str, [&str; 3]); 5] = [
    (
        "13013",
        "",
        [
            "Your account has no record of the SKU that this update is for. Other problems with the SKU may be the cause.",
            "Zu der SKU, die aktualisiert werden soll, gibt es in Ihrem Konto keinen Eintrag. Ursache können andere Probleme mit der SKU sein.",
            "Güncellenmek istenen SKU hesabınızda kayıtlı değil. Bunun nedeni SKU ile ilgili başka sorunlar olabilir.",
        ],
    ),
    (
        "99300",
        "",
        [
            "A better image would help this listing.",
            "Ein besseres Bild würde diesem Angebot helfen.",
            "Daha iyi bir görsel bu ürün girişine yardımcı olur.",
        ],
    ),
    (
        "",
        "MISSING_ATTRIBUTE",
        [
            "'{}' is required but was not supplied.",
            "'{}' ist erforderlich, wurde aber nicht angegeben.",
            "'{}' zorunludur ancak belirtilmemiş.",
        ],
    ),
    (
        "",
        "INVALID_PRICE",
        [
            "The provided value for '{}' is invalid.",
            "Der für '{}' angegebene Wert ist ungültig.",
            "'{}' için belirtilen değer geçersiz.",
        ],
    ),
    (
        "",
        "INVALID_ATTRIBUTE",
        [
            "The provided value for '{}' is invalid.",
            "Der für '{}' angegebene Wert ist ungültig.",
            "'{}' için belirtilen değer geçersiz.",
        ],
    ),
];

/// An issue as the API writes it, in English.
pub(super) fn issue(code: &str, attribute: &str, category: &str) -> Value {
    let names = if attribute.is_empty() { Vec::new() } else { vec![attribute] };
    let mut issue =
        json!({"code": code, "message": "", "severity": "ERROR", "attributeNames": names, "categories": [category]});
    if let Some(texts) = texts(&issue) {
        issue["message"] = json!(texts[0].replace("{}", attribute));
    }
    issue
}

fn texts(issue: &Value) -> Option<[&'static str; 3]> {
    let (code, category) = (issue["code"].as_str()?, issue["categories"][0].as_str().unwrap_or_default());
    let fits =
        |(known, of, _): &&(&str, &str, [&str; 3])| if known.is_empty() { *of == category } else { *known == code };
    TEXTS.iter().find(fits).map(|(.., texts)| *texts)
}

/// A language that issues can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    German,
    Turkish,
}

impl Language {
    /// What a call asks for.
    pub(super) fn of(call: &Call, stores: &[&Marketplace]) -> Self {
        let asked = call.query("issueLocale");
        let locale = asked.as_deref().or(stores.first().map(|store| store.language)).unwrap_or_default();
        Self::named(locale)
    }

    /// The language of a locale such as `de_DE`.
    pub(super) fn named(locale: &str) -> Self {
        match locale.split(['_', '-']).next().unwrap_or_default() {
            "de" => Self::German,
            "tr" => Self::Turkish,
            _ => Self::English,
        }
    }

    /// The issue in this language, if its message is one of the texts here.
    pub(super) fn say(self, issue: &Value) -> Value {
        let mut issue = issue.clone();
        if let Some(texts) = texts(&issue) {
            let attribute = issue["attributeNames"][0].as_str().unwrap_or_default().to_owned();
            if issue["message"] == texts[0].replace("{}", &attribute) {
                issue["message"] = json!(texts[self as usize].replace("{}", &attribute));
            }
        }
        issue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_speaks_the_language_that_is_asked_for() {
        let missing = issue("90220", "item_name", "MISSING_ATTRIBUTE");
        let message =
            |locale: &str| Language::named(locale).say(&missing)["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(message("en_GB"), "'item_name' is required but was not supplied.");
        assert_eq!(message("de_DE"), "'item_name' ist erforderlich, wurde aber nicht angegeben.");
        assert_eq!(message("tr_TR"), "'item_name' zorunludur ancak belirtilmemiş.");
        // No other language is here, and words that a market file chose are left.
        assert_eq!(message("ja_JP"), message("en_US"));
        let own = json!({"code": "99300", "message": "Look here.", "severity": "WARNING", "categories": []});
        assert_eq!(Language::German.say(&own), own);
    }
}
