//! `/v1/insights`: what was planted is found, and where nothing was planted nothing is.

use sentimeter_store::{DAY, Item, Role, Store, now};
use serde_json::{Value, json};

use crate::server::{Server, local};

/// A generator that needs no crate (xorshift64*).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8) as usize % n
    }
}

const NEGATIVE: [&str; 4] =
    ["the delivery was late again", "nobody answers my mails", "far too expensive", "the box was damaged"];
const POSITIVE: [&str; 4] = [
    "lovely staff and quick answers",
    "great quality for the price",
    "works perfectly",
    "would buy it again",
];
const NEUTRAL: [&str; 3] = ["it has arrived on monday", "the colour is blue", "I bought two of them"];

pub(crate) fn item(n: usize, time: i64, label: &str, channel: &str, text: &str) -> Item {
    Item {
        number: 0,
        id: format!("i{n}"),
        source: "test".to_owned(),
        external: None,
        time,
        received: time,
        channel: channel.to_owned(),
        language: "en".to_owned(),
        author: None,
        model: "sentiment@1".to_owned(),
        label: label.to_owned(),
        confidence: 0.9,
        probabilities: json!({}),
        prediction: None,
        text_hash: format!("{n}"),
        text: text.to_owned(),
    }
}

/// Sixty days of feedback at random times; on day 45 the checkout breaks.
pub(crate) fn story(seed: u64, first: i64) -> Vec<Item> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut items = Vec::new();
    for n in 0..3000 {
        let time = (first + random.below(60) as i64) * DAY + random.below(DAY as usize) as i64;
        let (label, texts) = match random.below(10) {
            0..3 => ("negative", &NEGATIVE[..]),
            3..8 => ("positive", &POSITIVE[..]),
            _ => ("neutral", &NEUTRAL[..]),
        };
        let (text, more) = (texts[random.below(texts.len())], texts[random.below(texts.len())]);
        let channel = ["review", "ticket"][random.below(2)];
        items.push(item(n, time, label, channel, &format!("{text}, {more}")));
    }
    for n in 0..150 {
        let time = (first + 45) * DAY + random.below(DAY as usize) as i64;
        let text = format!("the checkout page crashes, {}", NEGATIVE[random.below(4)]);
        items.push(item(3000 + n, time, "negative", "ticket", &text));
    }
    items
}

async fn ask(store: &Store, server: &Server, key: &str, items: &[Item], query: &str) -> Value {
    store.add_items(items).await.unwrap();
    let told = server.get_by(&format!("/v1/insights?{query}"), key).await;
    assert_eq!(told.status, 200, "{}", told.text());
    told.json()
}

fn days() -> (i64, String, String) {
    let first = now() / DAY - 70;
    let date = |day: i64| {
        let told = jiff::Timestamp::from_millisecond(day * DAY).unwrap().to_string();
        told[..10].to_owned()
    };
    (first, date(first + 30), date(first + 59))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planted_day_and_its_phrase_are_found() {
    let server = Server::new(local()).await;
    let key = server.key(Role::Analyst).await;
    let (first, from, to) = days();
    let told = ask(&server.store, &server, &key, &story(1, first), &format!("from={from}&to={to}")).await;
    let kinds: Vec<(&str, &str)> = told["anomalies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| (a["kind"].as_str().unwrap(), a["start"].as_str().unwrap()))
        .collect();
    let broken = told["periods"][15]["start"].as_str().unwrap();
    assert_eq!(kinds.len(), 2, "{:#}", told["anomalies"]);
    assert!(kinds.contains(&("volume", broken)) && kinds.contains(&("sentiment", broken)), "{kinds:?}");
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|t| t["term"].as_str().unwrap().to_owned()).collect()
    };
    let is_it = |term: &String| term.contains("checkout") || term.contains("crashes");
    assert!(names(&told["anomalies"][0]["terms"]).iter().all(is_it), "{:#}", told["anomalies"][0]["terms"]);
    assert!(!names(&told["anomalies"][0]["terms"]).is_empty());
    let rising = names(&told["drivers"]["rising"]);
    assert!(rising.iter().any(|t| t == "checkout page") && rising.iter().all(is_it), "{rising:?}");
    assert!(names(&told["drivers"]["negative"]).iter().any(is_it));
    assert!(
        names(&told["drivers"]["positive"]).iter().any(|t| t.contains("lovely") || t.contains("perfectly"))
    );
    // Numbers add up.
    let sum: i64 = told["periods"].as_array().unwrap().iter().map(|p| p["items"].as_i64().unwrap()).sum();
    assert_eq!(told["total"]["items"], sum);
    let of_channels: i64 =
        told["channels"].as_array().unwrap().iter().map(|c| c["items"].as_i64().unwrap()).sum();
    assert_eq!(of_channels, sum);
    let labels = &told["total"]["labels"];
    let net =
        100.0 * (labels["positive"].as_f64().unwrap() - labels["negative"].as_f64().unwrap()) / sum as f64;
    assert!((told["total"]["net"].as_f64().unwrap() - net).abs() < 1e-9);
    assert_eq!(told["periods"].as_array().unwrap().len(), 30);
    let weeks =
        server.get_by(&format!("/v1/insights?from={from}&to={to}&by=week&channel=ticket"), &key).await.json();
    assert_eq!(weeks["channels"].as_array().unwrap().len(), 1);
    assert!(weeks["periods"].as_array().unwrap().len() < 7);
}

/// The same texts and sentiments, at times that were drawn anew: none of it is news.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_shuffled_in_time_is_no_news() {
    let (first, from, to) = days();
    for seed in 1..=12 {
        let server = Server::new(local()).await;
        let key = server.key(Role::Analyst).await;
        let mut items = story(1, first);
        let mut random = Random(seed * 7_777_777 + 1);
        for item in &mut items {
            item.time = first * DAY + random.below((60 * DAY) as usize) as i64;
        }
        let told = ask(&server.store, &server, &key, &items, &format!("from={from}&to={to}")).await;
        assert_eq!(told["anomalies"], json!([]), "seed {seed}");
        assert_eq!(told["drivers"]["rising"], json!([]), "seed {seed}");
        assert_ne!(told["drivers"]["negative"], json!([]), "what drives sentiment still does");
    }
}

#[tokio::test]
async fn nothing_is_nothing_and_wrong_questions_are_named() {
    let server = Server::new(local()).await;
    let key = server.key(Role::Analyst).await;
    let told = server.get_by("/v1/insights", &key).await.json();
    assert_eq!((&told["total"]["items"], &told["total"]["net"]), (&json!(0), &Value::Null));
    assert_eq!((&told["channels"], &told["anomalies"]), (&json!([]), &json!([])));
    server.get("/v1/insights").await.problem(401);
    for (query, field) in [
        ("by=year", "by"),
        ("from=soon", "from"),
        ("from=2026-02-01&to=2026-01-01", "to"),
        ("from=1990-01-01&to=2026-01-01", "from"),
        ("colour=red", "colour"),
    ] {
        assert_eq!(
            server.get_by(&format!("/v1/insights?{query}"), &key).await.problem(422),
            [field],
            "{query}"
        );
    }
}
