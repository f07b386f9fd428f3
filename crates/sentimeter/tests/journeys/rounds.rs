//! The pages of the house in a real browser: signing in, being refused, review, promote, experiments, data, settings;
//! on a phone, in the dark, in French, with Arabic. Screenshots are kept beside those of Analyse.

use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use crate::browser::{Driver, PATIENCE, fits, js, look, shot, shows, text};
use crate::desk::{Desk, LIGHT, example};
use crate::serve::Served;

/// Texts that were called wrong.
const REPORTS: [(&str, &str, &str); 5] = [
    ("Third outage this week, and nobody answers. <script>alert(1)</script>", "neutral", "negative"),
    ("التطبيق بطيء جدا ويتوقف كل مرة، تجربة سيئة ولا أنصح به", "positive", "negative"),
    ("Well, that went as well as one could expect.", "positive", "neutral"),
    ("Le service était impeccable, merci beaucoup !", "neutral", "positive"),
    ("not bad at all", "negative", "positive"),
];

pub(crate) async fn click(browser: &Client, css: &str) {
    let found = browser.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
    found.unwrap_or_else(|e| panic!("{css}: {e}")).click().await.unwrap();
}

pub(crate) async fn write(browser: &Client, css: &str, words: &str) {
    browser.find(Locator::Css(css)).await.unwrap().send_keys(words).await.unwrap();
}

/// A page as people see it: it fits, its controls have names, its text stands out, and nothing was kept from it.
pub(crate) async fn sound(browser: &Client, name: &str) {
    fits(browser).await;
    let unnamed = "return [...document.querySelectorAll('button,a,input:not([type=hidden]),select,textarea,iframe')] \
                   .filter(e => !(e.innerText?.trim() || e.labels?.length || e.ariaLabel || e.title || e.closest('label') \
                   || e.querySelector(':scope > title') || e.hidden)).map(e => e.outerHTML)";
    assert_eq!(js(browser, unnamed).await, json!([]), "{name}");
    assert_eq!(js(browser, FAINT).await, json!([]), "{name}: contrast below 4.5");
    assert_eq!(js(browser, ORDER).await, json!([]), "{name}: headings, landmarks or languages");
    shot(browser, name).await;
}

/// Whatever takes the focus by the keyboard shows that it has it.
pub(crate) async fn focus_shows(browser: &Client, name: &str) {
    // From now on the browser takes the focus to be moved by the keyboard.
    browser.active_element().await.unwrap().send_keys("\u{e004}").await.unwrap();
    assert_eq!(js(browser, UNSEEN).await, json!([]), "{name}: nothing shows the focus");
    js(browser, "document.activeElement.blur(); scrollTo(0, 0)").await;
}

/// What takes the focus and looks as before: itself, what is around it and what is in it.
const UNSEEN: &str = "
const look = e => {
  const near = [e, ...e.children];
  for (let up = e.parentElement, n = 0; up && n < 3; up = up.parentElement, n++) near.push(up);
  return near.map(one => {
    const s = getComputedStyle(one);
    const outline = s.outlineStyle === 'none' ? '' : s.outlineWidth + s.outlineColor;
    return [outline, s.boxShadow, s.borderColor, s.stroke].join();
  }).join('|');
};
const unseen = [];
for (const e of document.querySelectorAll('a[href],button,input:not([type=hidden]),select,textarea,[tabindex=\"0\"]')) {
  if (!e.checkVisibility() || e.disabled) continue;
  document.activeElement.blur();
  const before = look(e);
  e.focus({ preventScroll: true, focusVisible: true });
  if (document.activeElement === e && look(e) === before) unseen.push(e.outerHTML.slice(0, 120));
}
return unseen;";

/// What is wrong with a page's headings, landmarks and languages.
const ORDER: &str = "
const wrong = [];
const heads = [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].filter(h => h.checkVisibility());
if (heads.filter(h => h.tagName === 'H1').length !== 1) wrong.push('not one h1');
heads.reduce((before, h) => {
  const level = Number(h.tagName[1]);
  if (level > before + 1) wrong.push(h.outerHTML.slice(0, 120) + ' follows h' + before);
  if (!h.textContent.trim()) wrong.push('an empty heading');
  return level;
}, 0);
if (!['en', 'fr'].includes(document.documentElement.lang)) wrong.push('no language');
if (!document.title.trim()) wrong.push('no title');
for (const landmark of ['main', 'header', 'nav'])
  if (!document.querySelector(landmark)) wrong.push('no ' + landmark);
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
ids.filter((id, at) => ids.indexOf(id) !== at).forEach(id => wrong.push('twice the id ' + id));
for (const e of document.querySelectorAll('[aria-labelledby]'))
  if (!document.getElementById(e.getAttribute('aria-labelledby'))) wrong.push(e.outerHTML.slice(0, 120));
