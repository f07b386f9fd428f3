//! `/v1/items`: feedback that is kept, found and exported.

use axum::http::header;
use sentimeter_serve::Settings;
use sentimeter_store::{ItemFilter, Role};
use serde_json::{Value, json};

use crate::server::{Server, local};

pub(crate) async fn add(server: &Server, key: &str, body: &Value) -> Value {
    let told = server.post_as("/v1/items", &body.to_string(), Some(key)).await;
    assert!(told.status.is_success(), "{}", told.text());
    told.json()
}

#[tokio::test]
async fn a_piece_is_scored_kept_once_and_comes_back() {
    let server = Server::new(local()).await;
    let key = server.key(Role::Predict).await;
    let body = json!({"id": 7, "text": "Great service, thank you so much!", "channel": "review",
        "author": "Ada@example.com ", "time": "2026-11-20T08:15:00Z"});
    let told = server.post_as("/v1/items", &body.to_string(), Some(&key)).await;
    let first = told.json();
    assert_eq!(told.status, 201, "{first}");
    assert_eq!(
        (&first["new"], &first["sentiment"], &first["id"]),
        (&json!(true), &json!("positive"), &json!("7"))
    );
    assert_eq!(first["time"], 1_795_162_500_000_i64);
    assert_eq!(first["author"].as_str().unwrap().len(), 34, "authors are hashed: {first}");
    // Sent again, with whatever else: it is there already, and stays as it is.
    let again = server.post_as("/v1/items", r#"{"id": "7", "text": "awful"}"#, Some(&key)).await;
    assert_eq!((again.status.as_u16(), &again.json()["new"]), (200, &json!(false)));
    assert_eq!(again.json()["text"], body["text"]);
    // The same id of another source is another piece; without an id every piece is its own.
    for (other, new) in
        [(json!({"id": "7", "text": "good", "source": "shop"}), true), (json!({"text": "good"}), true)]
    {
        assert_eq!(add(&server, &key, &other).await["new"], new);
    }
    assert_eq!(server.store.count_items(&ItemFilter::default()).await.unwrap(), 3);
    // The same author is found again by the same hash, the name is nowhere.
    let kept = server.store.items(&ItemFilter::default()).await.unwrap();
    assert!(!format!("{kept:?}").contains("example.com"));
}

#[tokio::test]
async fn each_of_many_is_stored_or_gets_its_error() {
    let server = Server::new(local()).await;
    let key = server.key(Role::Predict).await;
    let body = json!({"source": "desk", "items": [
        {"id": "a", "text": "good"}, {"id": "b", "text": ""}, {"id": [1], "text": "x"}, {"id": "c", "text": 5},
        {"id": "d", "text": "x", "time": "yesterday"}, {"id": "e", "text": "x", "time": 99999999999999i64},
        {"id": "f", "text": "x", "channel": "a\nb"}, {"id": "g", "text": "x", "language": "de"}, "plain",
        {"id": "a", "text": "good"}, {"id": "h", "text": "x", "colour": "red"}]});
    let told = add(&server, &key, &body).await;
    let fields: Vec<&str> = told["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| i["error"]["field"].as_str().unwrap_or(""))
        .collect();
    assert_eq!(
        fields,
        ["", "text", "id", "text", "time", "time", "channel", "language", "", "", "colour"],
        "{told}"
    );
    let new: Vec<&Value> = [0, 8, 9].map(|at| &told["items"][at]["new"]).to_vec();
    assert_eq!((told["stored"].as_i64(), new), (Some(2), vec![&json!(true), &json!(true), &json!(false)]));
    for (body, field) in [
        (json!({}), "text"),
        (json!({"items": 5}), "items"),
        (json!({"items": [], "text": "x"}), "text"),
        (json!({"items": [], "time": [null]}), "time"),
        (json!({"items": vec!["x"; 1001]}), "items"),
        (json!({"text": "x", "source": "x".repeat(61)}), "source"),
        (json!({"txt": "x"}), "txt"),
    ] {
        let told = server.post_as("/v1/items", &body.to_string(), Some(&key)).await;
        assert_eq!(told.problem(422), [field]);
    }
}

#[tokio::test]
async fn keeping_wants_predict_and_reading_wants_analyst_even_on_this_machine() {
    let server = Server::new(local()).await;
    let (predict, analyst) = (server.key(Role::Predict).await, server.key(Role::Analyst).await);
    server.post("/v1/items", r#"{"text": "x"}"#).await.problem(401);
    server.get("/v1/items").await.problem(401);
    server.get_by("/v1/items", &predict).await.problem(403);
    assert_eq!(server.get_by("/v1/items", &analyst).await.status, 200);
}

#[tokio::test]
async fn items_are_filtered_paged_and_exported() {
    let server = Server::new(Settings { keep_authors: true, ..local() }).await;
    let key = server.key(Role::Admin).await;
    let items: Vec<Value> = (0..30)
        .map(|n| {
            let text = if n == 4 { "=HYPERLINK(\"x\") bad, خدمة\nline".to_owned() } else { format!("good day number{n}") };
            json!({"id": n, "text": text, "channel": if n % 2 == 0 { "review" } else { "@ticket" }, "author": "=ann",
                   "time": format!("2026-10-{:02}", n + 1)})
        })
        .collect();
    add(&server, &key, &json!({"items": items})).await;
    let get = async |query: &str| server.get_by(&format!("/v1/items?{query}"), &key).await.json();
    let ids = |page: &Value| {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| i["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&get("q=number12").await), ["12"]);
    assert_eq!(ids(&get("channel=review&from=2026-10-05&to=2026-10-07").await), ["6", "4"]);
    let first = get("limit=20").await;
    let rest = get(&format!("limit=20&after={}", first["next"].as_str().unwrap())).await;
    assert_eq!((ids(&first).len(), ids(&rest).len(), &rest["next"]), (20, 10, &Value::Null));
    for (query, field) in [
        ("from=then", "from"),
        ("limit=0", "limit"),
        ("after=1", "after"),
        ("format=xml", "format"),
        ("colour=red", "colour"),
    ] {
        assert_eq!(server.get_by(&format!("/v1/items?{query}"), &key).await.problem(422), [field]);
    }
    let csv = server.get_by("/v1/items?format=csv", &key).await;
    assert_eq!(csv.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    assert!(csv.headers[header::CONTENT_DISPOSITION].to_str().unwrap().contains("items.csv"));
    let text = csv.text();
    assert!(
        text.starts_with("item_id,id,source,time,channel,")
            && text.contains(",\"'=HYPERLINK(\"\"x\"\") bad, خدمة\nline\"\r\n")
    );
    assert!(text.contains(",'@ticket,") && text.contains(",'=ann,") && !text.contains(",=ann,"));
    let lines = server.get_by("/v1/items?format=jsonl&channel=review", &key).await;
    let lines: Vec<Value> = lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 15);
    assert_eq!(lines[14]["author"], "=ann");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_each_kept_once() {
    let server = std::sync::Arc::new(Server::new(local()).await);
    let key = server.key(Role::Predict).await;
    let sending: Vec<_> = (0..200)
        .map(|n| {
            let (server, key) = (server.clone(), key.clone());
            tokio::spawn(async move {
                // Every piece is sent by two.
                add(&server, &key, &json!({"id": n / 2, "text": format!("text {}", n / 2)})).await["new"]
                    .as_bool()
                    .unwrap()
            })
        })
        .collect();
    let mut new = 0;
    for one in sending {
        new += usize::from(one.await.unwrap());
    }
    assert_eq!(new, 100);
    assert_eq!(server.store.count_items(&ItemFilter::default()).await.unwrap(), 100);
}
