//! Feedback from a dropped file to the next model, in a real browser: Batch with a thousand rows, Insights down to the
//! texts behind a bar, two reviewers who label by keys, and a model that learns from it. Screenshots are kept beside
//! those of the other pages.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use crate::browser::{Driver, PATIENCE, downloads_to, js, look, shows, text};
use crate::desk::{Desk, LIGHT, example, rows};
use crate::rounds::{click, focus_shows, sound, write};
use crate::serve::Served;

/// Rows of the file.
const ROWS: usize = 1000;

/// The day on which a hundred people complain of one thing, on top of what is said every day.
const BAD_DAY: usize = 25;
const COMPLAINTS: usize = 100;

/// On which day the n-th row was written.
fn day(n: usize) -> usize {
    if n < ROWS - COMPLAINTS { n % 40 + 1 } else { BAD_DAY }
}

/// A file as somebody's survey tool writes it: columns in its own words, texts of three languages, one bad day.
fn survey() -> String {
    let mut texts = Vec::new();
    for name in ["feedback.csv", "feedback_test.csv"] {
        let all = rows(&std::fs::read_to_string(example(name)).unwrap());
        let at = all[0].iter().position(|column| column == "text").unwrap();
        texts.extend(all[1..].iter().map(|row| row[at].replace(['\n', '\r'], " ")));
    }
    let mut file = "Réf;Commentaire;Posté le;Provenance\n".to_owned();
    for n in 0..ROWS {
        let said = match texts.get(n) {
            _ if n >= ROWS - COMPLAINTS => {
                format!("the checkout page crashes and my order is gone, number {n}, terrible")
            }
            Some(text) => text.clone(),
            // Beyond the examples people say what others have said, in a way of their own.
            None => format!("{} ({n})", texts[n % texts.len()]),
        };
        let date = date_of(day(n));
        let from = ["ticket", "avis", "<b>boutique</b>"][n % 3];
        writeln!(file, "r{n};\"{}\";{date};{from}", said.replace('"', "\"\"")).unwrap();
    }
    file
}

/// The n-th day from 1 October 2026 on.
fn date_of(day: usize) -> String {
    if day <= 31 { format!("2026-10-{day:02}") } else { format!("2026-11-{:02}", day - 31) }
}

async fn sign_in(browser: &Client, served: &Served, key: &str, path: &str) {
    browser.delete_all_cookies().await.unwrap();
    browser.goto(&format!("{}/sign-in?next={path}", served.url)).await.unwrap();
    write(browser, "#key", key).await;
    click(browser, ".door .go").await;
    browser.wait().at_most(PATIENCE).for_element(Locator::Css(".who")).await.unwrap();
}

