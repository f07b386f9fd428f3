//! A user looks at data before training: planted troubles are all found, sound data raises none, and
//! what is exported comes back.

use std::fmt::Write as _;

use serde_json::Value;

use crate::desk::{Desk, example, rows};

/// Made-up feedback: sentences of everyday words in which the mood is clear. Times, authors and
/// classes go their own ways.
struct Feedback {
    lines: Vec<[String; 4]>,
    state: u64,
}

const PEOPLE: &str = "the waiter|our driver|the lady at the desk|my neighbour|the young man|that cashier|the \
    manager|a technician|the nurse|your colleague|the guide|our teacher|the pilot|the cook|an old friend";
const DID: &str =
    "brought|showed|found|sent|repaired|opened|carried|wrapped|delivered|cleaned|changed|packed";
const THINGS: &str = "the blue suitcase|a second blanket|our tickets|the small parcel|this printer|the garden \
    chairs|my glasses|the window seat|a cup of tea|those batteries|the wooden table|her umbrella|the spare \
    key|a paper map|the winter coat|our breakfast|the green lamp|a birthday cake|the phone cover|his bicycle";
const WHEN: &str = "before the train left|on the third floor|while it rained outside|after lunch with my \
    sister|near the old harbour|during the long weekend|at the corner shop|behind the main station|late in \
    the evening|with the whole family around|under the big clock|on our way to the museum|just as the doors \
    closed|in front of the bakery";
const GOOD: &str = "and it was lovely|and we are delighted|what a wonderful surprise|simply excellent work|and \
    I am very happy|such kind people|a perfect day for us|I warmly recommend it";
const BAD: &str = "and it was awful|and we are furious|what a terrible mess|simply dreadful work|and I am very \
    angry|such rude people|a ruined day for us|I want my money back";

impl Feedback {
    fn new() -> Self {
        Self { lines: Vec::new(), state: 7 }
    }

    /// The next of a seeded row of numbers, below `most` (Knuth's 64-bit congruential generator).
    fn lot(&mut self, most: usize) -> usize {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as usize % most
    }

