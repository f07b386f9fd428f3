//! `sentimeter serve` from its first start to its end, with `keys` and `audit`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::desk::{Desk, example};

/// A server that runs; killed when dropped.
pub(crate) struct Served {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// The first start's key.
    pub(crate) key: Option<String>,
    pub(crate) model: String,
}

impl Served {
    pub(crate) fn start(desk: &Desk, args: &[&str]) -> Self {
        Self::start_with(desk, args, &[], Stdio::inherit())
    }

    /// The same with more variables, and with its log going elsewhere.
    pub(crate) fn start_with(desk: &Desk, args: &[&str], variables: &[(&str, &str)], log: Stdio) -> Self {
        let all = [&["serve", "--listen", "127.0.0.1:0", "--json"], args].concat();
        let mut command = desk.command(&all);
        command.envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut said = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            said += &line;
            if line == "}" {
                break;
            }
        }
        let said: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
        let string = |name: &str| said[name].as_str().map(str::to_owned);
        Self { child, url: string("url").unwrap(), key: string("admin_key"), model: string("model").unwrap() }
    }

    /// Sends a request; gives status and body.
    pub(crate) fn ask(&self, method: &str, path: &str, key: Option<&str>, body: &str) -> (u16, String) {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let key = key.map_or(String::new(), |key| format!("Authorization: Bearer {key}\r\n"));
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{key}\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).unwrap();
        let (head, body) = told.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {told:?}"));
        (head.split(' ').nth(1).unwrap().parse().unwrap(), whole(head, body))
    }

    /// The same from a server that may be killed meanwhile: `None` where no whole answer came.
    pub(crate) fn try_ask(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: &str,
    ) -> Option<(u16, String)> {
        let address = self.url.strip_prefix("http://")?;
        let mut stream = TcpStream::connect(address).ok()?;
        let key = key.map_or(String::new(), |key| format!("Authorization: Bearer {key}\r\n"));
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{key}\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .ok()?;
        let mut told = String::new();
        stream.read_to_string(&mut told).ok()?;
        let (head, body) = told.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// Memory that it holds now, in MiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    }

    /// What it has written to its log, which must be a pipe, up to its end.
    pub(crate) fn log(&mut self) -> std::process::ChildStderr {
        self.child.stderr.take().unwrap()
    }

    /// Sends SIGKILL.
    pub(crate) fn kill(&self) {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    }

    pub(crate) fn predict(&self, text: &str) -> Value {
        let body = serde_json::json!({ "text": text }).to_string();
        let (status, told) = self.ask("POST", "/v1/predict", None, &body);
        assert_eq!(status, 200, "{told}");
        serde_json::from_str(&told).unwrap()
    }

    /// Sends SIGTERM; gives the status that it ends with.
    pub(crate) fn end(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The body without its chunks' sizes, where it came in chunks.
fn whole(head: &str, body: &str) -> String {
    if !head.to_lowercase().contains("\r\ntransfer-encoding: chunked") {
        return body.to_owned();
    }
    let (mut whole, mut rest) = (String::new(), body);
    while let Some((size, next)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole += &next[..size];
        rest = next[size..].strip_prefix("\r\n").unwrap();
    }
    whole
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_server_from_its_first_start_to_its_end() {
    let desk = Desk::with_model();
    let served = Served::start(&desk, &[]);
    let key = served.key.clone().expect("the first start makes a key");
    let answer = served.predict("thank you so much");
    let offline = desk.run(&["predict", "--json", "thank you so much"]).ok().json();
    assert_eq!(answer["probabilities"], offline["predictions"][0]["probabilities"]);
    assert_eq!(answer["model"], served.model.as_str());
    // Whatever was answered is recorded by the time that it has ended.
    let report = serde_json::json!({"text": "not bad", "label": "positive"}).to_string();
    assert_eq!(served.ask("POST", "/v1/reports", None, &report).0, 201);
    assert_eq!(served.ask("GET", "/v1/reports", None, "").0, 401);
    let (status, reports) = served.ask("GET", "/v1/reports", Some(&key), "");
    assert!(status == 200 && reports.contains("not bad"), "{reports}");
    assert_eq!(served.end(), Some(0));

    // The second start finds everything, and makes no other key.
    let served = Served::start(&desk, &[]);
    assert_eq!(served.key, None);
    let reported =
        serde_json::json!({"prediction_id": answer["prediction_id"], "label": "negative", "text": "x"});
    assert_eq!(served.ask("POST", "/v1/reports", None, &reported.to_string()).0, 201);
    let (_, reports) = served.ask("GET", "/v1/reports", Some(&key), "");
    let reports: Value = serde_json::from_str(&reports).unwrap();
    assert_eq!(reports["reports"][1]["predicted"], answer["sentiment"], "the prediction was not recorded");
    assert_eq!(served.end(), Some(0));
}

#[test]
fn a_model_that_is_trained_anew_takes_over_by_itself() {
    let desk = Desk::with_model();
    let served = Served::start(&desk, &[]);
    assert_eq!(served.predict("good")["model"], served.model.as_str());
    desk.train(&["--data", &example("feedback.csv"), "--quiet", "--set", "seed=99"]).ok();
    let begun = Instant::now();
    let name = loop {
        let name = served.predict("good")["model"].as_str().unwrap().to_owned();
        if name != served.model {
            break name;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "the old model goes on answering");
        std::thread::sleep(Duration::from_millis(100));
    };
    // A file that is no model changes nothing.
    desk.put("home/models/sentiment.safetensors", "no model");
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(served.predict("good")["model"], name.as_str());
    assert_eq!(served.end(), Some(0));
    let log = desk.run(&["audit", "export"]).ok();
    assert!(log.out.lines().any(|line| line.contains("swap-model") && line.contains(&name)), "{log}");
}

#[test]
fn keys_are_made_shown_once_and_revoked_and_the_log_tells() {
    let desk = Desk::with_model();
    let made = desk.run(&["keys", "create", "till", "--role", "reviewer", "--json"]).ok().json();
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let list = desk.run(&["keys", "list"]).ok();
    assert!(list.out.contains(id) && list.out.contains("reviewer") && !list.out.contains(secret), "{list}");
    let served = Served::start(&desk, &[]);
    assert_eq!(served.key, None, "there was a key already");
    assert_eq!(served.ask("GET", "/v1/reports", Some(secret), "").0, 200);
    desk.run(&["keys", "revoke", "till"]).ok();
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(served.ask("GET", "/v1/reports", Some(secret), "").0, 401);
    assert_eq!(served.end(), Some(0));
    desk.run(&["keys", "revoke", "till"]).ends(1).tells(&["no key \"till\""]);
    desk.run(&["keys", "create", "x", "--role", "owner"]).ends(2).tells(&["choose predict"]);

    let whole = desk.run(&["audit", "verify", "--json"]).ok().json();
    assert_eq!((whole["entries"].as_i64(), &whole["fault"]), (Some(2), &Value::Null));
    let head = whole["head"].as_str().unwrap();
    desk.run(&["audit", "verify", "--head", head]).ok().prints(&["2 entries", head]);
    desk.run(&["audit", "verify", "--head", &"0".repeat(64)]).ends(1).tells(&["another log"]);
    // Nothing secret lies in the home.
    let bytes = std::fs::read(desk.path("home/sentimeter.db")).unwrap();
    assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
}

#[test]
fn the_model_that_is_built_in_answers_until_there_is_a_champion() {
    let desk = Desk::new();
    let named = Served::start(&desk, &["--model", "starter"]);
    let served = Served::start(&desk, &[]);
    assert_eq!(named.model, served.model);
    assert!(served.model.starts_with("starter@"), "{}", served.model);
    let answer = served.predict("Le service était nul");
    assert_eq!((answer["sentiment"].as_str(), answer["language"].as_str()), (Some("negative"), Some("fr")));
    desk.train(&["--data", &example("feedback.csv"), "--register", "sentiment"]).ok();
    desk.run(&["models", "promote", "sentiment@1"]).ok();
    let start = Instant::now();
    while served.predict("hello")["model"] != "sentiment@1" {
        assert!(start.elapsed() < Duration::from_secs(60), "the champion does not answer");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(named.predict("hello")["model"], named.model, "who names the starter keeps it");
}

#[test]
fn the_log_is_one_object_a_line_with_the_requests_id_and_no_text() {
    let desk = Desk::new();
    let args =
        ["-v", "serve", "--listen", "127.0.0.1:0", "--json", "--log-format", "json", "--model", "starter"];
    let mut child = desk.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let said: Vec<String> = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .take_while(|line| line != "}")
        .collect();
    let url = said.iter().find_map(|line| line.trim().strip_prefix("\"url\": \"")).unwrap().to_owned();
    let served =
        Served { child, url: url.trim_end_matches("\",").to_owned(), key: None, model: String::new() };
    served.predict("a text that goes to no log");
    // The header of the key, and one more.
    let (status, _) = served.ask("GET", "/v1/models/none", Some("smk_x\r\nX-Request-Id: my-request-7"), "");
    assert_eq!(status, 401);
    let mut served = served;
    let log = served.child.stderr.take().unwrap();
    assert_eq!(served.end(), Some(0));
    let mut whole = String::new();
    BufReader::new(log).read_to_string(&mut whole).unwrap();
    let entries: Vec<Value> = whole.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let one = entries.iter().find(|entry| entry["id"] == "my-request-7").unwrap_or_else(|| panic!("{whole}"));
    assert_eq!((&one["status"], &one["route"]), (&Value::from(401), &Value::from("/v1/models/{name}")));
    assert!(!whole.contains("goes to no log"), "{whole}");
}

#[test]
fn many_first_starts_at_once_make_one_key() {
    let desk = Desk::new();
    let served: Vec<Served> = std::thread::scope(|scope| {
        let starting: Vec<_> =
            (0..3).map(|_| scope.spawn(|| Served::start(&desk, &["--model", "starter"]))).collect();
        starting.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let keys: Vec<&String> = served.iter().filter_map(|one| one.key.as_ref()).collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
    // It opens all of them.
    for one in &served {
        assert_eq!(one.ask("GET", "/v1/keys", Some(keys[0]), "").0, 200);
    }
}

#[test]
fn what_stands_against_a_start_is_said() {
    let desk = Desk::new();
    desk.run(&["serve", "--listen", "127.0.0.1:0", "--model", "sentiment@9"]).ends(1).tells(&["sentiment@9"]);
    desk.run(&["serve", "--listen", "here"]).ends(2);
    desk.run(&["serve", "--trusted-proxy", "10.0.0.0/33"]).ends(2).tells(&["10.0.0.0/8"]);
    desk.run(&["serve", "--otlp", "localhost:4317"]).ends(2).tells(&["http://127.0.0.1:4318"]);
    desk.run(&["serve", "--cors", "desk.example/x"]).ends(2).tells(&["https://desk.example"]);
    desk.run(&["serve", "--tls-cert", "cert.pem"]).ends(2).tells(&["--tls-key"]);
    let tls = ["serve", "--listen", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    desk.run(&tls).ends(1).tells(&["cert.pem"]);
    desk.put("cert.pem", "no certificate");
    desk.run(&tls).ends(1).tells(&["cert.pem"]);
    let desk = Desk::with_model();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    desk.run(&["serve", "--listen", &address]).ends(1).tells(&[&address, "--listen"]);
}
