//! Answers that a server may give, and what becomes of them. A stub gives them; `real.rs` asks MLflow itself.
#![allow(clippy::unwrap_used)]

mod stub;

use std::time::{Duration, Instant};

use sentimeter_mlflow::wire::{NewRun, Pair, Status};
use sentimeter_mlflow::{Batch, Client, Halt, MlflowError, Settings, Verdict};
use stub::{Answer, Stub};

/// A client of the server at `uri`, with the variables given; it waits for milliseconds where it would for
/// seconds.
fn client(uri: &str, set: &[(&str, &str)]) -> Client {
    let usual = [
        ("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0.01"),
        ("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "0"),
        ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3"),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "30"),
    ];
    let get = |name: &str| {
        let found = set.iter().chain(&usual).find(|(n, _)| *n == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let settings = Settings::read(Some(uri), &get, None).unwrap().unwrap();
    Client::new(&settings, Halt::default()).unwrap()
}

const JSON: &str = "Content-Type: application/json\r\n";

fn new_run() -> NewRun {
    let tags = vec![Pair::new("sentimeter.run", "r1")];
    NewRun { experiment_id: "1".to_owned(), run_name: "r".to_owned(), start_time: 1, tags }
}

fn log(client: &Client) -> Result<(), MlflowError> {
    client.log("r", Batch { params: vec![Pair::new("c", "1")], ..Batch::default() })
}

/// One logging call against a server that always gives this answer: how it ended, and how often it was asked.
fn against(answer: Answer) -> (MlflowError, usize) {
    let stub = Stub::start(move |_, _| answer.clone());
    let error = log(&client(&stub.uri(), &[])).unwrap_err();
    (error, stub.seen().len())
}

#[test]
fn troubles_that_pass_are_waited_for() {
    for status in ["429 Too Many Requests", "500 Oops", "502 Bad Gateway", "503 Unavailable", "504 Slow"] {
        let stub = Stub::start(move |_, count| match count {
            1 | 2 => Some((status, "", "<html><h1>not now</h1></html>".to_owned())),
            _ => Some(("200 OK", JSON, "{}".to_owned())),
        });
        log(&client(&stub.uri(), &[])).unwrap();
        assert_eq!(stub.seen().len(), 3, "{status}");
    }
    let (error, asked) = against(Some(("503 Unavailable", "", "<html><h1>not  now</h1></html>".to_owned())));
    assert_eq!(asked, 4, "one try and three more");
    assert_eq!(error.verdict(), Verdict::Later);
    assert!(error.to_string().ends_with("runs/log-batch: the MLflow server answers 503: not now"), "{error}");
}

#[test]
fn a_server_says_how_long_to_wait() {
    let stub = Stub::start(|_, count| match count {
        1 => Some(("429 Too Many Requests", "Retry-After: 1\r\n", String::new())),
        _ => Some(("200 OK", JSON, "{}".to_owned())),
    });
    let started = Instant::now();
    log(&client(&stub.uri(), &[])).unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
}

#[test]
fn who_waits_can_be_called_off() {
    let stub = Stub::start(|_, _| Some(("503 Unavailable", "Retry-After: 100\r\n", String::new())));
    let halt = Halt::default();
    let settings = Settings::read(Some(&stub.uri()), &|_| None, None).unwrap().unwrap();
    let client = Client::new(&settings, halt.clone()).unwrap();
    let started = Instant::now();
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| log(&client));
        while stub.seen().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        halt.wish();
        assert_eq!(sending.join().unwrap().unwrap_err().verdict(), Verdict::Later);
    });
    assert!(started.elapsed() < Duration::from_secs(50));
}

