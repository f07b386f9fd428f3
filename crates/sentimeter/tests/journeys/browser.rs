//! The page in a real browser: Debian's chromium, driven through chromedriver. Screenshots are kept under the
//! target directory, `tmp/screenshots/`.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::serve::Served;

/// How long the page may take over anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A chromedriver on a port of its own; ended when dropped.
pub(crate) struct Driver {
    child: Child,
    url: String,
}

impl Driver {
    /// `None` where there is none, or no browser.
    pub(crate) fn start() -> Option<Self> {
        let there = |name: &str| Command::new(name).arg("--version").stdout(Stdio::null()).status().is_ok();
        if !(there("chromedriver") && there("chromium")) {
            eprintln!("skipped: no chromium or chromedriver; install with: apt-get install chromium-driver");
            return None;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let driver = Self { child, url: format!("http://127.0.0.1:{port}") };
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(driver);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("chromedriver does not listen");
    }

    pub(crate) async fn browser(&self, javascript: bool) -> Client {
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ];
        let javascript = if javascript { 1 } else { 2 };
        let options = json!({"args": arguments, "prefs": {
            "intl.accept_languages": "en", "profile.managed_default_content_settings.javascript": javascript,
        }});
        let capabilities = Capabilities::from_iter([("goog:chromeOptions".to_owned(), options)]);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        builder.connect(&self.url).await.unwrap()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command of the browser's own protocol.
#[derive(Debug)]
struct Devtools(&'static str, Value);

impl WebDriverCompatibleCommand for Devtools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({"cmd": self.0, "params": self.1}).to_string()))
    }
}

pub(crate) async fn look(browser: &Client, width: u32, dark: bool) {
    let metrics = json!({"width": width, "height": 860, "deviceScaleFactor": 1, "mobile": width < 600});
    browser.issue_cmd(Devtools("Emulation.setDeviceMetricsOverride", metrics)).await.unwrap();
    let scheme =
        json!({"features": [{"name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" }}]});
    browser.issue_cmd(Devtools("Emulation.setEmulatedMedia", scheme)).await.unwrap();
}

/// Where the browser puts what it downloads.
pub(crate) async fn downloads_to(browser: &Client, folder: &std::path::Path) {
    let place = json!({"behavior": "allow", "downloadPath": folder});
    browser.issue_cmd(Devtools("Browser.setDownloadBehavior", place)).await.unwrap();
}

pub(crate) async fn shot(browser: &Client, name: &str) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), browser.screenshot().await.unwrap()).unwrap();
}

