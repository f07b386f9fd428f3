//! A server of one's own, and what it answers.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use sentimeter_model::Model;
use sentimeter_serve::inference::Live;
use sentimeter_serve::{App, Models, NoModel, Opening, Resolving, Settings, router, serve};
use sentimeter_store::{Database, Role, Store};
use sentimeter_text::language::Language;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

const FILE: &[u8] = include_bytes!("../../../model/tests/artifacts/v1-linear.safetensors");

pub(crate) fn live(name: &str) -> Live {
    let (model, digest) = Model::from_bytes(FILE).unwrap();
    Live::new(name, model, digest)
}

/// A model that says that it was made for English alone.
fn english(name: &str) -> Live {
    let (model, digest) = Model::from_bytes(FILE).unwrap();
    let mut card = model.card().clone();
    card.languages = vec![Language::En];
    Live::new(name, Model::new(card, model.body().clone()).unwrap(), digest)
}

/// Opens `other@1` and `english@1`; panics over `boom`, as a bug of ours would.
struct Shelf;

impl Models for Shelf {
    fn open<'a>(&'a self, reference: &'a str) -> Opening<'a> {
        Box::pin(async move {
            match reference {
                "other@1" => Ok(live("other@1")),
                "english@1" => Ok(english("english@1")),
                "boom" => panic!("a bug"),
                _ => Err(NoModel::Unknown(format!("there is no model {reference:?}"))),
            }
        })
    }

    fn resolve<'a>(&'a self, _: &'a str) -> Resolving<'a> {
        Box::pin(async { None })
    }
}

pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) store: Store,
    home: TempDir,
}

/// What a page's forms carry.
#[track_caller]
pub(crate) fn csrf(page: &str) -> String {
    let (_, rest) = page.split_once("<meta name=\"csrf\" content=\"").expect("a page with a token");
    rest.split('"').next().unwrap().to_owned()
}

pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Told {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.text()))
    }

    /// The cookie that it sets, as a browser sends it back.
    #[track_caller]
    pub(crate) fn cookie(&self) -> String {
        self.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    /// It is a problem document of this status; gives the fields that it names.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> Vec<String> {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["type"].as_str().unwrap().starts_with("urn:sentimeter:problem:"));
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }
}

/// One on this machine alone.
pub(crate) fn local() -> Settings {
    Settings { loopback: true, ..Settings::default() }
}

impl Server {
    pub(crate) async fn new(settings: Settings) -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path(), &Database::Memory).await.unwrap();
        let app = App::new(live("sentiment@1"), store.clone(), Arc::new(Shelf), settings).await.unwrap();
        Self { app, store, home }
    }

    /// One whose records are in a file: another can go on with them.
    pub(crate) async fn at_home() -> Self {
        Self::open(tempfile::tempdir().unwrap()).await
    }

    async fn open(home: TempDir) -> Self {
        let store = Store::open(home.path(), &Database::Home).await.unwrap();
        let app = App::new(live("sentiment@1"), store.clone(), Arc::new(Shelf), local()).await.unwrap();
        Self { app, store, home }
    }

    /// Ends it, and starts another on the same home.
    pub(crate) async fn restart(self) -> Self {
        self.app.rest().await;
        self.store.close().await;
        Self::open(self.home).await
    }

    pub(crate) fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Told {
        let response = router(self.app.clone()).oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Told { status: head.status, headers: head.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Told {
        self.send(ask("GET", path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, json: &str) -> Told {
        self.post_as(path, json, None).await
    }

    pub(crate) async fn post_as(&self, path: &str, json: &str, key: Option<&str>) -> Told {
        let mut request = ask("POST", path).header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        self.send(request.body(Body::from(json.to_owned())).unwrap()).await
    }

    /// With that key.
    pub(crate) async fn get_by(&self, path: &str, key: &str) -> Told {
        let request = ask("GET", path).header(header::AUTHORIZATION, format!("Bearer {key}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// The secret of a new key.
    pub(crate) async fn key(&self, role: sentimeter_store::Role) -> String {
        self.store.create_key("test", role, "test").await.unwrap().1
    }

    pub(crate) async fn form(&self, path: &str, form: &str) -> Told {
        let request = ask("POST", path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    /// A form as one of our own pages sends it.
    pub(crate) async fn page_form(&self, path: &str, form: &str) -> Told {
        let page = self.get("/sign-in").await;
        let token = csrf(page.text());
        self.form(path, &format!("csrf={token}&{form}")).await
    }

    /// A browser that has signed in by a new key of this role: its cookie, as it sends it.
    pub(crate) async fn signed_in(&self, name: &str, role: Role) -> String {
        let (_, secret) = self.store.create_key(name, role, "test").await.unwrap();
        let told = self.page_form("/sign-in", &format!("key={secret}")).await;
        assert_eq!(told.status, 303, "{}", told.text());
        told.cookie()
    }

    /// A page, for that browser.
    pub(crate) async fn get_as(&self, path: &str, cookie: &str) -> Told {
        let page = ask("GET", path).header(header::COOKIE, cookie).header(header::ACCEPT, "text/html");
        self.send(page.body(Body::empty()).unwrap()).await
    }

    /// A form of a page, by that browser.
    pub(crate) async fn send_as(&self, path: &str, form: &str, cookie: &str) -> Told {
        let token = csrf(self.get_as("/sign-in", cookie).await.text());
        let request = ask("POST", path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::COOKIE, cookie)
            .header(header::ACCEPT, "text/html");
        self.send(request.body(Body::from(format!("csrf={token}&{form}"))).unwrap()).await
    }

    /// Puts it on a socket.
    pub(crate) async fn listen(&self) -> Listening {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = serve(listener, self.app.clone(), async { drop(stopped.await) });
        Listening { address, stop: Some(stop), serving: tokio::spawn(serving) }
    }
}

pub(crate) fn ask(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "localhost:8080")
}

/// A server on a socket.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Listening {
    /// Tells it to end.
    pub(crate) fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits for its end.
    pub(crate) async fn ended(self) -> std::io::Result<()> {
        self.serving.await.unwrap()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes as they are; gives everything that comes until the server closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // A server that has refused may have closed already.
        let _ = stream.write_all(bytes).await;
        let mut told = Vec::new();
        let _ = stream.read_to_end(&mut told).await;
        String::from_utf8_lossy(&told).into_owned()
    }

    pub(crate) async fn predict(&self, body: &str) -> (u16, String) {
        let told = self.raw(&predict_request(body)).await;
        let status = told.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("no answer: {told:?}")), told)
    }
}

/// The bytes of a request that closes its connection.
pub(crate) fn predict_request(body: &str) -> Vec<u8> {
    let head =
        "POST /v1/predict?explain=true HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    format!("{head}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