/// Waits until the element's text holds this: what was clicked may take a moment.
async fn says(browser: &Client, css: &str, want: &str) {
    let since = Instant::now();
    loop {
        let found = text(browser, css).await;
        if found.contains(want) {
            return;
        }
        assert!(since.elapsed() < PATIENCE, "{css} says {found:?}, not {want:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until a file of that ending has come down whole, and gives it.
async fn downloaded(folder: &Path, ending: &str) -> String {
    let since = Instant::now();
    loop {
        let found = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let found = found.into_iter().find(|path| path.extension().is_some_and(|e| e == ending));
        if let Some(path) = found {
            let held = std::fs::read_to_string(&path).unwrap();
            std::fs::remove_file(path).unwrap();
            return held;
        }
        assert!(since.elapsed() < PATIENCE, "nothing is downloaded");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn a_browser_takes_feedback_from_a_file_to_the_next_model() {
    let Some(driver) = Driver::start() else { return };
    let desk = Desk::new();
    desk.run(&["import", &example("feedback.csv"), "--name", "feedback"]).ok();
    desk.train(&["--data", "feedback", "--quiet", "--register", "sentiment"]).ok();
    desk.run(&["models", "promote", "sentiment@1", "--reason", "the first"]).ok();
    desk.put("<i>enquête.csv", survey());
    let folder = desk.path("downloads");
    std::fs::create_dir_all(&folder).unwrap();
    let served = Served::start(&desk, &[]);
    let key = served.key.clone().unwrap();
    let made = json!({"name": "bob", "role": "reviewer"}).to_string();
    let (status, bob) = served.ask("POST", "/v1/keys", Some(&key), &made);
    assert_eq!(status, 201, "{bob}");
    let bob: Value = serde_json::from_str(&bob).unwrap();
    let bob = bob["secret"].as_str().unwrap().to_owned();

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let browser = driver.browser(true).await;
        downloads_to(&browser, &folder).await;
        look(&browser, 1280, false).await;
        refused(&browser, &served).await;
        sign_in(&browser, &served, &key, "/batch").await;
        nothing_yet(&browser, &served).await;
        batch(&browser, &served, &desk, &folder).await;
        insights(&browser, &served, &folder).await;
        label(&browser, &served).await;
        profile(&browser, &served).await;
        sign_in(&browser, &served, &bob, "/review").await;
        second(&browser, &served).await;
        browser.close().await.unwrap();
    });
    learned(&desk, &served, &key);
}

/// Without a key nobody reads what people wrote.
async fn refused(browser: &Client, served: &Served) {
    for path in ["insights", "review?status=label", "settings"] {
        browser.goto(&format!("{}/{path}", served.url)).await.unwrap();
        assert_eq!(text(browser, "h1").await, "Sign in", "{path}");
    }
    // Files need none on this machine, but there are none to be seen.
    browser.goto(&format!("{}/batch", served.url)).await.unwrap();
    assert!(text(browser, "main").await.contains("Without a key"));
}

/// Where there is nothing, it is said what to do.
async fn nothing_yet(browser: &Client, served: &Served) {
    for (path, want, name) in [
        ("insights", "score a file on the page Batch", "insights-empty"),
        ("review?status=label", "No feedback is kept yet", "label-empty"),
        ("review?status=label-second", "Others have labelled nothing", "label-second-empty"),
    ] {
        browser.goto(&format!("{}/{path}", served.url)).await.unwrap();
        assert!(text(browser, "main").await.contains(want), "{path}: {}", text(browser, "main").await);
        sound(browser, name).await;
    }
}

async fn batch(browser: &Client, served: &Served, desk: &Desk, folder: &Path) {
    browser.goto(&format!("{}/batch", served.url)).await.unwrap();
    sound(browser, "batch").await;
    focus_shows(browser, "batch").await;
    let file = desk.path("<i>enquête.csv").display().to_string();
    browser.find(Locator::Css("#file")).await.unwrap().send_keys(&file).await.unwrap();
    click(browser, ".give .go").await;
    shows(browser, "h1", "<i>enquête.csv").await;
    // What the columns are taken for, and what they are.
    let chosen =
        "return Object.fromEntries([...document.querySelectorAll('select')].map(s => [s.name, s.value]))";
    let chosen = js(browser, chosen).await;
    assert_eq!(chosen["text"], "Commentaire", "{chosen}");
    for (column, name) in [("time", "Posté le"), ("channel", "Provenance"), ("id", "Réf"), ("author", "")] {
        let option = format!("document.querySelector('#{column}').value = '{name}'");
        js(browser, &option).await;
    }
    click(browser, "#items").await;
    sound(browser, "batch-columns").await;
    look(browser, 390, true).await;
    sound(browser, "batch-columns-phone-dark").await;
    look(browser, 1280, false).await;
    click(browser, "button[value=start]").await;
    // It shows how far it is until it is done; that may be at once.
    let since = Instant::now();
    while browser.find(Locator::Css(".tiles")).await.is_err() {
        let progress = browser.find(Locator::Css("svg.progress")).await.is_ok();
        assert!(since.elapsed() < 3 * PATIENCE, "the file is not scored; progress is shown: {progress}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let page = text(browser, "main").await;
    for want in
        ["1,000 rows scored", "1,000 rows are new in Insights", "By channel", "Over time", "<b>boutique</b>"]
    {
        assert!(page.contains(want), "{want:?} is missing: {page}");
    }
    sound(browser, "batch-summary").await;
    focus_shows(browser, "batch-summary").await;
    look(browser, 390, false).await;
    sound(browser, "batch-summary-phone").await;
    look(browser, 1280, true).await;
    sound(browser, "batch-summary-dark").await;
    look(browser, 1280, false).await;
    click(browser, "a.go[download]").await;
    let found = rows(&downloaded(folder, "csv").await);
    assert_eq!(found.len(), ROWS + 1, "a row for each, and the head");
    assert_eq!(found[0][..4], ["Réf", "Commentaire", "Posté le", "Provenance"]);
    assert!(found[0].iter().any(|column| column == "sentiment"), "{:?}", found[0]);
    assert!(found[1..].iter().enumerate().all(|(n, row)| row[0] == format!("r{n}")), "in their order");
    browser.goto(&format!("{}/batch?lang=fr", served.url)).await.unwrap();
    shows(browser, ".badge", "terminé").await;
    sound(browser, "batch-french").await;
}

async fn insights(browser: &Client, served: &Served, folder: &Path) {
    browser.goto(&format!("{}/insights?from=2026-10-01&to=2026-11-09", served.url)).await.unwrap();
    says(browser, ".heads", "1,000").await;
    says(browser, ".events", "25 Oct").await;
    sound(browser, "insights").await;
    focus_shows(browser, "insights").await;
    look(browser, 1280, true).await;
    sound(browser, "insights-dark").await;
    look(browser, 390, false).await;
    sound(browser, "insights-phone").await;
    look(browser, 1280, false).await;
    // A bar leads to the texts of its day, and the address says so.
    click(browser, &format!(".plot a:nth-of-type({BAD_DAY})")).await;
    says(browser, ".texts li:first-child .said", "the checkout page crashes").await;
    let address = browser.current_url().await.unwrap();
    let asked: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    for name in ["from", "to"] {
        assert!(asked.contains(&(name.to_owned(), "2026-10-25".to_owned())), "{address}");
    }
    sound(browser, "insights-day").await;
    let count = (0..ROWS).filter(|&n| day(n) == BAD_DAY).count();
    assert_eq!(js(browser, "return document.querySelectorAll('.texts li').length").await, 20);
    click(browser, ".texts ~ .actions a[download]").await;
    let found = rows(&downloaded(folder, "csv").await);
    assert_eq!(found.len(), count + 1, "exactly the texts that are shown");
    // By channel, by words, and back: the address holds all of it.
    browser.back().await.unwrap();
    click(browser, ".groups a").await;
    shows(browser, "h1", "What people say").await;
    let address = browser.current_url().await.unwrap();
    assert!(address.query().unwrap().contains("channel="), "{address}");
    write(browser, "#q", "checkout").await;
    click(browser, "#texts .ask .go").await;
    browser.wait().at_most(PATIENCE).for_element(Locator::Css(".texts li")).await.unwrap();
    let address = browser.current_url().await.unwrap();
    let asked = address.query().unwrap();
    assert!(asked.contains("channel=") && asked.contains("q=checkout"), "{address}");
    let all =
        "return [...document.querySelectorAll('.texts .said')].every(e => e.innerText.includes('checkout'))";
    assert_eq!(js(browser, all).await, true);
    // Arabic is written from the right.
    browser
        .goto(&format!("{}/insights?from=2026-10-01&to=2026-11-09&language=ar", served.url))
        .await
        .unwrap();
    browser.wait().at_most(PATIENCE).for_element(Locator::Css(".texts li")).await.unwrap();
    let right = "return [...document.querySelectorAll('.texts .said[lang=ar]')].filter(e => /^[^a-zA-Z]*[\u{600}-\u{6ff}]/.test(e.innerText)).map(e => getComputedStyle(e).direction)";
    let right = js(browser, right).await;
    let right = right.as_array().unwrap();
    assert!(!right.is_empty() && right.iter().all(|direction| direction == "rtl"), "{right:?}");
    sound(browser, "insights-arabic").await;
}

/// Presses keys, one after the other, on whatever has the focus.
async fn keys(browser: &Client, keys: &str) {
    browser.active_element().await.unwrap().send_keys(keys).await.unwrap();
}

/// Waits until so many texts of the page are done.
async fn done(browser: &Client, count: usize) {
    let since = Instant::now();
    while js(browser, "return document.querySelectorAll('.report.done .thanks').length").await != count {
        assert!(since.elapsed() < PATIENCE, "{count} texts are not labelled");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn label(browser: &Client, served: &Served) {
    browser.goto(&format!("{}/review", served.url)).await.unwrap();
    sound(browser, "review-empty").await;
    click(browser, ".empty .choice").await;
    let shown = "return [...document.querySelectorAll('.report .said')].map(e => e.innerText)";
    browser.wait().at_most(PATIENCE).for_element(Locator::Css(".report")).await.unwrap();
    let offered: Vec<String> = serde_json::from_value(js(browser, shown).await).unwrap();
    assert_eq!(offered.len(), 20);
    let alike = offered.iter().filter(|said| said.contains("the checkout page crashes")).count();
    assert!(alike <= 1, "a hundred people said it, one of them is asked for: {offered:?}");
    assert_eq!(
        js(browser, "return document.querySelectorAll('.report .tag').length").await,
        0,
        "nobody is told what to say"
    );
    sound(browser, "label").await;
    focus_shows(browser, "label").await;
    look(browser, 1280, true).await;
    sound(browser, "label-dark").await;
    look(browser, 390, false).await;
    sound(browser, "label-phone").await;
    look(browser, 1280, false).await;
    // A label each, one left to others, and a change of mind.
    keys(browser, "j").await;
    for (at, key) in ["1", "3", "s", "2"].into_iter().enumerate() {
        keys(browser, key).await;
        done(browser, at + 1).await;
    }
    keys(browser, "u").await;
    keys(browser, "3").await;
    shows(browser, ".report:nth-of-type(4) .thanks", "Labelled: Positive.").await;
    assert_eq!(text(browser, ".report:nth-of-type(3) .thanks").await, "Left to others.");
    sound(browser, "label-done").await;
    // In one language, and what was labelled comes no more.
    browser.goto(&format!("{}/review?status=label&language=ar", served.url)).await.unwrap();
    browser.wait().at_most(PATIENCE).for_element(Locator::Css(".report")).await.unwrap();
    let right = "return [...document.querySelectorAll('.said')].map(e => e.lang)";
    let langs: Vec<String> = serde_json::from_value(js(browser, right).await).unwrap();
    assert!(!langs.is_empty() && langs.iter().all(|lang| lang == "ar"), "{langs:?}");
    sound(browser, "label-arabic").await;
    browser.goto(&format!("{}/review?status=label&lang=fr", served.url)).await.unwrap();
    browser.wait().at_most(PATIENCE).for_element(Locator::Css(".report")).await.unwrap();
    let again: Vec<String> = serde_json::from_value(js(browser, shown).await).unwrap();
    assert!(offered[..4].iter().all(|said| !again.contains(said)), "{again:?}");
    sound(browser, "label-french").await;
}

/// A data set that nobody has looked at: the page has its profile made, and shows it.
async fn profile(browser: &Client, served: &Served) {
    browser.goto(&format!("{}/data", served.url)).await.unwrap();
    click(browser, "tbody a").await;
    says(browser, "[aria-labelledby=profile]", "No profile was made yet").await;
    sound(browser, "dataset-without-profile").await;
    click(browser, "[aria-labelledby=profile] .go").await;
    let since = Instant::now();
    while browser.find(Locator::Css("iframe")).await.is_err() {
        assert!(since.elapsed() < 12 * PATIENCE, "{}", text(browser, "main").await);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    says(browser, "[aria-labelledby=profile]", "Open the profile").await;
    sound(browser, "dataset-with-profile").await;
}

async fn second(browser: &Client, served: &Served) {
    browser.goto(&format!("{}/review?status=label-second", served.url)).await.unwrap();
    browser.wait().at_most(PATIENCE).for_element(Locator::Css(".report")).await.unwrap();
    assert_eq!(js(browser, "return document.querySelectorAll('.report').length").await, 3);
    let told = text(browser, "#reports").await;
    assert!(!told.contains("Labelled"), "what the first one said is not told: {told}");
    sound(browser, "label-second").await;
    keys(browser, "j").await;
    for at in 1..=3 {
        keys(browser, "3").await;
        done(browser, at).await;
    }
    browser.goto(&format!("{}/review?status=accepted", served.url)).await.unwrap();
    let pairs = text(browser, "#agreement ~ .wide").await;
    assert!(pairs.contains("bob"), "{pairs}");
    sound(browser, "review-labelled").await;
}

/// What was labelled, the next model learns.
fn learned(desk: &Desk, served: &Served, key: &str) {
    let (_, told) = served.ask("GET", "/v1/reports/agreement", Some(key), "");
    let told: Value = serde_json::from_str(&told).unwrap();
    let reviewers = told["pairs"].as_array().unwrap().iter().find(|pair| pair["first"] != "model").unwrap();
    assert_eq!(reviewers["reports"], 3, "{told}");
    let (_, reports) = served.ask("GET", "/v1/reports?status=accepted", Some(key), "");
    let reports: Value = serde_json::from_str(&reports).unwrap();
    let reports = reports["reports"].as_array().unwrap();
    assert!(reports.iter().all(|r| r["source"] == "labelling" && r["label"] == "positive"), "{reports:?}");
    let with = ["train", "--data", "feedback", "--quiet", "--no-report", "--json", "--with-feedback"];
    let answer = desk.run(&[&with[..], &LIGHT[..]].concat()).ok().json();
    assert_eq!(answer["feedback"]["given"], 3, "{answer}");
    let (_, log) = served.ask("GET", "/v1/audit", Some(key), "");
    let log: Value = serde_json::from_str(&log).unwrap();
    let labels = log["entries"].as_array().unwrap().iter().filter(|e| e["action"] == "label").count();
    // Three, one changed, and three of the other reviewer.
    assert_eq!(labels, 7);
    desk.run(&["audit", "verify"]).ok().prints(&["whole"]);
}
