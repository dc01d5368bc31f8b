//! Rust names for the vendor's names.

/// `marketplaceIds`, `MARKETPLACE_IDS`, `marketplace-ids` → `["marketplace", "ids"]`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = '_';
    for c in name.chars() {
        let starts = c.is_uppercase() && previous.is_lowercase() || !previous.is_alphanumeric();
        if c.is_alphanumeric() {
            match words.last_mut() {
                Some(word) if !starts => word.extend(c.to_lowercase()),
                _ => words.push(c.to_lowercase().to_string()),
            }
        }
        previous = c;
    }
    words
}

/// The name of a field or argument; `type` becomes `kind`, other words that Rust keeps for itself end in `_`.
pub fn snake(name: &str) -> String {
    let snake = words(name).join("_");
    match snake.as_str() {
        "type" => "kind".to_owned(),
        word if syn::parse_str::<syn::Ident>(word).is_err() => format!("{word}_"),
        _ => snake,
    }
}

/// The name of a constant.
pub fn upper(name: &str) -> String {
    words(name).join("_").to_uppercase()
}

/// The name of a type or variant.
pub fn pascal(name: &str) -> String {
    let capital = |word: &String| {
        let mut chars = word.chars();
        chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect::<String>())
    };
    words(name).iter().map(capital).collect()
}

/// What serde's `camelCase` makes of a field's name.
pub fn camel(snake: &str) -> String {
    let pascal = pascal(snake);
    let mut chars = pascal.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn names() {
        assert_eq!(super::snake("fnSku"), "fn_sku");
        assert_eq!(super::snake("x-amzn-RateLimit"), "x_amzn_rate_limit");
        assert_eq!(super::snake("type"), "kind");
        assert_eq!(super::snake("self"), "self_");
        assert_eq!(super::pascal("VALIDATION_PREVIEW"), "ValidationPreview");
        assert_eq!(super::pascal("getListingsItem"), "GetListingsItem");
        assert_eq!(super::camel("marketplace_ids"), "marketplaceIds");
        assert_eq!(super::upper("tasks_ready"), "TASKS_READY");
    }
}
