//! JSON of which nothing is passed over: of two equal keys, the last would win without a word.

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Reads JSON in which no object has a key twice; one that comes again is told with its path.
pub fn from_str<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    let mut json = serde_json::Deserializer::from_str(text);
    Keys("").deserialize(&mut json)?;
    serde_json::from_str(text)
}

/// Looks through a value, which stands at this path, for keys that come again.
struct Keys<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let path = if self.0.is_empty() { key.clone() } else { format!("{}.{key}", self.0) };
            if !seen.insert(key) {
                return Err(A::Error::custom(format!("`{path}` comes twice")));
            }
            map.next_value_seed(Keys(&path))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut paths = (0_usize..).map(|at| format!("{}[{at}]", self.0));
        while let Some(path) = paths.next()
            && list.next_element_seed(Keys(&path))?.is_some()
        {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::from_str;
    use serde_json::{Value, json};

    #[test]
    fn a_key_that_comes_again_is_told_with_its_path() {
        let refused = |text: &str| from_str::<Value>(text).unwrap_err().to_string();
        assert_eq!(refused(r#"{"a":1,"b":2,"a":1}"#), "`a` comes twice at line 1 column 16");
        assert!(refused(r#"{"a":[{},{"b":{"c":null,"\u0063":[]}}]}"#).starts_with("`a[1].b.c` comes twice"));
        assert!(refused(r#"[[{"a":1,"a":2}]]"#).starts_with("`[0][0].a` comes twice"));
        assert!(refused(r#"{"a":1"#).starts_with("EOF"), "what is no JSON is told as such");
        assert!(refused(r#"{"a":1} 2"#).starts_with("trailing characters"));
    }

    #[test]
    fn what_has_each_key_once_is_read_as_it_stands() {
        let text = r#"{"a":[1,-1,1.5,"x",true,null,{"a":{"a":{}}},{"a":0}],"b":18446744073709551615}"#;
        let read: Value = from_str(text).unwrap();
        assert_eq!(read.to_string(), text);
        assert_eq!(read["a"][6], json!({"a": {"a": {}}}));
    }
}
