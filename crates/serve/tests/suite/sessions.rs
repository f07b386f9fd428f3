//! Browsers that sign in: cookies, expiry, forged requests, keys guessed at speed, proxies.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use sentimeter_serve::Settings;
use sentimeter_store::Role;
use serde_json::Value;

use crate::server::{Server, ask, csrf, local};

#[tokio::test]
async fn a_key_opens_a_session_that_ends_when_it_is_told_to() {
    let server = Server::new(Settings::default()).await;
    // A person is shown the way in, a program the status.
    let person = ask("GET", "/").header(header::ACCEPT, "text/html").body(Body::empty()).unwrap();
    let shown = server.send(person).await;
    assert_eq!(
        (shown.status.as_u16(), &shown.headers[header::LOCATION]),
        (303, &"/sign-in?next=/".parse().unwrap())
    );
    server.get("/").await.problem(401);

    let (_, secret) = server.store.create_key("eve", Role::Reviewer, "test").await.unwrap();
    let refused = server.page_form("/sign-in", "key=smk_nothing&next=/data").await;
    assert_eq!(refused.status, 401);
    assert!(refused.text().contains("role=\"alert\"") && refused.text().contains("value=\"/data\""));
    assert!(!refused.headers.contains_key(header::SET_COOKIE));
    let told = server.page_form("/sign-in?lang=fr", &format!("key={secret}&next=//evil.example")).await;
    assert_eq!((told.status.as_u16(), &told.headers[header::LOCATION]), (303, &"/?lang=fr".parse().unwrap()));
    let set = told.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    for want in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(set.contains(want), "{set}");
    }
    assert!(!set.contains(&secret) && !set.contains("Secure"), "plain HTTP: {set}");
    let cookie = told.cookie();
    let page = server.get_as("/", &cookie).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("eve") && page.text().contains("action=\"/sign-out\""), "{}", page.text());

    // Reading by the interface is open to the session; changing wants the token that only our pages know.
    let list = ask("GET", "/v1/reports").header(header::COOKIE, &cookie).body(Body::empty()).unwrap();
    assert_eq!(server.send(list).await.status, 200);
    let token = csrf(page.text());
    for (token, status) in [(None, 401), (Some("f".repeat(64)), 401), (Some(token), 201)] {
        let mut change = ask("POST", "/v1/reports")
            .header(header::COOKIE, &cookie)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            change = change.header("x-csrf-token", token);
        }
        let change = change.body(Body::from(r#"{"text": "good", "label": "negative"}"#)).unwrap();
        assert_eq!(server.send(change).await.status, status);
    }
    let out = server.send_as("/sign-out", "", &cookie).await;
    assert_eq!(out.status, 303);
    assert!(out.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(server.get_as("/", &cookie).await.status, 303, "the old cookie opens nothing");

    let log = server.store.audit_entries(0).await.unwrap();
    let told: Vec<&str> = log.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(told, ["create-key", "sign-in-refused", "sign-in", "sign-out"]);
    let address: Value = serde_json::from_str(&log[1].detail).unwrap();
    assert_eq!(address["address"], "::1");
    assert!(log.iter().all(|entry| !entry.detail.contains("smk_")));
}

#[tokio::test]
async fn expired_forged_and_revoked_sessions_open_nothing() {
    let short = Settings { session_idle: Duration::from_millis(400), ..Settings::default() };
    let server = Server::new(short).await;
    let cookie = server.signed_in("eve", Role::Admin).await;
    // In use, it lives on.
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert_eq!(server.get_as("/", &cookie).await.status, 200);
        // What is remembered is looked up anew every two seconds; here it must not help.
    }
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(server.get_as("/", &cookie).await.status, 303, "idle too long");

    let server =
        Server::new(Settings { session_most: Duration::from_millis(300), ..Settings::default() }).await;
    let cookie = server.signed_in("eve", Role::Admin).await;
    assert_eq!(server.get_as("/", &cookie).await.status, 200);
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(server.get_as("/", &cookie).await.status, 303, "too old");

    let server = Server::new(Settings::default()).await;
    let cookie = server.signed_in("eve", Role::Admin).await;
    let (name, token) = cookie.split_once('=').unwrap();
    let flipped = format!("{}{}", if token.starts_with('0') { '1' } else { '0' }, &token[1..]);
    for forged in [
        format!("{name}={flipped}"),
        format!("{name}={}", "0".repeat(64)),
        format!("{name}="),
        format!("{name}={token}; {name}={flipped}"),
        format!("{name}=' OR 1=1 --"),
        format!("{name}=smk_{token}"),
    ] {
        assert_eq!(server.get_as("/", &forged).await.status, 303, "{forged}");
    }
    // A token of another session, or of none, does not fit.
    let other = server.signed_in("bob", Role::Admin).await;
    let bobs = csrf(server.get_as("/", &other).await.text());
    let nobodys = csrf(server.get("/sign-in").await.text());
    for token in [bobs.as_str(), nobodys.as_str(), "", "x"] {
        let request = ask("POST", "/report")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::COOKIE, &cookie);
        let form = format!("csrf={token}&text=good&label=negative");
        assert_eq!(server.send(request.body(Body::from(form)).unwrap()).await.status, 403, "{token}");
    }
    let keys = server.store.keys().await.unwrap();
    server.store.revoke_key(&keys[0].id, "test").await.unwrap();
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(server.get_as("/", &cookie).await.status, 303, "its key is revoked");
}

