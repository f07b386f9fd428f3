//! The pages Batch and Insights, without JavaScript.

use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use sentimeter_store::{DAY, Item, Role, now};

use crate::insights::{item, story};
use crate::server::{Server, Told, ask, csrf, local};

async fn page(server: &Server, path: &str, key: Option<&str>) -> Told {
    let mut request = ask("GET", path).header(header::ACCEPT, "text/html");
    if let Some(key) = key {
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    server.send(request.body(Body::empty()).unwrap()).await
}

async fn give(server: &Server, name: &str, file: &str) -> Told {
    let token = csrf(page(server, "/batch", None).await.text());
    let form = format!(
        "--XX\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{file}\r\n--XX--\r\n"
    );
    let request = ask("POST", "/batch").header(header::CONTENT_TYPE, "multipart/form-data; boundary=XX");
    server.send(request.header("origin", "http://localhost:8080").body(Body::from(form)).unwrap()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_dropped_mapped_watched_and_summed_up() {
    let server = Server::new(local()).await;
    let empty = page(&server, "/batch?lang=fr", None).await;
    assert!(empty.status == 200 && empty.text().contains("Analyser tout un fichier"), "{}", empty.text());
    let mut file = "avis,quand,lieu,langue\n".to_owned();
    for n in 0..40 {
        let words = ["good service", "bad food", "<script>alert(1)</script> nul", "خدمة سيئة"][n % 4];
        file += &format!(
            "{words} {n},2026-10-{:02},{},{}\n",
            n % 20 + 1,
            ["nord", "sud"][n % 2],
            ["en", "ar"][n % 2]
        );
    }
    let sent = give(&server, "<b>été.csv", &file).await;
    assert_eq!(sent.status, 303, "{}", sent.text());
    let place = sent.headers[header::LOCATION].to_str().unwrap().to_owned();
    let draft = page(&server, &place, None).await;
    let text = draft.text();
    assert!(text.contains("<option selected>avis</option>"), "{text}");
    assert!(
        text.contains("&#60;b&#62;été.csv") && !text.contains("<script>alert"),
        "a name or a cell is not escaped"
    );
    assert!(!text.contains("name=\"items\""), "without a key nothing is kept");
    assert!(!text.contains("style="), "the policy allows no inline styles");
    // Another column than there is.
    let wrong = server.page_form(&place, "action=start&text=nothing").await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.text().contains("role=\"alert\"")),
        (422, true),
        "{}",
        wrong.text()
    );
    let started =
        server.page_form(&place, "action=start&text=avis&time=quand&channel=lieu&language=langue").await;
    assert_eq!(started.status, 303, "{}", started.text());
    let over = loop {
        let shown = page(&server, &place, None).await;
        if !shown.text().contains("http-equiv=\"refresh\"") {
            break shown;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let text = over.text();
    for wanted in [
        "By channel",
        "nord",
        "sud",
        "By language",
        "Arabic",
        "Over time",
        "40 rows scored",
        "/result?format=csv",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is missing: {text}");
    }
    assert!(!text.contains("style=") && !text.contains("<script"));
    let csv = server
        .get(
            text.split("href=\"/v1/jobs")
                .nth(1)
                .map(|rest| format!("/v1/jobs{}", rest.split('"').next().unwrap()))
                .unwrap()
                .as_str(),
        )
        .await;
    assert_eq!(csv.text().lines().count(), 41);
    assert_eq!(server.page_form(&place, "action=remove").await.headers[header::LOCATION], "/batch");
    assert_eq!(page(&server, &place, None).await.status, 404);
    // What is no file is said, and nothing is kept of it.
    let nothing = give(&server, "a.csv", "").await;
    assert_eq!((nothing.status.as_u16(), nothing.text().contains("role=\"alert\"")), (422, true));
    // From a page elsewhere nothing comes in.
    let form =
        "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nx\r\n--XX--\r\n";
    let foreign = ask("POST", "/batch").header(header::CONTENT_TYPE, "multipart/form-data; boundary=XX");
    server
        .send(foreign.header("origin", "http://evil.example").body(Body::from(form)).unwrap())
        .await
        .problem(403);
}

#[tokio::test]
async fn a_file_comes_in_by_a_form_of_ours_alone() {
    let server = Server::new(local()).await;
    let cookie = server.signed_in("ann", Role::Predict).await;
    let own = csrf(server.get_as("/batch", &cookie).await.text());
    let nobodys = csrf(page(&server, "/batch", None).await.text());
    assert_ne!(own, nobodys);
    let field = |name: &str, value: &str| {
        format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let file =
        "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\ntext\r\ngood\r\n";
    let send = async |parts: &[&str]| {
        let form = format!("{}--XX--\r\n", parts.concat());
        let request = ask("POST", "/batch?lang=fr")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=XX")
            .header(header::COOKIE, &cookie)
            .header(header::ACCEPT, "text/html");
        server.send(request.body(Body::from(form)).unwrap()).await
    };
    let forged = [
        String::new(),
        field("csrf", ""),
        field("csrf", &"0".repeat(64)),
        // Of a visitor without a session, as anybody may fetch it.
        field("csrf", &nobodys),
        field("csrf", &own.repeat(1000)),
        field("token", &own),
    ];
    for proof in &forged {
        let told = send(&[proof, file]).await;
        assert_eq!(told.status, 403, "{proof:.90}");
        assert!(told.text().contains("Cette page est restée ouverte"), "{}", told.text());
    }
    // Too late: what stands before it would have been taken in.
    assert_eq!(send(&[file, &field("csrf", &own)]).await.status, 403);
    let raw = ask("POST", "/batch").header(header::CONTENT_TYPE, "text/csv").header(header::COOKIE, &cookie);
    assert_eq!(server.send(raw.body(Body::from("text\ngood\n")).unwrap()).await.status, 415);
    assert!(server.store.jobs(None, 10).await.unwrap().is_empty());
    let left = std::fs::read_dir(server.home().join("jobs")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "nothing of it was written");
    assert_eq!(send(&[&field("csrf", &own), file]).await.status, 303);
    assert_eq!(server.store.jobs(None, 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn insights_show_what_stands_out_and_lead_to_the_texts() {
    let server = Server::new(local()).await;
    // Whoever is unknown is shown where to sign in.
    let unknown = page(&server, "/insights", None).await;
    assert_eq!(unknown.status, 303);
    assert!(unknown.headers[header::LOCATION].to_str().unwrap().starts_with("/sign-in?next=/insights"));
    let predict = server.key(Role::Predict).await;
    assert_eq!(page(&server, "/insights", Some(&predict)).await.status, 403);
    let key = server.key(Role::Analyst).await;
    let empty = page(&server, "/insights", Some(&key)).await;
    assert!(
        empty.text().contains("No feedback yet") && empty.text().contains("/v1/items"),
        "{}",
        empty.text()
    );
    let first = now() / DAY - 60;
    server.store.add_items(&story(1, first)).await.unwrap();
    let hostile = Item {
        language: "ar".to_owned(),
        ..item(9999, (first + 50) * DAY, "negative", "\"><script>", "<img src=x onerror=alert(1)> سيئ")
    };
    server.store.add_items(&[hostile]).await.unwrap();
    let told = page(&server, "/insights?by=day", Some(&key)).await;
    let text = told.text();
    assert_eq!(told.status, 200);
    for wanted in ["Net sentiment", "checkout page", "class=\"chart\"", "What stands out", "ticket"] {
        assert!(text.contains(wanted), "{wanted:?} is missing: {text}");
    }
    assert!(!text.contains("<script") && !text.contains("<img") && !text.contains("style="));
    let arabic = page(&server, "/insights?language=ar", Some(&key)).await;
    let text_of = arabic.text();
    assert!(
        text_of.contains("dir=\"auto\" lang=\"ar\"") && text_of.contains("onerror=alert(1)&#62; سيئ"),
        "{text_of}"
    );
    assert!(!text_of.contains("<script") && !text_of.contains("<img"));
    // A bar leads to its texts, and the address says which.
    let to = text
        .split("class=\"events\"")
        .nth(1)
        .unwrap()
        .split("href=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let to = to.replace("&#38;", "&").replace("&amp;", "&");
    assert!(to.contains("from=") && to.ends_with("#texts"), "{to}");
    let day = page(&server, to.split('#').next().unwrap(), Some(&key)).await;
    assert!(day.text().contains("the checkout page crashes"), "{}", day.text());
    let words = page(&server, "/insights?q=checkout+crashes&sentiment=negative&lang=fr", Some(&key)).await;
    assert!(words.text().contains("<html lang=\"fr\">") && words.text().contains("Ce que disent les gens"));
    assert!(
        words.text().contains("the checkout page crashes")
            && !words.text().contains("lovely staff and quick answers, ")
    );
    let export = words.text().split("href=\"/v1/items").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let export = format!("/v1/items{}", export.replace("&#38;", "&").replace("&amp;", "&"));
    let csv = server.get_by(&export, &key).await;
    assert_eq!((csv.status.as_u16(), csv.text().lines().count()), (200, 151), "{export}");
    let wrong = page(&server, "/insights?from=soon", Some(&key)).await;
    assert_eq!((wrong.status.as_u16(), wrong.text().contains("role=\"alert\"")), (422, true));
}
