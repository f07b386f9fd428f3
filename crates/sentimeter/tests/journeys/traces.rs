//! Traces that go to an OpenTelemetry collector, here a small one of the test's own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;

use crate::desk::Desk;
use crate::serve::Served;

/// Takes spans over HTTP, for as long as the test runs.
struct Collector {
    url: String,
    taken: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let taken = Arc::<Mutex<Vec<_>>>::default();
        let to = taken.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let to = to.clone();
                std::thread::spawn(move || serve(stream.unwrap(), &to));
            }
        });
        Self { url, taken }
    }

    fn spans(&self) -> Vec<Span> {
        let taken = self.taken.lock().unwrap();
        let resources = taken.iter().flat_map(|request| &request.resource_spans);
        resources.flat_map(|one| &one.scope_spans).flat_map(|one| one.spans.clone()).collect()
    }

    /// Waits for the span of that name within a trace.
    #[track_caller]
    fn find(&self, trace: &str, name: &str) -> Span {
        let begun = Instant::now();
        loop {
            let spans = self.spans();
            if let Some(span) = spans.iter().find(|span| hex(&span.trace_id) == trace && span.name == name) {
                return span.clone();
            }
            let names: Vec<(String, &str)> =
                spans.iter().map(|span| (hex(&span.trace_id), span.name.as_str())).collect();
            assert!(begun.elapsed() < Duration::from_secs(30), "no {name} of {trace} in {names:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Answers one connection of the sender.
fn serve(stream: TcpStream, to: &Mutex<Vec<ExportTraceServiceRequest>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        assert!(line.starts_with("POST /v1/traces HTTP/1.1"), "{line}");
        loop {
            line.clear();
            reader.read_line(&mut line).unwrap();
            match line.trim_end().to_ascii_lowercase().split_once(": ") {
                None => break,
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(("content-type", value)) => assert_eq!(value, "application/x-protobuf"),
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        to.lock().unwrap().push(ExportTraceServiceRequest::decode(&body[..]).unwrap());
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(span: &Span, name: &str) -> Option<Value> {
    span.attributes.iter().find(|one| one.key == name)?.value.as_ref()?.value.clone()
}

fn string(value: &str) -> Option<Value> {
    Some(Value::StringValue(value.to_owned()))
}

/// Sends a request within a trace; gives the whole answer, head and body.
fn ask(served: &Served, path: &str, traceparent: &str, key: Option<&str>, body: &str) -> String {
    let mut stream = TcpStream::connect(served.address()).unwrap();
    let key = key.map_or(String::new(), |key| format!("Authorization: Bearer {key}\r\n"));
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\ntraceparent: {traceparent}\r\n{key}Content-Type: \
         application/json\r\nContent-Length: {}\r\n\r\n{body}",
        served.address(),
        body.len()
    )
    .unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    told
}

/// Spans are sent soon, not every five seconds.
const SOON: [(&str, &str); 1] = [("OTEL_BSP_SCHEDULE_DELAY", "100")];

#[test]
fn a_request_is_found_in_its_callers_trace_with_what_it_waited_for() {
    let (desk, collector) = (Desk::new(), Collector::start());
    let args = ["--model", "starter", "--otlp", &collector.url];
    let served = Served::start_with(&desk, &args, &SOON, Stdio::inherit());
    let key = served.key.clone().unwrap();

    // One text: scored where it is asked for.
    let (trace, caller) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let body = json!({"text": "the zebra is quite terrible"}).to_string();
    let told = ask(&served, "/v1/predict?explain=true", &format!("00-{trace}-{caller}-01"), None, &body);
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    let head = told.to_ascii_lowercase();
    let ours = head.split("\r\ntraceparent: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap();
    let request = collector.find(trace, "POST /v1/predict");
    assert_eq!(hex(&request.parent_span_id), caller);
    assert_eq!(ours, format!("00-{trace}-{}-01", hex(&request.span_id)));
    assert_eq!(request.kind, 2, "SERVER");
    assert_eq!(attribute(&request, "http.route"), string("/v1/predict"));
    assert_eq!(attribute(&request, "http.request.method"), string("POST"));
    assert_eq!(attribute(&request, "http.response.status_code"), Some(Value::IntValue(200)));
    assert!(attribute(&request, "http.request.id").is_some());
    let score = collector.find(trace, "score");
    assert_eq!(score.parent_span_id, request.span_id);
    assert!(score.start_time_unix_nano >= request.start_time_unix_nano);
    assert!(score.end_time_unix_nano <= request.end_time_unix_nano);

    // Many, kept: through the queue, and into the records.
    let (trace, caller) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let items: Vec<_> =
        (0..40).map(|n| json!({"id": n, "text": format!("zebra {n} {}", "was good ".repeat(40))})).collect();
    let body = json!({ "items": items }).to_string();
    let told = ask(&served, "/v1/items", &format!("00-{trace}-{caller}-01"), Some(&key), &body);
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    let request = collector.find(trace, "POST /v1/items");
    for name in ["look a key up", "queue", "score", "store items"] {
        let span = collector.find(trace, name);
        assert_eq!(span.parent_span_id, request.span_id, "{name}");
        assert!(span.start_time_unix_nano >= request.start_time_unix_nano, "{name}");
    }
    let (queue, score) = (collector.find(trace, "queue"), collector.find(trace, "score"));
    assert_eq!(attribute(&queue, "texts"), Some(Value::IntValue(40)));
    assert!(queue.end_time_unix_nano <= score.end_time_unix_nano);

    // Nobody's: a trace of its own. Not sampled by its caller: none.
    let own = ask(&served, "/v1/predict", "nonsense", None, r#"{"text": "a zebra"}"#);
    let own = own.split("\r\ntraceparent: 00-").nth(1).unwrap()[..32].to_owned();
    assert!(collector.find(&own, "POST /v1/predict").parent_span_id.is_empty());
    let unwanted = "5bf92f3577b34da6a3ce929d0e0e4736";
    ask(&served, "/v1/predict", &format!("00-{unwanted}-{caller}-00"), None, r#"{"text": "a zebra"}"#);
    // A refusal is there, too, and a search is not.
    let refused = "6bf92f3577b34da6a3ce929d0e0e4736";
    ask(&served, "/v1/predict?zebra=crossing", &format!("00-{refused}-{caller}-01"), None, "no zebra");
    let span = collector.find(refused, "POST /v1/predict");
    assert_ne!(attribute(&span, "http.response.status_code"), Some(Value::IntValue(200)));
    assert_eq!(served.end(), Some(0));
    assert!(collector.spans().iter().all(|span| hex(&span.trace_id) != unwanted));

    // No text, no query and no key is in what went out, whatever it was in.
    let taken = collector.taken.lock().unwrap();
    let whole = format!("{taken:?}");
    assert!(!whole.contains("zebra") && !whole.contains("smk_"), "a text or a key is in a span");
    let service = &taken[0].resource_spans[0].resource.as_ref().unwrap().attributes;
    assert!(
        service.iter().any(|one| one.key == "service.name" && format!("{one:?}").contains("\"sentimeter\""))
    );
}

#[test]
fn a_collector_that_is_away_or_silent_holds_nothing_up() {
    let desk = Desk::new();
    // One takes connections and never answers; nobody listens where the other would be.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (address, said) in [(silent.local_addr().unwrap(), false), (away, true)] {
        let url = format!("http://{address}");
        let variables = [SOON[0], ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())];
        let mut served = Served::start_with(&desk, &["--model", "starter"], &variables, Stdio::piped());
        let log = served.log();
        let mut slowest = Duration::ZERO;
        for n in 0..3000 {
            let begun = Instant::now();
            served.predict(&format!("text {n}"));
            slowest = slowest.max(begun.elapsed());
        }
        assert!(slowest < Duration::from_secs(5), "{slowest:?}");
        let begun = Instant::now();
        assert_eq!(served.end(), Some(0));
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
        let mut whole = String::new();
        BufReader::new(log).read_to_string(&mut whole).unwrap();
        let told = whole.matches("traces do not reach the collector").count();
        // Of the silent one it is known only once patience is at an end.
        assert!(if said { told == 1 } else { told <= 1 }, "{whole}");
    }
}