#[test]
fn what_cannot_be_mended_by_waiting_is_asked_once() {
    let refused = r#"{"error_code":"INVALID_PARAMETER_VALUE","message":"no"}"#.to_owned();
    for (answer, verdict, says) in [
        (("400 Bad Request", JSON, refused), Verdict::Never, "answers 400 INVALID_PARAMETER_VALUE: no"),
        (
            ("401 Unauthorized", "", "You are not authenticated.".to_owned()),
            Verdict::Barred,
            "MLFLOW_TRACKING_USERNAME",
        ),
        (
            ("403 Forbidden", "", "Invalid Host header - possible DNS rebinding attack detected".to_owned()),
            Verdict::Barred,
            "rebinding",
        ),
        (
            ("302 Found", "Location: https://sso.example/login\r\n", String::new()),
            Verdict::Barred,
            "moved to https://sso.example/login",
        ),
        (("404 Not Found", "", "<h1>Not Found</h1>".to_owned()), Verdict::Lacking, "answers 404: Not Found"),
        (
            ("501 Not Implemented", JSON, r#"{"error_code":"NOT_IMPLEMENTED","message":""}"#.to_owned()),
            Verdict::Lacking,
            "501 NOT_IMPLEMENTED",
        ),
        (
            ("200 OK", "", "<html><title>Sign in</title></html>".to_owned()),
            Verdict::Barred,
            "a page: Sign in",
        ),
        (("200 OK", JSON, "{\"a\":".to_owned()), Verdict::Barred, "not MLflow's"),
    ] {
        let status = answer.0;
        let (error, asked) = against(Some(answer));
        assert_eq!((error.verdict(), asked), (verdict, 1), "{status}: {error}");
        assert!(error.to_string().contains(says), "{status}: {error}");
    }
}

#[test]
fn a_server_that_hangs_or_is_not_there_is_later() {
    let stub = Stub::start(|_, _| None);
    let impatient = [("MLFLOW_HTTP_REQUEST_TIMEOUT", "0.3"), ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")];
    let error = log(&client(&stub.uri(), &impatient)).unwrap_err();
    assert_eq!((error.verdict(), stub.seen().len()), (Verdict::Later, 2), "{error}");
    assert!(error.to_string().contains("no answer in time"), "{error}");

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = log(&client(&format!("http://{nobody}"), &impatient)).unwrap_err();
    assert_eq!(error.verdict(), Verdict::Later);
    assert!(
        error.to_string().contains("refused") && error.to_string().contains(&nobody.to_string()),
        "{error}"
    );
}

#[test]
fn a_run_is_never_asked_for_twice_in_one_breath() {
    let stub = Stub::start(|_, _| Some(("503 Unavailable", "", String::new())));
    let error = client(&stub.uri(), &[]).create_run(&new_run()).unwrap_err();
    assert_eq!((error.verdict(), stub.seen().len()), (Verdict::Later, 1));
}

#[test]
fn requests_keep_the_path_in_front_and_show_their_key() {
    let stub = Stub::start(|_, _| Some(("200 OK", JSON, "{}".to_owned())));
    let uri = format!("{}/ann/repo.mlflow/", stub.uri());
    let basic = [
        ("MLFLOW_TRACKING_USERNAME", "ann"),
        ("MLFLOW_TRACKING_PASSWORD", "pass"),
        ("MLFLOW_TRACKING_TOKEN", "t"),
    ];
    log(&client(&uri, &basic)).unwrap();
    log(&client(&uri, &[("MLFLOW_TRACKING_TOKEN", "t"), ("MLFLOW_WORKSPACE", "team")])).unwrap();
    client(&uri, &[]).update_run("r", Status::Finished, Some(5)).unwrap();
    let place = client(&uri, &[]).artifacts("mlflow-artifacts:/1/r/artifacts").unwrap();
    place.put_bytes("plots/été.png", b"png").unwrap();
    let seen = stub.seen();
    assert_eq!(seen[0].line, "POST /ann/repo.mlflow/api/2.0/mlflow/runs/log-batch");
    assert_eq!(seen[0].header("authorization"), Some("Basic YW5uOnBhc3M="));
    assert_eq!(seen[0].header("content-type"), Some("application/json"));
    assert_eq!(seen[0].body, r#"{"run_id":"r","params":[{"key":"c","value":"1"}]}"#);
    assert_eq!(seen[1].header("authorization"), Some("Bearer t"));
    assert_eq!(seen[1].header("x-mlflow-workspace"), Some("team"));
    assert_eq!(seen[2].header("authorization"), None);
    assert_eq!(seen[2].body, r#"{"run_id":"r","status":"FINISHED","end_time":5}"#);
    assert_eq!(
        seen[3].line,
        "PUT /ann/repo.mlflow/api/2.0/mlflow-artifacts/artifacts/1/r/artifacts/plots/%C3%A9t%C3%A9.png"
    );
    assert_eq!((seen[3].body.as_str(), seen[3].header("content-length")), ("png", Some("3")));
}

#[test]
fn limits_follow_what_the_server_says_it_is() {
    for (status, version, param) in [
        ("200 OK", "3.17.2", 6000),
        ("200 OK", "2.7.1", 500),
        ("404 Not Found", "", 500),
        ("200 OK", "<html>", 500),
    ] {
        let stub = Stub::start(move |_, _| Some((status, "", version.to_owned())));
        let client = client(&stub.uri(), &[]);
        assert_eq!((client.limits().param, client.limits().param), (param, param), "{version}");
        assert_eq!(stub.seen().len(), 1, "asked once");
    }
}