#[tokio::test]
async fn keys_guessed_at_speed_are_refused_before_they_are_looked_up() {
    let server = Server::new(Settings::default()).await;
    let (_, secret) = server.store.create_key("till", Role::Predict, "test").await.unwrap();
    let body = r#"{"text": "good"}"#;
    assert_eq!(server.post_as("/v1/predict", body, Some(&secret)).await.status, 200);
    let (mut unknown, mut slowed) = (0, 0);
    for n in 0..40 {
        let told = server.post_as("/v1/predict", body, Some(&format!("smk_{n:064x}"))).await;
        match told.status.as_u16() {
            401 => unknown += 1,
            429 => {
                told.problem(429);
                let wait: u64 = told.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
                assert!((1..=6).contains(&wait), "{wait}");
                slowed += 1;
            }
            other => panic!("{other}"),
        }
    }
    assert!(unknown <= 10 && slowed >= 29, "{unknown} looked up, {slowed} slowed");
    // Signing in counts with them, and says so in a sentence.
    let told = server.page_form("/sign-in", "key=smk_x").await;
    assert_eq!(told.status, 429);
    assert!(told.text().contains("Too many attempts"), "{}", told.text());
    assert!(told.headers.contains_key(header::RETRY_AFTER));
    // Whoever is known goes on.
    assert_eq!(server.post_as("/v1/predict", body, Some(&secret)).await.status, 200);
    let refused = server.store.audit_entries(0).await.unwrap();
    assert!(refused.len() < 5, "the log is not filled by guessing");
}

#[tokio::test]
async fn nobody_asks_more_often_than_the_rate() {
    let server = Server::new(Settings { rate: NonZeroU32::new(5), ..local() }).await;
    let (mut told, begun) = (Vec::new(), std::time::Instant::now());
    for _ in 0..40 {
        told.push(server.post("/v1/predict", r#"{"text": "good"}"#).await.status.as_u16());
    }
    assert!(told[..5].iter().all(|status| *status == 200), "{told:?}");
    // On a machine that is busy, the forty take a while.
    let may = 5 + (begun.elapsed().as_secs_f64() * 5.0).ceil() as usize;
    assert!(told.iter().filter(|status| **status == 200).count() <= may, "{told:?}");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(server.post("/v1/predict", r#"{"text": "good"}"#).await.status, 200);
}

#[tokio::test]
async fn behind_a_proxy_everybody_has_a_limit_of_their_own_and_cookies_are_secure() {
    let proxies = vec!["127.0.0.1".parse().unwrap()];
    let server = Server::new(Settings { proxies, rate: NonZeroU32::new(3), ..local() }).await;
    let mut listening = server.listen().await;
    let get = |forwarded: &str| {
        format!(
            "GET /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Forwarded-For: {forwarded}\r\n\r\n"
        )
    };
    for n in 0..10 {
        let told = listening.raw(get(&format!("198.51.100.{n}")).as_bytes()).await;
        assert!(told.starts_with("HTTP/1.1 200"), "{told:.200}");
        assert!(told.contains("strict-transport-security"), "{told:.900}");
    }
    // What the client itself wrote in front changes nothing.
    let mut refused = 0;
    for n in 0..10 {
        let told = listening.raw(get(&format!("203.0.113.{n}, 198.51.100.77")).as_bytes()).await;
        refused += usize::from(told.starts_with("HTTP/1.1 429"));
    }
    assert!(refused >= 5, "{refused}");
    let token = csrf(server.get("/sign-in").await.text());
    let (_, secret) = server.store.create_key("eve", Role::Admin, "test").await.unwrap();
    let form = format!("csrf={token}&key={secret}");
    let post = format!(
        "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.9\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let told = listening.raw(post.as_bytes()).await;
    assert!(told.contains("__Host-sentimeter=") && told.contains("; Secure"), "{told:.900}");
    let log = server.store.audit_entries(0).await.unwrap();
    assert!(log.last().unwrap().detail.contains("192.0.2.9"), "{log:?}");
    listening.stop();
    listening.ended().await.unwrap();
}

#[tokio::test]
async fn other_sites_read_nothing_unless_one_is_named() {
    let server = Server::new(Settings { cors: Some("https://desk.example".to_owned()), ..local() }).await;
    let predict = |origin: &str| {
        let post = ask("POST", "/v1/predict").header(header::CONTENT_TYPE, "application/json");
        post.header(header::ORIGIN, origin).body(Body::from(r#"{"text": "good"}"#)).unwrap()
    };
    let named = server.send(predict("https://desk.example")).await;
    assert_eq!(named.status, 200);
    assert_eq!(named.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://desk.example");
    assert!(!named.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    let other = server.send(predict("https://evil.example")).await;
    assert_eq!(other.status, 403);
    assert!(!other.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    let preflight = ask("OPTIONS", "/v1/predict").header(header::ORIGIN, "https://desk.example");
    let preflight = server.send(preflight.body(Body::empty()).unwrap()).await;
    assert_eq!(preflight.status, 204);
    assert!(
        preflight.headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().contains("authorization")
    );
    // Its pages send no form here.
    let form = ask("POST", "/report").header(header::ORIGIN, "https://desk.example");
    let form = form.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    server.send(form.body(Body::from("text=a&label=negative")).unwrap()).await.problem(403);
    let off = Server::new(local()).await;
    let refused = off.send(predict("https://desk.example")).await;
    assert_eq!(refused.status, 403);
    assert!(!refused.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
}