for (const e of document.querySelectorAll('svg[role=img]'))
  if (!e.getAttribute('aria-label')) wrong.push('a picture without a name');
for (const e of document.querySelectorAll('[lang=ar][dir=auto]')) {
  const first = e.innerText.match(/\\p{L}/u)?.[0] ?? '';
  if (/[\\u0600-\\u06ff]/.test(first) && getComputedStyle(e).direction !== 'rtl') wrong.push('Arabic from the left');
}
return wrong;";

/// Texts whose colour does not stand out from what is behind them at 4.5 to 1 (WCAG 2.2, AA).
const FAINT: &str = "
const channel = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const rgb = c => (c.match(/[\\d.]+/g) || []).map(Number);
const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
const behind = e => {
  for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c;
  }
  return [255, 255, 255];
};
const faint = [];
for (const e of document.body.querySelectorAll('*')) {
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || !e.checkVisibility() || e.closest('svg,.quiet,.skip,.done,[disabled]')) continue;
  const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
  if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(e.outerHTML.slice(0, 120));
}
return faint;";

/// A desk with a data set and its profile, three runs, two versions and a champion.
fn furnished() -> Desk {
    let desk = Desk::new();
    desk.run(&["import", &example("feedback.csv"), "--name", "feedback"]).ok();
    desk.run(&["profile", "feedback", "--quick", "--quiet"]).ok();
    for seed in ["seed=1", "seed=2"] {
        desk.train(&["--data", "feedback", "--quiet", "--register", "sentiment", "--set", seed]).ok();
    }
    let plain = ["train", "--data", "feedback", "--quiet", "--no-report", "--set", "seed=3"];
    desk.run(&[&plain[..], &LIGHT[..]].concat()).ok();
    desk.run(&["models", "promote", "sentiment@1", "--reason", "the first"]).ok();
    desk
}

#[test]
fn a_browser_walks_the_house() {
    let Some(driver) = Driver::start() else { return };
    let bare = Desk::new();
    let empty = Served::start(&bare, &["--model", "starter"]);
    let desk = furnished();
    let served = Served::start(&desk, &[]);
    for (body, predicted, label) in REPORTS {
        let report =
            json!({"text": body, "predicted": predicted, "label": label, "comment": "from the shop"});
        assert_eq!(served.ask("POST", "/v1/reports", None, &report.to_string()).0, 201);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let browser = driver.browser(true).await;
        unfurnished(&browser, &empty).await;
        sign_in(&browser, &served).await;
        review(&browser, &served).await;
        models(&browser, &served).await;
        experiments(&browser, &served).await;
        data(&browser, &served).await;
        settings(&browser, &served).await;
        elsewhere(&browser, &served).await;
        click(&browser, ".corner form button").await;
        text(&browser, ".door h1").await;
        browser.goto(&format!("{}/settings", served.url)).await.unwrap();
        assert_eq!(text(&browser, "h1").await, "Sign in", "what was open is closed again");
        browser.close().await.unwrap();

        let browser = driver.browser(false).await;
        without_javascript(&browser, &served).await;
        browser.close().await.unwrap();
    });
    let (_, log) = served.ask("GET", "/v1/audit", served.key.as_deref(), "");
    let log: Value = serde_json::from_str(&log).unwrap();
    let actions: Vec<&str> =
        log["entries"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    for (action, times) in [
        ("sign-in", 2),
        ("sign-in-refused", 1),
        ("sign-out", 1),
        ("review", 4),
        // One on the page, one by command before.
        ("promote", 2),
        ("rollback", 1),
        ("revoke-key", 1),
    ] {
        assert_eq!(actions.iter().filter(|one| **one == action).count(), times, "{action}: {actions:?}");
    }
    desk.run(&["audit", "verify"]).ok().prints(&["whole"]);
}

/// Where there is nothing yet, a page says what to do next.
async fn unfurnished(browser: &Client, served: &Served) {
    look(browser, 1280, false).await;
    for (path, want) in [
        ("models", "--register sentiment"),
        ("experiments", "sentimeter train"),
        ("data", "sentimeter import"),
    ] {
        browser.goto(&format!("{}/{path}", served.url)).await.unwrap();
        assert!(text(browser, "main").await.contains(want), "{path}");
        sound(browser, &format!("{path}-empty")).await;
    }
}

