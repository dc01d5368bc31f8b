use super::*;

fn read(raw: &str) -> Vec<(u64, String)> {
    ranks(raw).into_iter().map(|rank| (rank.rank, rank.category)).collect()
}

fn pairs(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected.iter().map(|(rank, category)| (*rank, (*category).to_owned())).collect()
}

#[test]
fn the_ranks_of_eleven_languages() {
    for (language, raw, expected) in [
        (
            "en",
            "#178,252 in DIY & Tools (See Top 100 in DIY & Tools) #51 in Rotary Hammers",
            &[(178_252, "DIY & Tools"), (51, "Rotary Hammers")][..],
        ),
        (
            "en, no sign",
            "1,104,828 in DIY & Tools (See Top 100 in DIY & Tools) 177 in Power Tool Combo Kits",
            &[(1_104_828, "DIY & Tools"), (177, "Power Tool Combo Kits")],
        ),
        (
            "en, free",
            "#478 Free in Kindle Store (See Top 100 Free in Kindle Store)\n#3 in Fantasy",
            &[(478, "Kindle Store"), (3, "Fantasy")],
        ),
        ("en, India", "#1,04,828 in Home & Kitchen", &[(104_828, "Home & Kitchen")]),
        (
            "de",
            "Nr. 1.010.110 in Baumarkt (Siehe Top 100 in Baumarkt) Nr. 4.326 in Schleifer",
            &[(1_010_110, "Baumarkt"), (4326, "Schleifer")],
        ),
        (
            "fr",
            "1\u{202f}264\u{202f}457 en Cuisine et Maison (Voir les 100 premiers en Cuisine et Maison) 1 429 en Aspirateurs à main",
            &[(1_264_457, "Cuisine et Maison"), (1429, "Aspirateurs à main")],
        ),
        ("fr, a report", "11 611 en Livres", &[(11_611, "Livres")]),
        ("fr, free", "n°478 des titres gratuits dans la Boutique Kindle", &[(478, "Boutique Kindle")]),
        (
            "es",
            "nº1.830 en Jardín (Ver el Top 100 en Jardín)    nº24 en Pulverizadores de jardinería",
            &[(1830, "Jardín"), (24, "Pulverizadores de jardinería")],
        ),
        (
            "it",
            "n. 1.858 in Fai da te (Visualizza i Top 100 nella categoria Fai da te) n. 974 in Trapani avvitatori elettrici",
            &[(1858, "Fai da te"), (974, "Trapani avvitatori elettrici")],
        ),
        (
            "nl",
            "#237.463 in Klussen & gereedschap (Top 100 in Klussen & gereedschap bekijken) #566 in Schroefboormachines",
            &[(237_463, "Klussen & gereedschap"), (566, "Schroefboormachines")],
        ),
        (
            "pl",
            "Pozycja 105 136 w kategorii Narzędzia i renowacja domu (Zobacz Top 100 w kategorii Narzędzia i renowacja domu) Pozycja 216 w kategorii Wiertarki udarowe",
            &[(105_136, "Narzędzia i renowacja domu"), (216, "Wiertarki udarowe")],
        ),
        ("sv", "nr 11 611 i Böcker (Visa Topp 100 i Böcker) nr 12 i Fantasy", &[(11_611, "Böcker"), (12, "Fantasy")]),
        (
            "tr",
            "Mutfak kategorisinde 1.234. sırada (Mutfak kategorisinde ilk 100'ü gör) Tavalar kategorisinde 12. sırada",
            &[(1234, "Mutfak"), (12, "Tavalar")],
        ),
        (
            "tr, the other way",
            "#11.611 Kitap Kategorisinde (Kitap Kategorisinde İlk 100'ü Gör) #12 Roman Kategorisinde",
            &[(11_611, "Kitap"), (12, "Roman")],
        ),
        (
            "ja",
            "- 12,345位ファッション (ファッションの売れ筋ランキングを見る) - 678位メンズTシャツ",
            &[(12_345, "ファッション"), (678, "メンズTシャツ")],
        ),
        (
            "ja, the other way",
            "おもちゃ - ９,034位 (おもちゃの売れ筋ランキングを見る) 貯金箱 (おもちゃ) - 64位",
            &[(9034, "おもちゃ"), (64, "貯金箱 (おもちゃ)")],
        ),
        (
            "pt",
            "Nº 1.460 em Livros (Conheça o Top 100 na categoria Livros) Nº 5 em Ficção histórica Nº 9 em Regência",
            &[(1460, "Livros"), (5, "Ficção histórica"), (9, "Regência")],
        ),
    ] {
        assert_eq!(read(raw), pairs(expected), "{language}");
    }
}

#[test]
fn a_name_keeps_its_own_brackets_and_numbers() {
    assert_eq!(
        read("#7 in Games (Board) for 2-4 Players (See Top 100 in Games (Board))"),
        pairs(&[(7, "Games (Board) for 2-4 Players")])
    );
    assert_eq!(read("\u{200e}#9 in 3-in-1 Printers"), pairs(&[(9, "3-in-1 Printers")]));
    assert_eq!(
        read("#45 in 2 in 1 Laptop Computers (See Top 100 in 2 in 1 Laptop Computers) #7 in Tablets"),
        pairs(&[(45, "2 in 1 Laptop Computers"), (7, "Tablets")])
    );
}

#[test]
fn what_is_not_a_rank_is_not_read() {
    for raw in [
        "",
        "Nicht verfügbar",
        "#1.5 in Books",
        "12,34 in Books",
        "#0 in Books",
        "in Books",
        "#7",
        "1.234.567",
        "رقم 12 في الكتب",
        "#99999999999999999999 in Books",
        "位",
        "(100",
        "kategorisinde",
        "#",
    ] {
        assert_eq!(read(raw), [], "{raw}");
    }
}

#[test]
fn the_text_is_kept_under_the_name_that_the_page_gives_it() {
    let details = |label: &str, text: &str| {
        let body =
            serde_json::json!({label: text, "Rango de medición": "40 Metros", "Composizione della batteria": "1 in 2"});
        let item = serde_json::json!({"type": "product_information_details_item", "body": body});
        serde_json::from_value::<AmazonProductInfo>(serde_json::json!({"product_information": [item]})).unwrap()
    };
    for label in [
        "Best Sellers Rank",
        "Amazon Bestseller-Rang",
        "Classement des meilleures ventes d'Amazon",
        "Clasificación en los más vendidos de Amazon",
        "Posizione nella classifica Bestseller di Amazon",
        "Plaats in bestsellerlijst",
        "Ranking najlepiej sprzedających się produktów",
        "Rangordning för bästsäljare",
        "En Çok Satanlar Sıralaması",
        "Amazon 売れ筋ランキング",
        "Ranking dos mais vendidos",
    ] {
        let said = details(label, "something new").best_sellers();
        let expected = BestSellers { label: label.to_owned(), raw: "something new".to_owned(), ranks: Vec::new() };
        assert_eq!(said, [expected], "{label}");
    }
    let rows = serde_json::json!({"type": "product_information_extended_item", "contents": [{"type": "product_information_rows",
        "title": "Best Sellers Rank", "rows": [{"type": "product_information_text_row", "text": "#3 in Lamps"}]}]});
    let product: AmazonProductInfo =
        serde_json::from_value(serde_json::json!({"product_information": [rows]})).unwrap();
    assert_eq!(product.best_sellers()[0].ranks, [BestSellerRank { rank: 3, category: "Lamps".to_owned() }]);
}
