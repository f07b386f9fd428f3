//! Feedback that is kept.

use sentimeter_store::{
    Correction, CorrectionStatus, DAY, Item, ItemFilter, NewRun, Prediction, Store, Write,
};
use serde_json::json;

fn item(n: i64) -> Item {
    Item {
        number: 0,
        id: format!("i{n}"),
        source: "api".to_owned(),
        external: Some(n.to_string()),
        time: n * DAY / 4,
        received: n,
        channel: if n % 2 == 0 { "review" } else { "" }.to_owned(),
        language: if n % 3 == 0 { "fr" } else { "en" }.to_owned(),
        author: Some(format!("author {}", n % 5)),
        model: "sentiment@1".to_owned(),
        label: if n % 4 == 0 { "negative" } else { "positive" }.to_owned(),
        confidence: 0.75,
        probabilities: json!({"negative": 0.25, "positive": 0.75}),
        prediction: Some(format!("p{n}")),
        text_hash: format!("hash {n}"),
        text: format!("text number{n}, 100% très bien \"quoted\" خدمة"),
    }
}

async fn ids(store: &Store, filter: ItemFilter) -> Vec<String> {
    store.items(&filter).await.unwrap().into_iter().map(|item| item.id).collect()
}

fn search(words: &str) -> ItemFilter {
    ItemFilter { search: Some(words.to_owned()), ..ItemFilter::default() }
}

/// What the days add up to is what the items are.
async fn check_days(store: &Store) {
    let days = store.item_days(i64::MIN / 2, i64::MAX / 2, &ItemFilter::default()).await.unwrap();
    let items = store.items(&ItemFilter::default()).await.unwrap();
    assert_eq!(days.iter().map(|day| day.items).sum::<i64>(), items.len() as i64);
    for day in days {
        let alike = items.iter().filter(|i| {
            (i.time.div_euclid(DAY), &i.channel, &i.language, &i.label)
                == (day.day, &day.channel, &day.language, &day.label)
        });
        assert_eq!(alike.count() as i64, day.items, "{day:?}");
    }
}

pub(crate) async fn items_are_stored_once_and_added_up(store: Store) {
    let all: Vec<Item> = (0..1200).map(item).collect();
    assert!(store.add_items(&all).await.unwrap().iter().all(|new| *new));
    let again = [item(3), item(5000), item(5000)];
    assert_eq!(store.add_items(&again).await.unwrap(), [false, true, false]);
    assert_eq!(store.count_items(&ItemFilter::default()).await.unwrap(), 1201);
    check_days(&store).await;
    assert_eq!(store.item_span().await.unwrap(), Some((0, 1250)));
    let mut found = store.items_of(&["i7".to_owned(), "nothing".to_owned()]).await.unwrap();
    found[0].number = 0;
    assert_eq!(found, [item(7)]);
    let french = ItemFilter { language: Some("fr".to_owned()), ..ItemFilter::default() };
    let counted = store.item_days(0, 300, &french).await.unwrap();
    assert_eq!(counted.iter().map(|day| day.items).sum::<i64>(), 400);
}

pub(crate) async fn items_are_found_by_what_is_known_of_them(store: Store) {
    store.add_items(&(0..40).map(item).collect::<Vec<_>>()).await.unwrap();
    let of = |filter: ItemFilter| ids(&store, filter);
    assert_eq!(of(search("NUMBER7")).await, ["i7"]);
    assert_eq!(of(search("bien number12")).await, ["i12"]);
    assert_eq!(of(search("خدمة")).await.len(), 40);
    assert_eq!(of(search("  ")).await.len(), 40, "no word asks for nothing");
    // Nothing that is typed is a part of the search's own language.
    for hostile in
        ["\" OR 1=1 --", "number7* OR", "text:number7", "NEAR(", "'; DROP TABLE items; --", "%_!", "\0"]
    {
        let found = of(search(hostile)).await;
        assert!(found.len() < 40, "{hostile}: {found:?}");
    }
    let filter = ItemFilter {
        channel: Some(String::new()),
        label: Some("positive".to_owned()),
        from: Some(2 * DAY),
        to: Some(4 * DAY),
        ..ItemFilter::default()
    };
    assert_eq!(of(filter).await, ["i15", "i13", "i11", "i9"]);
    let by = ItemFilter { authors: vec!["author 4".to_owned(), "x".to_owned()], ..ItemFilter::default() };
    assert_eq!(of(by).await.len(), 8);
    // Pages follow each other.
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = ItemFilter { after, limit: Some(7), ..ItemFilter::default() };
        let page = store.items(&page).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.time, last.number));
        seen.extend(page.into_iter().map(|item| item.id));
    }
    assert_eq!(seen, of(ItemFilter::default()).await);
    // A sample is spread over all.
    let (sampled, each) = store.sample_items(&ItemFilter::default(), 40, 10).await.unwrap();
    assert_eq!((sampled.len(), each), (10, 4));
}

