//! `/v1/predict`, `/predict`, and the description of both.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::server::{Server, local};

#[tokio::test]
async fn one_text_gets_what_the_interface_promises() {
    let server = Server::new(local()).await;
    let told = server.post("/v1/predict", r#"{"text": "Great service, thank you so much!"}"#).await;
    let answer = told.json();
    assert_eq!(told.status, 200, "{answer}");
    assert_eq!(answer["sentiment"], "positive");
    assert_eq!(answer["language"], "en");
    assert_eq!(answer["model"], "sentiment@1");
    assert_eq!(answer["text"], "Great service, thank you so much!");
    let sum: f64 = answer["probabilities"].as_object().unwrap().values().map(|p| p.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-5);
    assert_eq!(answer["confidence"], answer["probabilities"]["positive"]);
    // v1-linear.json beside the model file says what the model answers.
    assert!((answer["confidence"].as_f64().unwrap() - 0.565_278_3).abs() < 1e-6);
    assert_eq!(told.headers["content-type"], "application/json");
    assert!(told.headers.contains_key("x-request-id"));
    // The prediction is recorded, and its text is not.
    server.app.flush().await;
    let recorded = server.store.prediction(answer["prediction_id"].as_str().unwrap()).await.unwrap().unwrap();
    assert_eq!((recorded.label.as_deref(), recorded.text), (Some("positive"), None));
    assert_eq!(recorded.text_hash.len(), 64);
}

#[tokio::test]
async fn explanations_and_sentences_point_into_the_text() {
    let server = Server::new(local()).await;
    let text = "Très 😀 good service! Nobody answers, bad.";
    let body = json!({ "text": text }).to_string();
    let answer = server.post("/v1/predict?explain=true&sentences=true", &body).await.json();
    let characters: Vec<char> = text.chars().collect();
    let mut places: Vec<&Value> = answer["explanation"]["tokens"].as_array().unwrap().iter().collect();
    assert!(places.len() > 4, "{answer}");
    places.extend(answer["sentences"].as_array().unwrap());
    for place in places {
        let at = |name: &str| place[name].as_u64().unwrap() as usize;
        let bytes = &text[at("start")..at("end")];
        assert_eq!(bytes, characters[at("start_char")..at("end_char")].iter().collect::<String>());
    }
    assert_eq!(answer["sentences"].as_array().unwrap().len(), 2);
    assert!(answer["mixed"].is_boolean());
}

#[tokio::test]
async fn each_item_of_a_batch_has_its_result_or_its_error() {
    let server = Server::new(local()).await;
    let body = json!({"language": "en", "texts": [
        "good", {"id": 7, "text": "bad", "language": "fr", "channel": "review", "author": "x", "time": 3},
        {"id": "c", "text": 5}, {"id": "d"}, {"id": "e", "text": "  "}, 3, {"id": [1], "text": "x"},
        {"id": "h", "text": "x", "language": "de"}, {"id": "i", "txt": "x"}, {"id": "j", "text": "last"},
    ]});
    let told = server.post("/v1/predict", &body.to_string()).await;
    let answer = told.json();
    assert_eq!(told.status, 200, "{answer}");
    let predictions = answer["predictions"].as_array().unwrap();
    let fields: Vec<Value> = predictions.iter().map(|p| p["error"]["field"].clone()).collect();
    let none = Value::Null;
    let want = [
        none.clone(),
        none.clone(),
        "text".into(),
        "text".into(),
        "text".into(),
        "text".into(),
        "id".into(),
        "language".into(),
        "txt".into(),
        none,
    ];
    assert_eq!(fields, want);
    assert_eq!((&predictions[1]["id"], &predictions[1]["language"]), (&json!(7), &json!("fr")));
    assert_eq!((&predictions[0]["language"], &predictions[9]["id"]), (&json!("en"), &json!("j")));
    // Together they are what they are one by one.
    let alone = server.post("/v1/predict", r#"{"text": "last"}"#).await.json();
    assert_eq!(predictions[9]["probabilities"], alone["probabilities"]);
}

#[tokio::test]
async fn a_model_that_is_not_sure_enough_abstains() {
    let server = Server::new(local()).await;
    let answer = server.post("/v1/predict", r#"{"text": "hm", "min_confidence": 0.99}"#).await.json();
    assert_eq!((&answer["sentiment"], &answer["abstained"]), (&Value::Null, &json!("confidence")));
    assert!(answer["confidence"].as_f64().unwrap() < 0.99);
}

#[tokio::test]
async fn a_model_abstains_in_languages_that_it_was_not_made_for() {
    let server = Server::new(local()).await;
    let ask = async |extra: Value| {
        let mut body = json!({"text": "Estoy muy contento con el servicio", "model": "english@1"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        server.post("/v1/predict", &body.to_string()).await.json()
    };
    let answer = ask(json!({})).await;
    assert_eq!((&answer["sentiment"], &answer["abstained"]), (&Value::Null, &json!("language")));
    assert_eq!(answer["language"], "other");
    assert!(answer["confidence"].as_f64().unwrap() > 0.0);
    // Asked all the same, told that it is English, or by another model.
    for extra in [json!({"any_language": true}), json!({"language": "en"}), json!({"model": "other@1"})] {
        let answer = ask(extra.clone()).await;
        assert!(answer["sentiment"].is_string() && answer.get("abstained").is_none(), "{extra}: {answer}");
    }
    assert_eq!(ask(json!({"language": "fr"})).await["abstained"], "language");
    let english = ask(json!({"text": "I am very happy with the service"})).await;
    assert!(english["sentiment"].is_string());
    // A batch item by item; an old client always gets a sentiment.
    let batch =
        json!({"texts": ["Estoy muy contento con el servicio", "good"], "model": "english@1"}).to_string();
    let batch = server.post("/v1/predict", &batch).await.json();
    assert_eq!(batch["predictions"][0]["abstained"], "language");
    assert!(batch["predictions"][1]["sentiment"].is_string());
}

#[tokio::test]
async fn models_are_asked_for_by_name() {
    let server = Server::new(local()).await;
    for (model, want) in [("other@1", "other@1"), ("sentiment@1", "sentiment@1")] {
        let body = json!({"text": "good", "model": model}).to_string();
        assert_eq!(server.post("/v1/predict", &body).await.json()["model"], want);
    }
    server.post("/v1/predict", r#"{"text": "good", "model": "nothing@1"}"#).await.problem(404);
}

#[tokio::test]
async fn wrong_shapes_get_422_and_the_fields_name() {
    let server = Server::new(local()).await;
    let long = json!({"text": "x".repeat(20_001)}).to_string();
    let many = json!({"texts": vec!["x"; 1001]}).to_string();
    for (body, field) in [
        (r#"{"txt": "a"}"#, "txt"),
        (r#"{"text": 5}"#, "text"),
        (r#"{"text": null}"#, "text"),
        (r#"{}"#, "text"),
        (r#"{"text": ""}"#, "text"),
        (r#"{"text": "a", "texts": []}"#, "texts"),
        (r#"{"texts": 5}"#, "texts"),
        (r#"{"text": "a", "min_confidence": 2}"#, "min_confidence"),
        (r#"{"text": "a", "min_confidence": "0.5"}"#, "min_confidence"),
        (r#"{"text": "a", "any_language": "yes"}"#, "any_language"),
        (r#"{"text": "a", "language": "de"}"#, "language"),
        (r#"{"text": "a", "model": []}"#, "model"),
        (r#"[]"#, "body"),
        (&long, "text"),
        (&many, "texts"),
    ] {
        let fields = server.post("/v1/predict", body).await.problem(422);
        assert_eq!(fields, [field], "{body:.60}");
    }
    for (path, field) in [("/v1/predict?explain=maybe", "explain"), ("/v1/predict?explian=true", "explian")] {
        assert_eq!(server.post(path, r#"{"text": "a"}"#).await.problem(422), [field]);
    }
}

#[tokio::test]
async fn older_clients_find_their_shape() {
    let server = Server::new(local()).await;
    let told = server.post("/predict", r#"{"text": "Great service"}"#).await.json();
    let keys: Vec<&String> = told.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["sentiment", "confidence", "text"]);
    let of_form = server.form("/predict", "Review=Great+service").await.json();
    assert_eq!(of_form, told);
    assert_eq!(server.post("/predict", r#"{"Review": "x"}"#).await.problem(422), ["text"]);
    assert_eq!(server.form("/predict", "text=x").await.problem(422), ["Review"]);
}

#[tokio::test]
async fn the_description_is_openapi_3_1_and_complete() {
    let server = Server::new(local()).await;
    let described = server.get("/openapi.json").await.json();
    assert_eq!(described["openapi"], "3.1.0");
    let paths: BTreeSet<&str> = described["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let want = [
        "/healthz",
        "/metrics",
        "/predict",
        "/readyz",
        "/v1/hooks/{source}",
        "/v1/insights",
        "/v1/items",
        "/v1/jobs",
        "/v1/jobs/{id}",
        "/v1/jobs/{id}/cancel",
        "/v1/jobs/{id}/result",
        "/v1/audit",
        "/v1/datasets",
        "/v1/keys",
        "/v1/keys/{id}",
        "/v1/labelling",
        "/v1/labels",
        "/v1/models",
        "/v1/models/{name}",
        "/v1/models/{name}/promote",
        "/v1/models/{name}/rollback",
        "/v1/predict",
        "/v1/reports",
        "/v1/reports/agreement",
        "/v1/reports/{id}/review",
        "/v1/runs",
        "/v1/runs/compare",
        "/v1/runs/{run}",
    ];
    assert_eq!(paths, BTreeSet::from(want));
    let text = described.to_string();
    for at in text.match_indices("#/components/schemas/").map(|(at, found)| at + found.len()) {
        let name = text[at..].split('"').next().unwrap();
        assert!(described["components"]["schemas"][name].is_object(), "{name} is not described");
    }
    // One text's answer is not wrapped, and neither is a batch's.
    let answers = described["components"]["schemas"]["PredictResponse"].to_string();
    assert!(
        answers.contains("schemas/Prediction\"") && !answers.contains("\"required\":[\"One\"]"),
        "{answers}"
    );
    let problem = &described["paths"]["/v1/predict"]["post"]["responses"]["422"]["content"];
    assert!(problem["application/problem+json"]["schema"]["$ref"].as_str().unwrap().ends_with("/Problem"));
    // The pages that show it are here, and fetch nothing from elsewhere.
    let docs = server.get("/docs/").await;
    assert_eq!(docs.status, 200);
    assert!(!docs.text().contains("//cdn") && !docs.text().contains("https://"));
}

#[tokio::test]
async fn the_server_says_how_it_is() {
    let server = Server::new(local()).await;
    assert_eq!(server.get("/healthz").await.text(), "ok\n");
    assert!(server.get("/readyz").await.text().contains("sentiment@1"));
    server.post("/v1/predict", r#"{"text": "good"}"#).await;
    let metrics = server.get("/metrics").await;
    let wanted = "sentimeter_predictions_total{model=\"sentiment@1\",label=";
    assert!(metrics.text().contains(wanted), "{}", metrics.text());
    assert!(metrics.text().contains("sentimeter_request_seconds_bucket{route=\"/v1/predict\""));
}
