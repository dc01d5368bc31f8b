//! Whatever a name holds, it is one segment of a path and one value of a query, and comes back as it was.

use asin_facade::core_http::{
    Asin,
    encode::{RequestBuilder, encode},
};
use asin_facade::sp_listings::{SellerId, Sku};
use percent_encoding::percent_decode_str;
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_segment_stays_a_segment(text in any::<String>()) {
        let encoded = encode(&text).to_string();
        prop_assert!(encoded.is_ascii() && !encoded.contains(['/', '?', '#', ' ', '&', '+', '=']), "{encoded}");
        prop_assert_eq!(percent_decode_str(&encoded).decode_utf8().expect("UTF-8 stays UTF-8"), text);
    }

    #[test]
    fn a_request_has_the_segments_of_its_template(first in "[^\u{0}]{1,40}", second in any::<String>()) {
        let request = RequestBuilder::get("/a/{first}/b").path("first", &first).query("q", &second).build();
        // `.` and `..` walk: they are refused or encoded, never sent as they are.
        if let Ok(request) = request {
            let path = request.uri().path();
            prop_assert_eq!(path.split('/').count(), 4, "{}", path);
            let url = url::Url::parse("https://host.example").expect("a URL").join(&request.uri().to_string());
            let url = url.expect("what is sent is a URL");
            prop_assert_eq!(url.path(), path, "a client that parses it again sends the same");
            let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            prop_assert_eq!(pairs, vec![("q".to_owned(), second)]);
        }
    }

    #[test]
    fn names_are_taken_whole_or_refused(text in any::<String>()) {
        if let Ok(sku) = Sku::new(text.clone()) {
            prop_assert!(sku.as_str() == text && sku.as_str() != "." && sku.as_str() != "..");
        }
        if let Ok(seller) = SellerId::new(text.clone()) {
            prop_assert_eq!(seller.as_str(), text.as_str());
        }
        if let Ok(asin) = text.parse::<Asin>() {
            prop_assert!(asin.as_str().len() == 10 && asin.as_str().bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
        }
    }
}