pub(crate) async fn words_are_found_whole_with_accents_or_without(store: Store) {
    let odd = |n: i64, words: &str| Item { text: words.to_owned(), ..item(n) };
    // The second is longer than PostgreSQL indexes at a time.
    let long = format!("mail me@example.com (or not) {}", "and so on ".repeat(200_000));
    store.add_items(&[odd(0, "Déçu/ÉNERVÉ, c'est l'été"), odd(1, &long), odd(2, "")]).await.unwrap();
    for (words, found) in [
        ("decu", &["i0"][..]),
        ("DÉÇU énervé", &["i0"]),
        ("été c'est", &["i0"]),
        ("example", &["i1"]),
        ("not me@example.com", &["i1"]),
        ("exampl", &[]),
        ("decu example", &[]),
    ] {
        assert_eq!(ids(&store, search(words)).await, found, "{words}");
    }
}

pub(crate) async fn an_author_is_known_and_erased_everywhere(store: Store) {
    store.add_items(&(0..40).map(item).collect::<Vec<_>>()).await.unwrap();
    let run = NewRun::new("train");
    store.apply(&[Write::Start(Box::new(run.clone()))]).await.unwrap();
    let report = |id: &str, text: String, author: Option<&str>| Correction {
        id: id.to_owned(),
        text,
        label: "positive".to_owned(),
        original: None,
        language: None,
        channel: None,
        author: author.map(str::to_owned),
        time: 5,
        source: "api".to_owned(),
        model: None,
        prediction: None,
        note: None,
        item: None,
        status: CorrectionStatus::Accepted,
        reviewer: None,
        reviewed: None,
    };
    let reports = [
        report("same", item(2).text, None),
        report("by", "x".to_owned(), Some("author 2")),
        report("other", "y".to_owned(), None),
    ];
    store.add_corrections(&reports).await.unwrap();
    store
        .apply(&[Write::Corrections { run: run.id.clone(), corrections: vec!["same".to_owned()] }])
        .await
        .unwrap();
    let prediction = |n: i64| Prediction {
        id: format!("p{n}"),
        time: n,
        model: "sentiment@1".to_owned(),
        language: "en".to_owned(),
        label: None,
        confidence: 0.5,
        probabilities: json!({}),
        text_hash: format!("hash {n}"),
        text: None,
    };
    store.add_predictions(&[prediction(2), prediction(3)]).await.unwrap();
    let names = ["author 2".to_owned(), "h:2".to_owned()];
    let known = store.known_of(&names).await.unwrap();
    assert_eq!((known.items.len(), known.reports.len(), known.predictions.len()), (8, 2, 1));
    assert_eq!(known.runs, [run.id.to_string()]);
    let erased = store.erase(&known, &names, "ada", "h:2").await.unwrap();
    assert_eq!((erased.items, erased.reports, erased.predictions), (8, 2, 1));
    let left = store.known_of(&names).await.unwrap();
    assert!(left.items.is_empty() && left.reports.is_empty() && left.predictions.is_empty());
    assert_eq!(store.count_items(&ItemFilter::default()).await.unwrap(), 32);
    assert_eq!(ids(&store, search("number2,")).await, [""; 0], "the search still knows it");
    check_days(&store).await;
    let log = store.audit_entries(0).await.unwrap();
    assert!(log[0].action == "erase-author" && !log[0].detail.contains("author 2"));
    assert_eq!(store.count_erasures().await.unwrap(), 1);
    // By age: what came in before.
    let old = store.erase_before(20, "server").await.unwrap();
    assert_eq!((old.items, old.reports, old.predictions), (16, 1, 1));
    assert_eq!(store.count_items(&ItemFilter::default()).await.unwrap(), 16);
    check_days(&store).await;
    assert_eq!(store.erase_before(20, "server").await.unwrap().items, 0);
    assert_eq!(store.audit_entries(0).await.unwrap().len(), 2, "nothing to erase is nothing to tell");
}
