//! The page, without JavaScript.

use axum::body::Body;
use axum::http::header;

use crate::server::{Server, ask, csrf, local};

#[tokio::test]
async fn the_page_answers_a_plain_form() {
    let server = Server::new(local()).await;
    let empty = server.get("/").await;
    assert_eq!(empty.status, 200);
    assert!(empty.text().contains("<html lang=\"en\">") && empty.text().contains("name=\"example\""));
    let told = server.page_form("/", "text=Great+service%2C%0D%0Athank+you").await;
    let page = told.text();
    assert_eq!(told.status, 200);
    assert!(page.contains("<strong>Positive</strong>"), "{page}");
    assert!(page.contains("<mark class=\"for w"), "{page}");
    assert!(page.contains("thank you</textarea>") || page.contains("Great service,\nthank you</textarea>"));
    assert!(page.contains("name=\"prediction\""));
    assert!(!page.contains("style="), "the policy allows no inline styles");
    let thanks =
        server.page_form("/report?lang=fr", "text=Great+service&label=neutral&predicted=positive").await;
    assert_eq!(thanks.status, 201);
    assert!(thanks.text().contains("Merci."));
    let reports = server.store.corrections(&sentimeter_store::CorrectionFilter::default()).await.unwrap();
    assert_eq!((reports.len(), reports[0].source.as_str()), (1, "page"));
}

#[tokio::test]
async fn the_script_gets_the_part_that_changes() {
    let server = Server::new(local()).await;
    let token = csrf(server.get("/").await.text());
    let part = ask("POST", "/?lang=fr")
        .header("x-csrf-token", token)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("x-part", "1");
    let told = server.send(part.body(Body::from("text=%D8%AC%D9%8A%D8%AF")).unwrap()).await;
    assert!(!told.text().contains("<html") && told.text().contains("Probabilités"), "{}", told.text());
    assert!(told.text().contains("dir=\"auto\" lang=\"ar\""));
}

#[tokio::test]
async fn languages_and_faults_are_peoples_own() {
    let server = Server::new(local()).await;
    let french =
        ask("GET", "/").header(header::ACCEPT_LANGUAGE, "fr-CA, en;q=0.5").body(Body::empty()).unwrap();
    assert!(server.send(french).await.text().contains("<html lang=\"fr\">"));
    let long = format!("text={}", "x".repeat(20_001));
    let told = server.page_form("/", &long).await;
    assert_eq!(told.status, 422);
    assert!(told.text().contains("role=\"alert\""));
}

#[tokio::test]
async fn assets_are_kept_by_browsers_and_stay_in_their_folder() {
    let server = Server::new(local()).await;
    let style = server.get("/assets/app.css").await;
    assert_eq!(style.headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
    assert!(style.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    let again =
        ask("GET", "/assets/app.css").header(header::IF_NONE_MATCH, style.headers[header::ETAG].clone());
    assert_eq!(server.send(again.body(Body::empty()).unwrap()).await.status, 304);
    assert!(style.text().len() > 2000 && !style.text().contains("://"));
    let packed = ask("GET", "/assets/app.css").header(header::ACCEPT_ENCODING, "br");
    let packed = server.send(packed.body(Body::empty()).unwrap()).await;
    assert_eq!(packed.headers[header::CONTENT_ENCODING], "br");
    assert!(packed.body.len() < style.body.len());
}
