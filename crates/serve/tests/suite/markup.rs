//! What others have written is shown as they wrote it, and is never markup, SQL or a formula.

use axum::http::header;
use sentimeter_serve::Settings;
use sentimeter_store::{ItemFilter, Role};
use serde_json::{Value, json};

use crate::jobs::send;
use crate::server::{Server, local};

const HOSTILE: [&str; 4] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "javascript:alert(1)//</textarea><svg/onload=alert(1)>",
    "' onmouseover='alert(1)",
];

/// Nothing of it is an element or an attribute of the page.
#[track_caller]
fn harmless(page: &str, place: &str) {
    for markup in
        ["<script>", "<img", "<svg/onload", "' onmouseover='", "\" onmouseover", "href=\"javascript:"]
    {
        assert!(!page.contains(markup), "{markup} in {place}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_kept_becomes_markup() {
    let server = Server::new(Settings { keep_authors: true, ..local() }).await;
    let key = server.key(Role::Admin).await;
    for (n, hostile) in HOSTILE.iter().enumerate() {
        let item = json!({"id": format!("{n}{hostile}"), "text": format!("bad {hostile}"), "channel": hostile,
                          "author": hostile});
        let told = server.post_as("/v1/items", &item.to_string(), Some(&key)).await;
        assert_eq!(told.status, 201, "{}", told.text());
        let report = json!({"text": format!("good {hostile}"), "label": "negative", "comment": hostile});
        let told = server.post_as("/v1/reports", &report.to_string(), Some(&key)).await;
        assert_eq!(told.status, 201, "{}", told.text());
        let made = json!({"name": hostile, "role": "predict"}).to_string();
        assert_eq!(server.post_as("/v1/keys", &made, Some(&key)).await.status, 201);
        let name: String = hostile.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let (query, file) = (format!("name={name}.csv&text=text"), format!("text,{name}\n{hostile},1\n"));
        let told = send(&server, &query, file, Some(&key)).await;
        assert_eq!(told.status, 202, "{}", told.text());
    }
    let browser = server.signed_in(HOSTILE[0], Role::Admin).await;
    for path in ["/review", "/settings", "/settings?lang=fr", "/insights", "/insights?q=bad", "/batch", "/"] {
        let page = server.get_as(path, &browser).await;
        assert_eq!(page.status, 200, "{path}");
        harmless(page.text(), path);
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{path}: {policy}");
    }
    let insights = server.get_as("/insights?q=bad", &browser).await;
    assert!(insights.text().contains("script"), "the test shows nothing: the texts are not there");
    // Whatever is typed into an address comes back as what it is, too.
    for hostile in HOSTILE {
        let typed: String = hostile.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for path in
            ["/insights?channel=", "/insights?q=", "/experiments?name=", "/models/", "/sign-in?next=/"]
        {
            harmless(server.get_as(&format!("{path}{typed}"), &browser).await.text(), path);
        }
        let told = server.get_by(&format!("/v1/models/{typed}"), &key).await;
        assert_eq!(told.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(told.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_are_values_and_never_sql() {
    let server = Server::new(local()).await;
    let key = server.key(Role::Admin).await;
    let items: Vec<Value> =
        (0..20).map(|n| json!({"id": n, "text": format!("good day {n}"), "channel": "app"})).collect();
    assert_eq!(
        server.post_as("/v1/items", &json!({"items": items}).to_string(), Some(&key)).await.status,
        200
    );
    for hostile in [
        "' OR '1'='1",
        "app' OR 1=1 --",
        "app'; DROP TABLE items; --",
        "app' UNION SELECT hash FROM keys --",
        "%",
        "ap_",
        "$99",
        "\u{0}",
        "\" OR \"\"=\"",
        "NEAR(good day)",
        "text:good OR day",
    ] {
        let typed: String = hostile.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for name in ["channel", "language", "sentiment", "model", "source", "q", "from", "to", "after"] {
            let told = server.get_by(&format!("/v1/items?{name}={typed}"), &key).await;
            if told.status == 200 {
                assert_eq!(told.json()["items"], json!([]), "{name}={hostile}");
            } else {
                assert_eq!(told.problem(422), [name], "{hostile}");
            }
            let told = server.get_by(&format!("/v1/insights?{name}={typed}"), &key).await;
            assert!([200, 422].contains(&told.status.as_u16()), "{name}={hostile}: {}", told.text());
            assert!(
                !told.text().contains("smk_") && !told.text().to_lowercase().contains("sqlite"),
                "{}",
                told.text()
            );
        }
        for path in ["/v1/jobs/", "/v1/runs/", "/v1/models/"] {
            assert_eq!(server.get_by(&format!("{path}{typed}"), &key).await.status, 404, "{path}{hostile}");
        }
        let revoked = crate::server::ask("DELETE", &format!("/v1/keys/{typed}"))
            .header(header::AUTHORIZATION, format!("Bearer {key}"));
        server.send(revoked.body(axum::body::Body::empty()).unwrap()).await.problem(404);
    }
    assert_eq!(server.store.count_items(&ItemFilter::default()).await.unwrap(), 20);
    assert_eq!(
        server.get_by("/v1/items?channel=app&q=good", &key).await.json()["items"].as_array().unwrap().len(),
        20
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_spreadsheet_would_run_is_defused_in_results() {
    let server = Server::new(local()).await;
    let file = [
        "text,=cmd|' /C calc'!A0,note",
        "\"=HYPERLINK(\"\"http://evil.example\"\")\",+1,@SUM(A1)",
        "-2+3 good,\"\t=1\",plain",
    ]
    .join("\n");
    let id =
        send(&server, "name=a.csv&text=text", file, None).await.json()["id"].as_str().unwrap().to_owned();
    while server.get(&format!("/v1/jobs/{id}")).await.json()["status"] != "done" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let csv = server.get(&format!("/v1/jobs/{id}/result?format=csv")).await;
    let mut cells = 0;
    for line in csv.text().lines() {
        for cell in line.split(',') {
            let bare = cell.trim_start_matches('"');
            assert!(!bare.starts_with(['=', '+', '-', '@', '\t']), "{cell} in {line}");
            cells += 1;
        }
    }
    assert!(cells > 12 && csv.text().contains("'=HYPERLINK"), "{}", csv.text());
    // For programs it is what it was.
    let lines = server.get(&format!("/v1/jobs/{id}/result?format=jsonl")).await;
    assert!(lines.text().contains("\"=HYPERLINK("), "{}", lines.text());
}