    fn pick(&mut self, from: &str) -> String {
        let all: Vec<&str> = from.split('|').collect();
        let word = all[self.lot(all.len())];
        word.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Text, label, time and author of so many rows.
    fn sound(mut self, count: usize) -> Self {
        while self.lines.len() < count {
            let positive = self.lot(2) == 0;
            let mood = self.pick(if positive { GOOD } else { BAD });
            let parts = [PEOPLE, DID, THINGS, WHEN].map(|part| self.pick(part));
            let [who, did, what, when] = &parts;
            let number = self.lot(9000) + 1000;
            let text = format!("{who} {did} {what} {when}, {mood}. Order {number}");
            let (day, hour, author) = (self.lot(28) + 1, self.lot(24), self.lot(60));
            let label = if positive { "positive" } else { "negative" };
            // Sentences of the same parts are near duplicates by design of the fixture, not of the data.
            if self.lines.iter().all(|line| distance(&line[0], &text) > 3) {
                let time = format!("2024-0{}-{day:02}T{hour:02}:00:00Z", self.lines.len() % 3 + 1);
                self.lines.push([text, label.into(), time, format!("author{author}")]);
            }
        }
        self
    }

    fn csv(&self) -> String {
        let mut csv = "text,label,time,author\n".to_owned();
        for [text, label, time, author] in &self.lines {
            writeln!(csv, "\"{text}\",{label},{time},{author}").unwrap();
        }
        csv
    }
}

/// Words of one text that the other lacks.
fn distance(a: &str, b: &str) -> usize {
    let words =
        |text: &str| text.split_whitespace().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    words(a).symmetric_difference(&words(b)).count() / 2
}

fn kinds(profile: &Value) -> Vec<&str> {
    profile["warnings"].as_array().unwrap().iter().map(|w| w["kind"].as_str().unwrap()).collect()
}

#[test]
fn sound_data_raises_no_warning() {
    let desk = Desk::new();
    desk.put("sound.csv", Feedback::new().sound(500).csv());
    let found = desk.run(&["profile", "sound.csv", "--json"]).ok().json();
    assert_eq!(kinds(&found), [""; 0], "{}", found["warnings"]);
    assert_eq!(found["rows"], 500);
    assert!(found["trouble"]["time"]["auc"]["value"].as_f64().unwrap() < 0.6);
    assert!(found["choice"]["recipes"].as_array().unwrap().len() >= 5);
}

#[test]
fn planted_troubles_are_all_found() {
    let desk = Desk::new();
    let mut feedback = Feedback::new().sound(500);
    // A leak: each class has its own month.
    for line in &mut feedback.lines {
        line[2] = line[2].replace("2024-0", if line[1] == "positive" { "2023-0" } else { "2024-0" });
    }
    for i in [10, 20, 30] {
        let mut copy = feedback.lines[i].clone();
        copy[1] = if copy[1] == "positive" { "negative" } else { "positive" }.into();
        feedback.lines.push(copy);
    }
    for i in 40..52 {
        let mut copy = feedback.lines[i].clone();
        copy[0] = copy[0].replace("Order", "number");
        feedback.lines.push(copy);
    }
    feedback.lines[60][0].push_str(" d\u{e9}j\u{c3}\u{a9} caf\u{c3}\u{a9}");
    feedback.lines[61][0].push_str(" \u{fffd}\u{fffd}");
    desk.put("sick.csv", feedback.csv());
    let answer = desk.run(&["profile", "sick.csv", "--json"]).ok();
    let found = answer.json();
    let kinds = kinds(&found);
    for planted in ["time", "conflicts", "near_duplicates", "encoding", "encoded_twice"] {
        assert!(kinds.contains(&planted), "{planted}: {kinds:?}");
    }
    assert_eq!(found["warnings"][0]["severity"], "serious");
    let trouble = &found["trouble"];
    assert!(trouble["time"]["auc"]["low"].as_f64().unwrap() > 0.9);
    assert_eq!(trouble["conflicts"]["texts"], 3);
    assert_eq!((&trouble["encoding"]["damaged"], &trouble["encoding"]["twice"]), (&1.into(), &1.into()));
    assert!(trouble["repeats"]["near"].as_u64().unwrap() >= 12);
    // What --json holds does not depend on the number of threads.
    let alone = desk.run(&["profile", "sick.csv", "--json", "--threads", "1"]).ok().json();
    assert_eq!(alone, found);
    let said = desk.run(&["profile", "sick.csv", "--quick"]).ok();
    said.prints(&["SERIOUS", "3 texts stand more than once, with different labels", "index.html"]);
    let page = desk.text("home/reports/profile-sick.csv/index.html");
    for part in ["The time alone tells the label", "Identical texts, different labels", "Damaged characters"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.len() < 3 << 20, "{} bytes", page.len());
    let figures = desk.names("home/reports/profile-sick.csv/figures");
    for name in ["classes", "time", "lengths-words", "cloud-0", "cloud-1", "words-0", "growth", "coverage"] {
        for ending in ["svg", "png"] {
            assert!(figures.contains(&format!("{name}.{ending}")), "{name}.{ending} of {figures:?}");
        }
    }
}

#[test]
fn wrong_labels_are_exported_corrected_and_imported() {
    let desk = Desk::new();
    let mut feedback = Feedback::new().sound(400);
    let wrong: Vec<String> = feedback.lines[..8].iter().map(|line| line[0].clone()).collect();
    for line in &mut feedback.lines[..8] {
        line[1] = if line[1] == "positive" { "negative" } else { "positive" }.into();
    }
    desk.put("doubtful.csv", feedback.csv());
    desk.run(&["profile", "doubtful.csv", "--quick", "--out", "look"]).ok();
    let listed = rows(&desk.text("look/suspicious.csv"));
    assert_eq!(&listed[0][..3], ["id", "text", "label"]);
    let first: Vec<&String> = listed[1..].iter().take(16).map(|row| &row[1]).collect();
    assert!(wrong.iter().filter(|text| first.contains(text)).count() >= 6, "{first:?}");
    // Looking again must not cost the user what was corrected meanwhile; what is as it was is left alone.
    desk.run(&["profile", "doubtful.csv", "--quick", "--out", "look"]).ok();
    let mine = desk.text("look/suspicious.csv").replacen("positive", "neutral", 1);
    desk.put("look/suspicious.csv", &mine);
    let again = desk.run(&["profile", "doubtful.csv", "--quick", "--out", "look"]).ok();
    again.tells(&["kept as look/suspicious.1.csv"]);
    assert_eq!(desk.text("look/suspicious.1.csv"), mine);
    let kept = desk.names("look");
    assert_eq!(kept, ["figures", "index.html", "suspicious.1.csv", "suspicious.csv"]);
    // The user takes all suggestions.
    let mut corrected = String::new();
    for (at, row) in listed.iter().enumerate() {
        let mut row = row.clone();
        if at > 0 {
            row[2] = row[7].clone();
        }
        let quoted: Vec<String> = row.iter().map(|f| format!("\"{}\"", f.replace('"', "\"\""))).collect();
        writeln!(corrected, "{}", quoted.join(",")).unwrap();
    }
    desk.put("corrected.csv", corrected);
    let back = desk.run(&["import", "corrected.csv", "--json"]).ok().json();
    assert_eq!(back["rows"], listed.len() - 1);
    assert_eq!(back["labels"], serde_json::json!(["negative", "positive"]));
}

#[test]
fn texts_to_label_next_come_back_labelled() {
    let desk = Desk::new();
    let feedback = Feedback::new().sound(300);
    let mut csv = "text,label\n".to_owned();
    for (at, [text, label, ..]) in feedback.lines.iter().enumerate() {
        writeln!(csv, "\"{text}\",{}", if at < 60 { label } else { "" }).unwrap();
    }
    desk.put("partly.csv", csv);
    let found =
        desk.run(&["profile", "partly.csv", "--quick", "--label-next", "15", "--out", "look", "--json"]);
    let found = found.ok().json();
    assert_eq!(found["labelled"], 60);
    assert_eq!(found["classes"], serde_json::json!(["negative", "positive", "no label"]));
    assert_eq!(found["label_next"].as_array().unwrap().len(), 15);
    let listed = rows(&desk.text("look/label-next.csv"));
    assert_eq!((listed.len(), listed[1][2].as_str()), (16, ""));
    let mut labelled = String::new();
    for (at, row) in listed.iter().enumerate() {
        let label = if at == 0 { "label" } else { "positive" };
        writeln!(labelled, "\"{}\",{label}", row[1].replace('"', "\"\"")).unwrap();
    }
    desk.put("labelled.csv", labelled);
    let back = desk.run(&["import", "labelled.csv", "--json"]).ok().json();
    assert_eq!((&back["rows"], &back["unlabelled"]), (&15.into(), &0.into()));
    let none = desk.run(&["profile", "labelled.csv", "--label-next", "5", "--out", "none", "--quick"]).ok();
    none.tells(&["no text without a label is left"]);
    assert_eq!(desk.names("none"), ["figures", "index.html"]);
    // As it was exported, without a label: also a data set.
    let raw = desk.run(&["import", "look/label-next.csv", "--json"]).ok().json();
    assert_eq!(raw["unlabelled"], 15);
}

#[test]
fn two_sets_are_compared() {
    let desk = Desk::new();
    desk.put("a.csv", Feedback::new().sound(200).csv());
    let mut b = "text,label\n".to_owned();
    for n in 0..200 {
        let label = if n % 4 == 0 { "negative" } else { "positive" };
        writeln!(b, "the film number {n} with actor {} and music {},{label}", n * 7 % 91, n * 11 % 53)
            .unwrap();
    }
    desk.put("b.csv", b);
    let found = desk.run(&["profile", "a.csv", "--against", "b.csv", "--quick", "--json"]).ok().json();
    let against = &found["against"];
    assert!(against["domain"]["value"].as_f64().unwrap() > 0.95, "{against}");
    assert!(against["divergence"].as_f64().unwrap() > 0.3);
    assert!(against["there"].as_array().unwrap().iter().any(|word| word["term"] == "film"));
    let same = desk.run(&["profile", "a.csv", "--against", "a.csv", "--quick", "--json"]).ok().json();
    assert_eq!(same["against"]["divergence"], 0.0);
    assert_eq!(same["against"]["jaccard"], 1.0);
}

#[test]
fn nothing_to_look_at_is_said() {
    let desk = Desk::new();
    desk.put("empty.csv", "text,label\n");
    desk.run(&["profile", "empty.csv"]).ends(1);
    desk.run(&["profile", "nowhere"]).ends(1).tells(&["nowhere"]);
    assert_eq!(desk.names("home/reports"), [""; 0], "what could not be read leaves no folder");
    desk.run(&["profile", &example("feedback.csv"), "--out", "empty.csv"])
        .ends(1)
        .tells(&["empty.csv is a file"]);
    desk.run(&["profile", "empty.csv", "--model", "x"]).ends(2);
}

#[test]
fn a_channel_a_file_or_a_language_for_each_class_is_seen() {
    let desk = Desk::new();
    let feedback = Feedback::new().sound(400);
    let mut csv = "text,label,channel,language\n".to_owned();
    for (at, [text, label, ..]) in feedback.lines.iter().enumerate() {
        // One in twenty stands elsewhere: no rule without an exception.
        let usual = (label == "positive") ^ (at % 20 == 0);
        let (channel, language) = if usual { ("survey", "en") } else { ("ticket", "fr") };
        writeln!(csv, "\"{text}\",{label},{channel},{language}").unwrap();
    }
    desk.put("told.csv", csv);
    let found = desk.run(&["profile", "told.csv", "--quick", "--json"]).ok().json();
    let leaks: Vec<&str> = kinds(&found).into_iter().filter(|kind| *kind != "language").collect();
    assert_eq!(leaks, ["channel", "language_leak"]);
    assert!(found["trouble"]["channel"]["auc"]["low"].as_f64().unwrap() > 0.9);
    assert_eq!(found["warnings"][0]["severity"], "serious");

    for class in ["negative", "positive"] {
        let texts = feedback.lines.iter().filter(|line| line[1] == class).map(|line| line[0].as_str());
        desk.put(&format!("{class}.txt"), texts.collect::<Vec<_>>().join("\n"));
    }
    let files = ["profile", "negative.txt", "positive.txt", "--label-from-name", "{label}.txt", "--quick"];
    let said = desk.run(&files).ok();
    said.prints(&["the file or system that a row came in alone tells the label", "AUC 1.000"]);
}

#[test]
fn what_cannot_be_looked_at_is_not_called_sound() {
    let desk = Desk::new();
    desk.put("one.csv", "text,label\na good day,positive\n");
    desk.put("links.csv", {
        let rows = (0..100).map(|n| format!("http://x.y/{n} @ann,{}\n", ["up", "down"][n % 2]));
        format!("text,label\n{}", rows.collect::<String>())
    });
    let of = |name: &str| desk.run(&["profile", name, "--json", "-q"]).ok().json();
    assert_eq!(kinds(&of("one.csv")), ["one_class", "few"]);
    assert!(kinds(&of("links.csv")).contains(&"wordless"));
}

#[test]
fn a_reader_of_the_numbers_may_leave() {
    let desk = Desk::new();
    desk.put("sound.csv", Feedback::new().sound(100).csv());
    let mut command = desk.command(&["profile", "sound.csv", "--quick", "--json", "-q"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
}

#[test]
fn times_that_cannot_be_read_are_told() {
    let desk = Desk::new();
    let mut feedback = Feedback::new().sound(60);
    feedback.lines[7][2] = "sometime in spring".into();
    feedback.lines[9][2] = "0001-01-01".into();
    desk.put("times.csv", feedback.csv());
    let found = desk.run(&["profile", "times.csv", "--quick", "--json"]).ok().json();
    assert_eq!(found["trouble"]["little"]["bad_times"], 1);
    assert!(kinds(&found).contains(&"bad_times"));
}

#[test]
fn three_hundred_classes_fit_on_a_page() {
    let desk = Desk::new();
    let mut csv = "text,label\n".to_owned();
    for n in 0..6000_u32 {
        writeln!(
            csv,
            "we spoke of word{} and word{} today number {n},class {}",
            n % 300,
            n * 7 % 311,
            n % 300
        )
        .unwrap();
    }
    desk.put("many.csv", csv);
    let found = desk.run(&["profile", "many.csv", "--quick", "--json", "--out", "look"]).ok().json();
    assert_eq!(found["class_count"], 300);
    assert_eq!(found["smallest"], serde_json::json!({ "name": "class 0", "rows": 20 }));
    assert!(!kinds(&found).contains(&"classes"), "all are alike");
    assert_eq!(found["suspicious"]["joint"].as_array().unwrap().len(), 300, "all of it is in --json");
    let page = desk.text("look/index.html");
    assert!(page.len() < 3 << 20, "{} bytes", page.len());
}

#[test]
fn names_of_classes_are_shown_not_obeyed() {
    let desk = Desk::new();
    let long = "a".repeat(300);
    let labels = ["<script>alert(1)</script>", "\u{1b}[31mred", "سلبي", "no label", "\u{202e}live", &long];
    let mut csv = "text,label\n".to_owned();
    for n in 0..300 {
        writeln!(csv, "a text of its own number {n} w{},{}", n % 37, labels[n % labels.len()]).unwrap();
    }
    desk.put("odd.csv", csv);
    let said = desk.run(&["profile", "odd.csv", "--quick", "--out", "look"]).ok();
    assert!(!said.out.contains('\u{1b}') && !said.err.contains("WARN"), "{said}");
    let page = desk.text("look/index.html");
    assert!(!page.contains("<script>alert") && !page.contains('\u{1b}'));
    assert!(page.contains("\u{2068}سلبي\u{2069} "), "a name in a sentence keeps its direction to itself");
    let found = desk.run(&["profile", "odd.csv", "--quick", "--json", "-q"]).ok().json();
    assert_eq!((&found["class_count"], &found["labelled"]), (&6.into(), &300.into()));
}