async fn sign_in(browser: &Client, served: &Served) {
    browser.goto(&format!("{}/review", served.url)).await.unwrap();
    assert_eq!(text(browser, "h1").await, "Sign in", "without a key there is no way in");
    sound(browser, "sign-in").await;
    write(browser, "#key", "smk_mistyped").await;
    click(browser, ".door .go").await;
    assert!(text(browser, ".fault").await.contains("opens nothing"));
    sound(browser, "sign-in-refused").await;
    write(browser, "#key", served.key.as_deref().unwrap()).await;
    click(browser, ".door .go").await;
    assert_eq!(text(browser, "h1").await, "Review", "on to where one wanted to go");
    let cookies = browser.get_all_cookies().await.unwrap();
    assert!(cookies.iter().all(|cookie| cookie.http_only() == Some(true)), "{cookies:?}");
    assert_eq!(js(browser, "return document.cookie").await, "");
}

async fn review(browser: &Client, served: &Served) {
    assert_eq!(js(browser, "return document.querySelectorAll('.report').length").await, REPORTS.len());
    assert!(text(browser, ".report .said").await.contains("<script>"), "as it was written");
    assert_eq!(
        js(browser, "return getComputedStyle(document.querySelectorAll('.said')[1]).direction").await,
        "rtl"
    );
    sound(browser, "review").await;
    look(browser, 1280, true).await;
    sound(browser, "review-dark").await;
    look(browser, 1280, false).await;
    // By keys alone: the first is right, the second is not, the third is something else, and back again.
    let keys = async |keys: &str| {
        let body = browser.active_element().await.unwrap();
        body.send_keys(keys).await.unwrap();
    };
    let wait = async |count: usize| {
        let done = format!(".report.done:nth-of-type({count}) .thanks");
        text(browser, &done).await
    };
    keys("j").await;
    keys("a").await;
    assert_eq!(wait(1).await, "Decided: Accepted.");
    keys("r").await;
    assert_eq!(wait(2).await, "Decided: Rejected.");
    keys("c").await;
    keys("\u{e007}").await;
    assert_eq!(wait(3).await, "Decided: Corrected.");
    keys("j").await;
    keys("k").await;
    let focused = "return [...document.querySelectorAll('.report')].indexOf(document.activeElement)";
    assert_eq!(js(browser, focused).await, 3);
    sound(browser, "review-judged").await;
    look(browser, 390, false).await;
    browser.goto(&format!("{}/review?lang=fr", served.url)).await.unwrap();
    shows(browser, "h1", "Relecture").await;
    sound(browser, "review-phone").await;
    look(browser, 1280, false).await;
    let (_, reports) = served.ask("GET", "/v1/reports", served.key.as_deref(), "");
    let reports: Value = serde_json::from_str(&reports).unwrap();
    let decided: Vec<&str> =
        reports["reports"].as_array().unwrap().iter().map(|r| r["status"].as_str().unwrap()).collect();
    assert_eq!(decided, ["accepted", "rejected", "corrected", "pending", "pending"]);
}

