//! What those who run the server see and do: models, runs, data, keys, the audit log; by interface and by page.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::header;
use sentimeter_serve::{Announce, Settings};
use sentimeter_store::{Blob, NewRun, NewVersion, Role, StoreError, Version, Who, Write};
use serde_json::{Value, json};

use crate::server::{Server, Told, ask, local};

/// Registers a version of `sentiment` that scores `macro_f1` on the rows that `test` is the hash of.
async fn register(server: &Server, macro_f1: f64, test: &str) -> i64 {
    let new = NewVersion {
        model: "sentiment".to_owned(),
        run: None,
        blob: Blob { hash: "0".repeat(64), size: 12 },
        digest: format!("{macro_f1}"),
        kind: "linear".to_owned(),
        data_hash: None,
        test_hash: Some(test.to_owned()),
        metrics: json!({"rows": 90, "macro_f1": macro_f1, "accuracy": macro_f1}),
        recipe: Value::Null,
        licence: Value::Null,
        detail: json!({"inputs": [{"role": "train", "name": "<b>tweets</b>.csv", "hash": ""}]}),
    };
    let who = Who { name: "ada".to_owned(), host: "desk".to_owned(), reason: None };
    server.store.register(&new, &who).await.unwrap().version
}

async fn key(server: &Server, role: Role) -> String {
    server.store.create_key(role.as_str(), role, "test").await.unwrap().1
}