/// Waits for the element and gives its text.
pub(crate) async fn text(browser: &Client, css: &str) -> String {
    let since = Instant::now();
    loop {
        let found = browser.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        // A page that is just being left takes its elements with it: then it is the next page's that is meant.
        match found.unwrap_or_else(|e| panic!("{css}: {e}")).text().await {
            Ok(text) => return text,
            Err(e) if since.elapsed() > PATIENCE => panic!("{css}: {e}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Waits until the element's text is this one: what was clicked may take a moment.
pub(crate) async fn shows(browser: &Client, css: &str, want: &str) {
    let since = Instant::now();
    loop {
        let found = text(browser, css).await;
        if found == want {
            return;
        }
        assert!(since.elapsed() < PATIENCE, "{css} says {found:?}, not {want:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn fill(browser: &Client, text: &str) {
    browser.find(Locator::Css("#text")).await.unwrap().send_keys(text).await.unwrap();
}

pub(crate) async fn js(browser: &Client, script: &str) -> Value {
    browser.execute(script, Vec::new()).await.unwrap()
}

/// Nothing stands out to the side. Not `innerWidth`: a phone zooms out of a page that is too wide, and that grows with it.
pub(crate) async fn fits(browser: &Client) {
    let wide =
        js(browser, "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
            .await;
    assert!(wide.as_i64().unwrap() <= 0, "the page is {wide} pixels too wide");
}

#[test]
fn a_browser_walks_the_page() {
    let Some(driver) = Driver::start() else { return };
    let desk = Desk::with_model();
    let served = Served::start(&desk, &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let browser = driver.browser(true).await;
        walk(&browser, &served.url).await;
        browser.close().await.unwrap();
        let browser = driver.browser(false).await;
        without_javascript(&browser, &served.url).await;
        browser.close().await.unwrap();
    });
    let (status, reports) = served.ask("GET", "/v1/reports", served.key.as_deref(), "");
    assert_eq!(status, 200);
    let reports: Value = serde_json::from_str(&reports).unwrap();
    let texts: Vec<&str> =
        reports["reports"].as_array().unwrap().iter().map(|r| r["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["thank you so much <b>really</b>", "broken again, no refund"]);
}

async fn walk(browser: &Client, url: &str) {
    look(browser, 1280, false).await;
    browser.goto(url).await.unwrap();
    assert!(text(browser, "#result").await.contains("as you pause"));
    fits(browser).await;
    shot(browser, "analyse-empty").await;

    // It answers as one pauses, without being asked.
    fill(browser, "thank you so much <b>really</b>").await;
    assert_eq!(text(browser, ".verdict strong").await, "Positive");
    assert!(text(browser, ".read").await.contains("<b>really</b>"));
    let marked = js(browser, "return document.querySelectorAll('.read mark').length").await;
    assert!(marked.as_i64().unwrap() > 0);
    let widths =
        "return [...document.querySelectorAll('.fill')].map(f => parseFloat(f.getAttribute('width')))";
    let widths: Vec<f64> = serde_json::from_value(js(browser, widths).await).unwrap();
    assert!((widths.iter().sum::<f64>() - 100.0).abs() < 0.5, "{widths:?}");
    shot(browser, "analyse-light").await;
    look(browser, 1280, true).await;
    shot(browser, "analyse-dark").await;
    look(browser, 1280, false).await;

    // "This is wrong", by one click.
    browser.find(Locator::Css(".wrong button")).await.unwrap().click().await.unwrap();
    assert!(text(browser, ".thanks").await.contains("reviewer"));
    browser.find(Locator::Css(".clear")).await.unwrap().click().await.unwrap();
    browser.wait().at_most(PATIENCE).for_element(Locator::Css(".examples")).await.unwrap();

    // Arabic, from the example, written from the right; by the keyboard alone.
    let example = browser.find(Locator::Css(".examples li:nth-child(3) button")).await.unwrap();
    example.send_keys("\u{e007}").await.unwrap();
    text(browser, ".verdict").await;
    for element in [".read", "#text"] {
        let script = format!("return getComputedStyle(document.querySelector('{element}')).direction");
        assert_eq!(js(browser, &script).await, "rtl", "{element}");
    }
    shot(browser, "analyse-arabic").await;

    // A phone, in French.
    look(browser, 390, false).await;
    browser.goto(&format!("{url}/?lang=fr")).await.unwrap();
    fill(browser, "Service impeccable, merci beaucoup !").await;
    assert!(text(browser, ".facts").await.contains("Langue français"));
    fits(browser).await;
    shot(browser, "analyse-phone").await;
    // What the policy forbids shows in the console, and nothing is there.
    let unlabelled = "return [...document.querySelectorAll('textarea,button,a')].filter(e => \
                      !(e.innerText.trim() || e.labels?.length || e.hidden)).length";
    assert_eq!(js(browser, unlabelled).await, 0);
}

async fn without_javascript(browser: &Client, url: &str) {
    look(browser, 1280, false).await;
    browser.goto(url).await.unwrap();
    fill(browser, "broken again, no refund").await;
    browser.find(Locator::Css(".go")).await.unwrap().click().await.unwrap();
    text(browser, ".verdict strong").await;
    shot(browser, "analyse-without-javascript").await;
    browser.find(Locator::Css(".wrong button")).await.unwrap().click().await.unwrap();
    assert!(text(browser, ".thanks").await.contains("Thank you"));
}