async fn models(browser: &Client, served: &Served) {
    browser.goto(&format!("{}/models", served.url)).await.unwrap();
    shows(browser, ".now b", "sentiment@1").await;
    sound(browser, "models").await;
    click(browser, ".cards h2 a").await;
    shows(browser, "h1", "sentiment").await;
    sound(browser, "model").await;
    click(browser, "tbody tr:first-child .choice").await;
    shows(browser, "h1", "Promote sentiment@2?").await;
    sound(browser, "promote").await;
    write(browser, "#reason", "better on tickets").await;
    if !browser.find_all(Locator::Css("#force")).await.unwrap().is_empty() {
        click(browser, "#force").await;
    }
    click(browser, ".door .go").await;
    shows(browser, "h1", "sentiment").await;
    assert!(text(browser, "main").await.contains("better on tickets"));
    // It answers without a restart.
    let mut live = String::new();
    for _ in 0..100 {
        browser.refresh().await.unwrap();
        live = text(browser, ".now b").await;
        if live == "sentiment@2" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(live, "sentiment@2");
    click(browser, ".now .choice").await;
    assert!(text(browser, ".door p").await.contains("sentiment@1 answers again"));
    sound(browser, "roll-back").await;
    click(browser, ".door .go").await;
    shows(browser, "h1", "sentiment").await;
    look(browser, 390, true).await;
    sound(browser, "model-phone-dark").await;
    look(browser, 1280, false).await;
    browser.goto(&format!("{}/models/sentiment/1/card", served.url)).await.unwrap();
    assert!(text(browser, "h1").await.contains("sentiment@1"));
    shot(browser, "model-card").await;
}

async fn experiments(browser: &Client, served: &Served) {
    browser.goto(&format!("{}/experiments", served.url)).await.unwrap();
    let boxes = browser.find_all(Locator::Css("input[type=checkbox]")).await.unwrap();
    assert!(boxes.len() >= 3, "{}", boxes.len());
    sound(browser, "experiments").await;
    look(browser, 390, false).await;
    sound(browser, "experiments-phone").await;
    look(browser, 1280, true).await;
    shot(browser, "experiments-dark").await;
    look(browser, 1280, false).await;
    for one in boxes.into_iter().skip(1).take(2) {
        one.click().await.unwrap();
    }
    click(browser, "form[action='/experiments/compare'] .go").await;
    shows(browser, "h1", "Comparison").await;
    assert!(text(browser, "main").await.contains("seed"));
    sound(browser, "compare").await;
    click(browser, ".lead a").await;
    assert!(text(browser, "h1").await.contains("2 runs compared"));
    shot(browser, "compare-report").await;
    browser.back().await.unwrap();
    click(browser, "thead a").await;
    browser.wait().at_most(PATIENCE).for_element(Locator::Css("iframe")).await.unwrap();
    // The report shows in its box, with its plots.
    let frame = browser.find(Locator::Css("iframe")).await.unwrap();
    js(browser, "document.querySelector('iframe').scrollIntoView()").await;
    frame.enter_frame().await.unwrap();
    browser.wait().at_most(PATIENCE).for_element(Locator::Css("svg")).await.unwrap();
    browser.enter_parent_frame().await.unwrap();
    sound(browser, "run").await;
}

async fn data(browser: &Client, served: &Served) {
    browser.goto(&format!("{}/data", served.url)).await.unwrap();
    sound(browser, "data").await;
    click(browser, "tbody a").await;
    assert!(text(browser, "h1").await.starts_with("feedback@"));
    let frame = browser.wait().at_most(PATIENCE).for_element(Locator::Css("iframe")).await.unwrap();
    js(browser, "document.querySelector('iframe').scrollIntoView()").await;
    frame.enter_frame().await.unwrap();
    browser.wait().at_most(PATIENCE).for_element(Locator::Css("svg")).await.unwrap();
    browser.enter_parent_frame().await.unwrap();
    js(browser, "scrollTo(0, 0)").await;
    sound(browser, "dataset").await;
    look(browser, 390, true).await;
    sound(browser, "dataset-phone-dark").await;
    look(browser, 1280, false).await;
}

async fn settings(browser: &Client, served: &Served) {
    browser.goto(&format!("{}/settings", served.url)).await.unwrap();
    write(browser, "input[name=name]", "<i>till").await;
    click(browser, ".filters .go").await;
    let secret = text(browser, ".secret").await;
    assert!(secret.starts_with("smk_") && secret.len() == 68, "{secret}");
    sound(browser, "settings-key-made").await;
    assert_eq!(served.ask("POST", "/v1/predict", Some(&secret), r#"{"text": "a"}"#).0, 200);
    click(browser, "tbody tr:first-child .choice").await;
    assert!(text(browser, "h1").await.contains("<i>till"));
    sound(browser, "revoke").await;
    click(browser, ".door .go").await;
    shows(browser, "h1", "Settings").await;
    assert!(text(browser, "tbody tr:first-child").await.contains("revoked"));
    sound(browser, "settings").await;
    look(browser, 390, false).await;
    sound(browser, "settings-phone").await;
    look(browser, 1280, true).await;
    sound(browser, "settings-dark").await;
    look(browser, 1280, false).await;
}

/// A page that is not there, and the header from right to left.
async fn elsewhere(browser: &Client, served: &Served) {
    browser.goto(&format!("{}/models/none", served.url)).await.unwrap();
    assert!(text(browser, ".fault").await.contains("nothing here"));
    sound(browser, "fault").await;
    browser.goto(&format!("{}/models/sentiment", served.url)).await.unwrap();
    js(browser, "document.documentElement.dir = 'rtl'").await;
    sound(browser, "model-right-to-left").await;
}

async fn without_javascript(browser: &Client, served: &Served) {
    look(browser, 1280, false).await;
    browser.goto(&format!("{}/review?lang=fr", served.url)).await.unwrap();
    write(browser, "#key", served.key.as_deref().unwrap()).await;
    click(browser, ".door .go").await;
    shows(browser, "h1", "Relecture").await;
    click(browser, ".report .correct").await;
    shows(browser, ".thanks", "Décidé : Corrigés.").await;
    shot(browser, "review-without-javascript").await;
}