async fn get(server: &Server, path: &str, key: &str) -> Told {
    let get = ask("GET", path).header(header::AUTHORIZATION, format!("Bearer {key}"));
    server.send(get.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn versions_are_promoted_by_the_rule_and_rolled_back() {
    let server = Server::new(local()).await;
    for (score, test) in [(0.80, "a"), (0.60, "a"), (0.81, "b"), (0.82, "a")] {
        register(&server, score, test).await;
    }
    let (admin, reviewer) = (key(&server, Role::Admin).await, key(&server, Role::Reviewer).await);
    let promote = async |body: Value, key: Option<&str>| {
        server.post_as("/v1/models/sentiment/promote", &body.to_string(), key).await
    };
    promote(json!({"version": 1}), None).await.problem(401);
    promote(json!({"version": 1}), Some(&reviewer)).await.problem(403);
    let first = promote(json!({"version": 1, "reason": "the first"}), Some(&admin)).await.json();
    assert_eq!(
        first,
        json!({"version": "sentiment@1", "alias": "champion", "previous": null, "forced": false})
    );
    let worse = promote(json!({"version": 2}), Some(&admin)).await;
    worse.problem(409);
    let said = worse.json()["detail"].as_str().unwrap().to_owned();
    assert!(said.contains("worse by 0.2000") && !said.contains("--"), "{said}");
    let unlike = promote(json!({"version": 3}), Some(&admin)).await;
    unlike.problem(409);
    assert_eq!(promote(json!({"version": 2, "force": true}), Some(&admin)).await.problem(422), ["reason"]);
    let forced = promote(json!({"version": 2, "force": true, "reason": "a try"}), Some(&admin)).await.json();
    assert_eq!((&forced["previous"], &forced["forced"]), (&json!(1), &json!(true)));
    promote(json!({"version": 9}), Some(&admin)).await.problem(404);
    assert_eq!(promote(json!({"version": "1"}), Some(&admin)).await.status, 422);
    assert_eq!(promote(json!({"version": 1, "alias": "7"}), Some(&admin)).await.status, 422);

    let back = server.post_as("/v1/models/sentiment/rollback", r#"{"reason": "worse"}"#, Some(&admin)).await;
    assert_eq!(back.json()["version"], "sentiment@1");
    server.post_as("/v1/models/sentiment/rollback", "{}", Some(&admin)).await.problem(409);
    server.post_as("/v1/models/nothing/rollback", "{}", Some(&admin)).await.problem(404);

    let list = server.get("/v1/models").await;
    assert_eq!(list.json()["models"][0]["aliases"][0]["version"], 1);
    assert_eq!(list.json()["live"], "sentiment@1");
    let known = ask("GET", "/v1/models").header(header::IF_NONE_MATCH, list.headers[header::ETAG].clone());
    let known = server.send(known.body(Body::empty()).unwrap()).await;
    assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
    let one = server.get("/v1/models/sentiment").await.json();
    assert_eq!(one["all_versions"].as_array().unwrap().len(), 4);
    let actions: Vec<&str> =
        one["history"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(actions[4..], ["promote", "promote", "rollback"]);
    server.get("/v1/models/nothing").await.problem(404);
    let log = server.store.audit_entries(0).await.unwrap();
    let told: Vec<(&str, &str)> = log
        .iter()
        .map(|entry| (entry.action.as_str(), entry.target.as_str()))
        .filter(|(action, _)| matches!(*action, "promote" | "rollback"))
        .collect();
    let want = [("promote", "sentiment@1"), ("promote", "sentiment@2"), ("rollback", "sentiment@1")];
    assert_eq!(told, want);
}

/// Hears of aliases; fails where it is told to.
#[derive(Debug, Default)]
struct Ear {
    heard: Mutex<Vec<String>>,
    deaf: AtomicBool,
}

impl Announce for Ear {
    fn introduce(&self, version: &Version) -> Result<(), StoreError> {
        if self.deaf.load(Ordering::Relaxed) {
            return Err(StoreError::Random { why: "for the test".to_owned() });
        }
        self.heard.lock().unwrap().push(format!("{} comes", version.reference()));
        Ok(())
    }

    fn alias(&self, version: &Version, alias: &str) -> Vec<Write> {
        self.heard.lock().unwrap().push(format!("{alias} is {}", version.reference()));
        Vec::new()
    }
}

#[tokio::test]
async fn somebody_else_hears_of_promotions_or_there_are_none() {
    let ear = Arc::new(Ear::default());
    let server = Server::new(Settings { announce: Some(ear.clone()), ..local() }).await;
    let admin = key(&server, Role::Admin).await;
    for score in [0.8, 0.9] {
        register(&server, score, "a").await;
    }
    let promote = async |version: i64| {
        let body = json!({ "version": version }).to_string();
        server.post_as("/v1/models/sentiment/promote", &body, Some(&admin)).await.status.as_u16()
    };
    assert_eq!((promote(1).await, promote(2).await), (200, 200));
    assert_eq!(server.post_as("/v1/models/sentiment/rollback", "{}", Some(&admin)).await.status, 200);
    let heard = std::mem::take(&mut *ear.heard.lock().unwrap());
    assert_eq!(
        heard,
        [
            "sentiment@1 comes",
            "champion is sentiment@1",
            "sentiment@2 comes",
            "champion is sentiment@2",
            "sentiment@1 comes",
            "champion is sentiment@1"
        ]
    );
    ear.deaf.store(true, Ordering::Relaxed);
    assert_eq!(promote(2).await, 503);
    assert_eq!(server.store.find_version("sentiment@champion").await.unwrap().version, 1);
}

#[tokio::test]
async fn the_pages_of_the_registry_do_the_same() {
    let server = Server::new(local()).await;
    assert!(server.get("/models").await.text().contains("--register sentiment"), "what to do next");
    for (score, test) in [(0.80, "a"), (0.60, "a")] {
        register(&server, score, test).await;
    }
    let page = server.get("/models/sentiment").await;
    assert!(
        page.text().contains("&#60;b&#62;tweets&#60;/b&#62;.csv") || page.text().contains("&lt;b&gt;tweets")
    );
    assert!(!page.text().contains("<b>tweets"));
    // Reading wants no key here; changing does.
    let asked = ask("GET", "/models/sentiment/1/promote").header(header::ACCEPT, "text/html");
    let asked = server.send(asked.body(Body::empty()).unwrap()).await;
    assert_eq!(asked.headers[header::LOCATION], "/sign-in?next=/models/sentiment/1/promote");
    let reviewer = server.signed_in("rae", Role::Reviewer).await;
    let refused = server.get_as("/models/sentiment/1/promote", &reviewer).await;
    assert_eq!(refused.status, 403);
    assert!(
        refused.text().contains("Your key has the role reviewer; this page wants admin"),
        "{}",
        refused.text()
    );

    let admin = server.signed_in("ada", Role::Admin).await;
    let confirm = server.get_as("/models/sentiment/1/promote", &admin).await;
    assert!(confirm.text().contains("Promote sentiment@1?"), "{}", confirm.text());
    let done = server.send_as("/models/sentiment/1/promote", "reason=first", &admin).await;
    assert_eq!(
        (done.status.as_u16(), &done.headers[header::LOCATION]),
        (303, &"/models/sentiment".parse().unwrap())
    );
    let worse = server.send_as("/models/sentiment/2/promote", "reason=why+not", &admin).await;
    assert_eq!(worse.status, 409);
    assert!(worse.text().contains("role=\"alert\"") && worse.text().contains("value=\"why not\""));
    let silent = server.send_as("/models/sentiment/2/promote", "force=yes", &admin).await;
    assert_eq!(silent.status, 422);
    let forced = server.send_as("/models/sentiment/2/promote", "force=yes&reason=a+try", &admin).await;
    assert_eq!(forced.status, 303);
    let page = server.get_as("/models/sentiment", &admin).await;
    assert!(page.text().contains("a try") && page.text().contains("--force"), "{}", page.text());
    let back = server.get_as("/models/sentiment/rollback", &admin).await;
    assert!(back.text().contains("sentiment@1 answers again, in place of sentiment@2."), "{}", back.text());
    assert_eq!(server.send_as("/models/sentiment/rollback", "reason=no", &admin).await.status, 303);
    assert_eq!(server.get_as("/models/sentiment/rollback", &admin).await.status, 404);
    let card = server.get_as("/models/sentiment/1/card", &admin).await;
    assert_eq!(card.status, 200);
    let policy = card.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("sandbox") && !policy.contains("allow-same-origin"), "{policy}");
    assert_eq!(card.headers[header::X_FRAME_OPTIONS], "SAMEORIGIN");
    // A form without the token changes nothing.
    let bare = ask("POST", "/models/sentiment/2/promote")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::COOKIE, &admin)
        .header(header::ACCEPT, "text/html");
    let bare = server.send(bare.body(Body::from("force=yes&reason=x")).unwrap()).await;
    assert_eq!(bare.status, 403);
    assert_eq!(server.get("/v1/models").await.json()["models"][0]["aliases"][0]["version"], 1);
}

#[tokio::test]
async fn runs_are_listed_shown_and_compared() {
    let server = Server::new(local()).await;
    assert!(server.get("/experiments").await.text().contains("sentimeter train"), "what to do next");
    let mut ids = Vec::new();
    for (seed, accuracy) in [("1", 0.5), ("2", f64::NAN), ("1", 0.75)] {
        let run = NewRun { name: format!("run <i>{seed}"), ..NewRun::new("train") };
        let metric = |name: &str, value| sentimeter_store::Metric {
            name: name.to_owned(),
            step: 0,
            time: run.started,
            value,
        };
        let id = run.id.clone();
        let metrics = vec![metric("accuracy", accuracy), metric("macro_f1", 0.5)];
        let params = vec![("seed".to_owned(), seed.to_owned())];
        let writes = [
            Write::Start(Box::new(run)),
            Write::Params { run: id.clone(), params },
            Write::Metrics { run: id.clone(), metrics },
        ];
        server.store.apply(&writes).await.unwrap();
        ids.push(id.to_string());
    }
    let list = server.get("/v1/runs?limit=2").await.json();
    assert_eq!(list["runs"].as_array().unwrap().len(), 2);
    assert_eq!(list["runs"][1]["metrics"]["accuracy"], Value::Null, "what is no number");
    let next = server.get(&format!("/v1/runs?limit=2&before={}", list["next"])).await.json();
    assert_eq!((next["runs"][0]["id"].as_str(), &next["next"]), (Some(ids[0].as_str()), &Value::Null));
    for (query, field) in [("limit=0", "limit"), ("status=x", "status"), ("before=x", "before"), ("x=1", "x")]
    {
        assert_eq!(server.get(&format!("/v1/runs?{query}")).await.problem(422), [field], "{query}");
    }
    assert!(server.get("/v1/runs?kind=search").await.json()["runs"].as_array().unwrap().is_empty());
    let one = server.get(&format!("/v1/runs/{}", ids[0])).await.json();
    assert_eq!((&one["parameters"]["seed"], &one["series"][0]["value"]), (&json!("1"), &json!(0.5)));
    assert_eq!(server.get("/v1/runs/latest").await.json()["id"], ids[2].as_str());
    server.get("/v1/runs/nothing-like-that").await.problem(404);
    let path = format!("/v1/runs/compare?run={}&run={}", ids[0], ids[1]);
    let compared = server.get(&path).await.json();
    assert_eq!(compared["differing"], json!([{"name": "seed", "values": ["1", "2"]}]));
    assert_eq!(compared["paired"], json!([null]));
    assert_eq!(server.get("/v1/runs/compare").await.problem(422), ["run"]);
    assert_eq!(server.get(&format!("/v1/runs/compare?run={}", ids[0])).await.problem(422), ["run"]);

    let page = server.get("/experiments").await;
    assert!(!page.text().contains("<i>") && page.text().matches("type=\"checkbox\"").count() == 3);
    assert!(server.get("/experiments?name=zzz").await.text().contains("No run is like that"));
    assert!(server.get(&format!("/experiments/{}", ids[0])).await.text().contains("0.5000"));
    assert_eq!(server.get(&format!("/experiments/{}/report", ids[0])).await.status, 404);
    let side = format!("/experiments/compare?run={}&run={}", ids[0], ids[2]);
    assert!(server.get(&side).await.text().contains("All settings are the same"));
    assert_eq!(server.get(&side.replace("compare?", "compare/report?")).await.status, 200);
    let few = server.get("/experiments/compare").await;
    assert!(few.status == 422 && few.text().contains("at least two runs"), "{}", few.text());
    assert_eq!(server.get("/experiments/nothing-like-that").await.status, 404);
}

#[tokio::test]
async fn data_sets_are_shown_and_nothing_else_of_the_disk() {
    let server = Server::new(local()).await;
    assert_eq!(server.get("/v1/datasets").await.json(), json!({"datasets": []}));
    assert!(server.get("/data").await.text().contains("sentimeter import"), "what to do next");
    for path in ["/data/nothing", "/data/..%2f..%2fsentimeter.db", "/data/%2e%2e/profile", "/data/%00"] {
        let told = server.get(path).await;
        assert_eq!(told.status, 404, "{path}: {}", told.text());
    }
}

#[tokio::test]
async fn keys_are_made_shown_once_and_revoked_by_admins() {
    let server = Server::new(local()).await;
    let admin = key(&server, Role::Admin).await;
    let create = async |body: Value| server.post_as("/v1/keys", &body.to_string(), Some(&admin)).await;
    server.post("/v1/keys", r#"{"name": "x"}"#).await.problem(401);
    let made = create(json!({"name": "shop", "role": "reviewer"})).await;
    assert_eq!(made.status, 201);
    let (id, secret) = (made.json()["id"].clone(), made.json()["secret"].as_str().unwrap().to_owned());
    assert_eq!(get(&server, "/v1/reports", &secret).await.status, 200);
    get(&server, "/v1/keys", &secret).await.problem(403);
    get(&server, "/v1/audit", &secret).await.problem(403);
    for (body, field) in [
        (json!({}), "name"),
        (json!({"name": " "}), "name"),
        (json!({"name": "x".repeat(101)}), "name"),
        (json!({"name": "x", "role": "owner"}), "role"),
        (json!({"name": 1}), "name"),
        (json!({"name": "x", "rôle": "admin"}), "rôle"),
    ] {
        assert_eq!(create(body.clone()).await.problem(422), [field], "{body}");
    }
    let listed = get(&server, "/v1/keys", &admin).await;
    assert!(!listed.text().contains(&secret) && listed.json()["keys"].as_array().unwrap().len() == 2);
    let revoke = async |id: &str| {
        let path = format!("/v1/keys/{id}");
        let delete = ask("DELETE", &path).header(header::AUTHORIZATION, format!("Bearer {admin}"));
        server.send(delete.body(Body::empty()).unwrap()).await
    };
    let last = listed.json()["keys"][0]["id"].as_str().unwrap().to_owned();
    revoke(&last).await.problem(409);
    assert_eq!(revoke(id.as_str().unwrap()).await.status, 204);
    revoke(id.as_str().unwrap()).await.problem(404);
    let log = get(&server, "/v1/audit", &admin).await.json();
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 3);
    assert!(entries[1]["who"].as_str().unwrap().starts_with("admin ("), "{log}");
    let rest = get(&server, "/v1/audit?after=2", &admin).await.json();
    assert_eq!(rest["entries"][0]["action"], "revoke-key");
    get(&server, "/v1/audit?after=x", &admin).await.problem(422);

    // The same by the page.
    let ada = server.signed_in("ada", Role::Admin).await;
    let page = server.send_as("/settings/keys", "name=%3Cb%3Etill&role=predict", &ada).await;
    assert_eq!(page.status, 201);
    let secret = page.text().split("smk_").nth(1).map(|rest| &rest[..64]).unwrap().to_owned();
    assert_eq!(
        server.post_as("/v1/predict", r#"{"text": "a"}"#, Some(&format!("smk_{secret}"))).await.status,
        200
    );
    assert!(!page.text().contains("<b>till"));
    assert!(!server.get_as("/settings", &ada).await.text().contains(&secret), "shown once");
    assert_eq!(server.send_as("/settings/keys", "name=&role=predict", &ada).await.status, 422);
    let till = server.store.keys().await.unwrap().into_iter().find(|key| key.name == "<b>till").unwrap();
    let path = format!("/settings/keys/{}/revoke", till.id);
    assert!(server.get_as(&path, &ada).await.text().contains("Revoke the key"));
    assert_eq!(server.send_as(&path, "", &ada).await.status, 303);
    assert_eq!(server.get_as(&path, &ada).await.status, 404);
    let reviewer = server.signed_in("rae", Role::Reviewer).await;
    assert_eq!(server.get_as("/settings", &reviewer).await.status, 403);
    assert_eq!(server.store.verify_audit(None).await.unwrap().fault, None);
}

#[tokio::test]
async fn reports_are_judged_on_the_page_and_agreement_is_measured() {
    let server = Server::new(Settings { loopback: true, ..Settings::default() }).await;
    let (ada, bob) =
        (server.signed_in("ada", Role::Reviewer).await, server.signed_in("bob", Role::Reviewer).await);
    assert!(server.get_as("/review", &ada).await.text().contains("Nothing waits to be reviewed"));
    let hostile = ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "الخدمة سيئة", "plain"];
    for (n, text) in hostile.iter().enumerate() {
        let id = format!("report/{n} <i>");
        let body =
            json!({"id": id, "text": text, "label": "negative", "predicted": "positive", "comment": text});
        assert_eq!(server.post("/v1/reports", &body.to_string()).await.status, 201);
    }
    let page = server.get_as("/review", &ada).await;
    assert_eq!(page.text().matches("<article").count(), 4);
    assert!(
        !page.text().contains("<script>alert")
            && !page.text().contains("<img")
            && !page.text().contains("<i>")
    );
    assert!(page.text().contains("dir=\"auto\" lang=\"ar\""));
    let action = |n: usize| {
        let found = page.text().split("action=\"/review/").nth(n + 1).unwrap();
        format!("/review/{}", found.split('"').next().unwrap())
    };
    for (n, form) in ["status=accepted", "status=rejected", "label=neutral"].into_iter().enumerate() {
        let told = server.send_as(&action(n), &format!("from=pending&{form}"), &ada).await;
        assert_eq!(told.status, 303, "{}", told.text());
        assert!(told.headers[header::LOCATION].to_str().unwrap().starts_with("/review?status=pending&done="));
    }
    for wrong in ["", "status=perhaps", "label=sideways"] {
        let told = server.send_as(&action(3), wrong, &ada).await;
        assert_eq!(told.status, 422, "{wrong}");
        assert!(told.text().contains("role=\"alert\""));
    }
    assert_eq!(server.send_as("/review/none", "status=accepted", &ada).await.status, 404);
    // What ada has judged waits for bob's opinion, not for her own.
    let count = async |who: &str| {
        server.get_as("/review?status=second", who).await.text().matches("<article").count()
    };
    assert_eq!((count(&ada).await, count(&bob).await), (0, 3));
    assert_eq!(server.send_as(&action(0), "status=accepted", &bob).await.status, 303);
    assert_eq!(server.send_as(&action(1), "status=accepted", &bob).await.status, 303);

    let reviewer = key(&server, Role::Reviewer).await;
    server.get("/v1/reports/agreement").await.problem(401);
    let told = get(&server, "/v1/reports/agreement", &reviewer).await.json();
    let pairs = told["pairs"].as_array().unwrap();
    let find = |first: &str, second: &str| {
        let fits = |p: &&Value| {
            p["first"].as_str().unwrap().starts_with(first)
                && p["second"].as_str().unwrap().starts_with(second)
        };
        pairs.iter().find(fits).unwrap_or_else(|| panic!("{first} {second}: {told}"))
    };
    // ada: negative, (rejected: the model's) positive, neutral; bob: negative twice; the model: positive.
    assert_eq!(find("model", "reviewers")["reports"], 5);
    assert_eq!(find("model", "reviewers")["agreement"]["value"], 0.2);
    assert_eq!(find("ada", "bob")["agreement"]["value"], 0.5);
    assert_eq!(find("ada", "bob")["kappa"]["value"], 0.0);
    assert!(server.get_as("/review", &ada).await.text().contains("Cohen’s kappa"));
}

#[tokio::test]
async fn every_page_is_in_both_languages_and_keeps_the_one_that_was_chosen() {
    let server = Server::new(local()).await;
    let ada = server.signed_in("ada", Role::Admin).await;
    for (path, english, french) in [
        ("/review", "Review", "Relecture"),
        ("/models", "Models", "Modèles"),
        ("/experiments", "Experiments", "Expériences"),
        ("/data", "Data", "Données"),
        ("/settings", "Settings", "Réglages"),
        ("/sign-in", "Sign in", "Se connecter"),
    ] {
        let page = server.get_as(path, &ada).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text().contains(&format!("<h1>{english}</h1>")), "{path}");
        assert!(!page.text().contains("style="), "{path}: the policy allows no inline styles");
        let page = server.get_as(&format!("{path}?lang=fr"), &ada).await;
        assert!(page.text().contains(&format!("<h1>{french}</h1>")), "{path}");
        assert!(page.text().contains("href=\"/models?lang=fr\""), "{path}");
        if path != "/sign-in" {
            assert!(
                page.text().contains(&format!("href=\"{path}?lang=fr\" aria-current=\"page\"")),
                "{path}"
            );
        }
    }
}
