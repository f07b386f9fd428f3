//! The card of a version: what it learned from, what it is for, how good it is and where it is weak, as
//! Markdown and as a page (Mitchell et al. 2019, doi:10.1145/3287560.3287596).

use std::fmt::Write as _;

use sentimeter_model::Corrected;
use sentimeter_report::Page;
use sentimeter_report::page::{Cell, Column, Table};
use sentimeter_store::Version;
use serde_json::Value;

use super::{Facts, Part};

/// Rows below which a part's figures are rough: one of fifty is two percent.
const FEW: u64 = 50;

/// A card, to be written down.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    title: String,
    subtitle: String,
    sections: Vec<(String, Vec<Block>)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Block {
    Text(String),
    List(Vec<String>),
    Code(String),
    /// Headings, and rows; all but the first column are numbers where the flag says so.
    Table(Vec<&'static str>, Vec<Vec<String>>, bool),
}

/// The card of `version`. `description` says what the model is for, where somebody has said it.
pub fn card(version: &Version, description: &str) -> Card {
    let facts: Facts = serde_json::from_value(version.of.detail.clone()).unwrap_or_default();
    let of = &version.of;
    let subtitle = format!(
        "{} · {} · digest {}",
        kind(&of.kind, &facts.plan),
        facts.labels.join(", "),
        short(&of.digest)
    );
    Card {
        title: version.reference(),
        subtitle,
        sections: vec![
            ("Intended use".to_owned(), intended(description, &facts)),
            ("How good it is".to_owned(), metrics(&of.metrics, of.test_hash.as_deref())),
            ("By language, channel and length".to_owned(), parts(&facts.parts)),
            ("Limits".to_owned(), limits(&facts, &of.metrics)),
            ("Data".to_owned(), data(version, &facts)),
            ("Where it comes from".to_owned(), lineage(version, &facts)),
            ("How to make it again".to_owned(), again(version, &facts)),
        ],
    }
}

fn kind(kind: &str, plan: &Value) -> String {
    match (kind, plan.get("model").and_then(Value::as_str)) {
        ("linear", _) => "TF-IDF and logistic regression".to_owned(),
        (_, Some(network)) => format!("{} network", network.to_uppercase()),
        (other, None) => other.to_owned(),
    }
}

fn intended(description: &str, facts: &Facts) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !description.is_empty() {
        blocks.push(Block::Text(description.to_owned()));
    }
    let languages: Vec<&str> =
        facts.parts.iter().filter(|part| part.group == "language").map(|part| part.name.as_str()).collect();
    let measured = if languages.is_empty() {
        "which languages it was measured on is not recorded".to_owned()
    } else {
        format!("it was measured on texts in {}", languages.join(", "))
    };
    blocks.push(Block::Text(format!(
        "Says which of {} a text expresses, with a probability for each; {measured}. It is meant for many texts at \
         once, such as customer feedback over a month, and for sorting what people then read. It is not meant to \
         judge the person who wrote a text, nor to decide anything about them.",
        facts.labels.join(", ")
    )));
    blocks
}

fn metrics(metrics: &Value, test: Option<&str>) -> Vec<Block> {
    let number = |name: &str| metrics.get(name).and_then(Value::as_f64);
    let Some(rows) = metrics.get("rows").and_then(Value::as_u64) else {
        return vec![Block::Text("Nothing was measured when it was trained.".to_owned())];
    };
    let test = test.map_or(String::new(), |hash| format!(" (content hash {})", short(hash)));
    let mut blocks = vec![Block::Text(format!("Measured on {rows} texts that it did not learn from{test}."))];
    let mut table = Vec::new();
    for (name, shown) in [
        ("macro_f1", "macro F1"),
        ("accuracy", "accuracy"),
        ("macro_precision", "macro precision"),
        ("macro_recall", "macro recall"),
        ("roc_auc", "area under the ROC curve"),
        ("mcc", "Matthews correlation"),
        ("log_loss", "log loss (less is better)"),
        ("brier", "Brier score (less is better)"),
        ("ece", "expected calibration error (less is better)"),
    ] {
        if let Some(value) = number(name) {
            let interval = &metrics["intervals"][name];
            let interval = match (interval[0].as_f64(), interval[1].as_f64()) {
                (Some(low), Some(high)) => format!("{low:.4} to {high:.4}"),
                _ => "–".to_owned(),
            };
            table.push(vec![shown.to_owned(), format!("{value:.4}"), interval]);
        }
    }
    blocks.push(Block::Table(vec!["measure", "value", "95 % interval"], table, true));
    let classes = metrics.get("classes").and_then(Value::as_object).into_iter().flatten();
    let rows: Vec<Vec<String>> = classes
        .map(|(name, class)| {
            let value = |key: &str| class[key].as_f64().map_or("–".to_owned(), |v| format!("{v:.4}"));
            let support = class["support"].as_u64().map_or("–".to_owned(), |n| n.to_string());
            vec![name.clone(), value("precision"), value("recall"), value("f1"), support]
        })
        .collect();
    if !rows.is_empty() {
        blocks.push(Block::Table(vec!["class", "precision", "recall", "F1", "texts"], rows, true));
    }
    blocks
}

fn parts(parts: &[Part]) -> Vec<Block> {
    if parts.is_empty() {
        return vec![Block::Text(
            "Not recorded: it was trained without a report (--no-report), or elsewhere. `sentimeter evaluate --report` \
             measures it by part."
                .to_owned(),
        )];
    }
    let row = |part: &Part| {
        let [low, high] = part.interval;
        vec![
            format!("{}: {}", part.group, part.name),
            part.rows.to_string(),
            format!("{:.4}", part.accuracy),
            format!("{low:.4} to {high:.4}"),
            format!("{:.4}", part.macro_f1),
        ]
    };
    let headings = vec!["part", "texts", "accuracy", "95 % interval", "macro F1"];
    vec![Block::Table(headings, parts.iter().map(row).collect(), true)]
}

fn limits(facts: &Facts, metrics: &Value) -> Vec<Block> {
    let mut items = Vec::new();
    let named = |part: &Part| format!("{} {}", part.group, part.name);
    for part in facts.parts.iter().filter(|part| part.weak) {
        items.push(format!(
            "weak on {}: {:.1} % right of {} texts, and chance does not explain it",
            named(part),
            part.accuracy * 100.0,
            part.rows
        ));
    }
    let few: Vec<String> =
        facts.parts.iter().filter(|part| part.rows < FEW && !part.weak).map(named).collect();
    if !few.is_empty() {
        items.push(format!(
            "measured on fewer than {FEW} texts, so the figures are rough: {}",
            few.join(", ")
        ));
    }
    if let Some(rows) = metrics.get("rows").and_then(Value::as_u64).filter(|rows| *rows < FEW) {
        items.push(format!("measured on {rows} texts in all: every figure here is rough"));
    }
    for (reason, rows) in facts.dropped.iter().filter(|(_, rows)| **rows > 0) {
        let what = match reason.as_str() {
            "unlabelled" => "texts without a label were left out",
            "ties" => "texts were left out: they stand with other labels equally often",
            "relabelled" => "texts got the label that most occurrences of them have",
            "in_test" => "texts were left out of training: they stand in the test part too",
            "unknown_label" => "test texts were left out: no text to learn from has their label",
            other => other,
        };
        items.push(format!("{rows} {what}"));
    }
    items.extend(facts.notes.iter().cloned());
    items.push(
        "irony, mixed feelings and other languages than those above were not measured apart: such texts are answered \
         all the same"
            .to_owned(),
    );
    vec![Block::List(items)]
}

fn data(version: &Version, facts: &Facts) -> Vec<Block> {
    let licences: Vec<&str> =
        version.of.licence.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let stated = if licences.is_empty() {
        "not stated (register with --licence, or name it in the plan's sources)".to_owned()
    } else {
        licences.join(", ")
    };
    let mut items = vec![format!("licences: {stated}")];
    if let Some(rows) = facts.training_rows {
        items.push(format!("learned from {rows} texts"));
    }
    for (what, hash) in [
        ("rows of the data", version.of.data_hash.as_deref()),
        ("rows learned from", Some(facts.training_hash.as_str())),
        ("rows measured on", version.of.test_hash.as_deref()),
    ] {
        if let Some(hash) = hash.filter(|hash| !hash.is_empty()) {
            items.push(format!("{what}, content hash: `{hash}`"));
        }
    }
    if let Some(Corrected { count, hash }) = &facts.feedback {
        items.push(format!("of them {count} corrections by users, reviewed (content hash `{hash}`)"));
    }
    let mut blocks = vec![Block::List(items)];
    if !facts.sources.is_empty() {
        let rows = facts.sources.iter().map(|source| {
            vec![
                source.name.clone(),
                if source.test { "measured on" } else { "learned from" }.to_owned(),
                source.licence.clone().unwrap_or_else(|| "not stated".to_owned()),
                source.learned.map_or("–".to_owned(), |n| n.to_string()),
                source.weight.map_or("1".to_owned(), |w| w.to_string()),
            ]
        });
        let headings = vec!["source", "used", "licence", "texts learned", "weight"];
        blocks.push(Block::Table(headings, rows.collect(), false));
    }
    if !facts.inputs.is_empty() {
        let rows = facts.inputs.iter().map(|input| {
            vec![
                input.snapshot.clone().unwrap_or_else(|| input.name.clone()),
                input.role.clone(),
                input.rows.map_or("–".to_owned(), |n| n.to_string()),
                if input.hash.is_empty() { "–".to_owned() } else { short(&input.hash).to_owned() },
            ]
        });
        blocks.push(Block::Table(vec!["read", "for", "rows", "hash"], rows.collect(), false));
    }
    blocks
}

fn lineage(version: &Version, facts: &Facts) -> Vec<Block> {
    let mut items = vec![
        format!(
            "registered as {} on {} by {}",
            version.reference(),
            moment(version.created),
            version.creator
        ),
        format!("file: {} bytes, BLAKE3 `{}`", version.of.blob.size, version.of.blob.hash),
        format!("trained by sentimeter {} with seed {}", facts.code, facts.seed),
        format!("{} features; recipe {}", facts.features, recipe(&version.of.recipe)),
    ];
    match facts.calibration["temperature"].as_f64() {
        Some(t) => items.push(format!("probabilities calibrated by temperature {t:.3}, learned out of fold")),
        None if facts.calibration["kind"] == "languages" => {
            items.push(
                "probabilities calibrated by a temperature for each language, learned out of fold".to_owned(),
            );
        }
        None => items.push("probabilities are not calibrated".to_owned()),
    }
    if let Some(run) = &facts.run {
        items.push(format!(
            "run {} ({}), started {} by {} on {}",
            run.name,
            run.id,
            moment(run.started),
            run.user,
            run.host
        ));
        if let Some(commit) = &run.commit {
            let dirty = if run.dirty == Some(true) { ", with changes" } else { "" };
            items.push(format!("in a folder at commit {commit}{dirty}"));
        }
    } else {
        items.push("the run that made it is not recorded here".to_owned());
    }
    items.extend(facts.file.as_ref().map(|file| format!("registered from the file {file}")));
    items.extend(facts.imported.as_ref().map(|from| format!("imported, it was {from}")));
    vec![Block::List(items)]
}

fn again(version: &Version, facts: &Facts) -> Vec<Block> {
    let mut blocks = Vec::new();
    match &facts.run {
        Some(run) => {
            blocks.push(Block::Text(
                "The same data, plan, seed and version of the program give the same file, byte by byte:"
                    .to_owned(),
            ));
            blocks.push(Block::Code(format!("sentimeter runs reproduce {}", run.id)));
            blocks.push(Block::Text("It was made by:".to_owned()));
            blocks.push(Block::Code(run.command.clone()));
        }
        None => blocks.push(Block::Text(format!(
            "Train by the plan below on data whose rows hash to {}; the file has then the digest {}.",
            version.of.data_hash.as_deref().map_or("–", short),
            short(&version.of.digest)
        ))),
    }
    if let Ok(plan) = toml::to_string(&without_nulls(&facts.plan))
        && !plan.is_empty()
    {
        blocks.push(Block::Text("Its plan:".to_owned()));
        blocks.push(Block::Code(plan));
    }
    blocks
}

/// TOML has no word for nothing.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

fn recipe(recipe: &Value) -> &str {
    recipe.get("name").and_then(Value::as_str).unwrap_or("of its own steps")
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// A moment in UTC, to the minute.
fn moment(time: i64) -> String {
    let stamp = jiff::Timestamp::from_millisecond(time).unwrap_or_default();
    stamp.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

impl Card {
    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut out = format!("# Model card: {}\n\n{}\n", plain(&self.title), plain(&self.subtitle));
        for (title, blocks) in &self.sections {
            let _ = write!(out, "\n## {}\n", plain(title));
            for block in blocks {
                out.push('\n');
                match block {
                    Block::Text(text) => out.push_str(&format!("{}\n", plain(text))),
                    Block::List(items) => {
                        items.iter().for_each(|item| out.push_str(&format!("- {}\n", plain(item))));
                    }
                    Block::Code(code) => {
                        // A fence longer than any inside.
                        let fence = "`".repeat(longest_ticks(code).max(2) + 1);
                        let _ = writeln!(out, "{fence}\n{}\n{fence}", code.trim_end());
                    }
                    Block::Table(headings, rows, numbers) => table(&mut out, headings, rows, *numbers),
                }
            }
        }
        out
    }

    /// As a page.
    pub fn page(&self) -> Page {
        let mut page = Page::new(format!("Model card: {}", self.title));
        page.subtitle(self.subtitle.clone());
        page.footer(format!(
            "sentimeter {} · the same version gives the same card",
            env!("CARGO_PKG_VERSION")
        ));
        let spoken = |text: &str| text.replace('`', "");
        for (title, blocks) in &self.sections {
            let section = page.section(title.clone());
            for block in blocks {
                match block {
                    Block::Text(text) => section.text(spoken(text)),
                    Block::List(items) => section.list(items.iter().map(|item| spoken(item))),
                    Block::Code(code) => section.list(code.lines().filter(|line| !line.is_empty())),
                    Block::Table(headings, rows, numbers) => {
                        let column = |(at, title): (usize, &&'static str)| {
                            if *numbers && at > 0 { Column::number(*title) } else { Column::text(*title) }
                        };
                        let mut table = Table::new(headings.iter().enumerate().map(column));
                        for row in rows {
                            table.row(row.iter().map(|cell| Cell::text(cell.clone())));
                        }
                        section.table(table)
                    }
                };
            }
        }
        page
    }
}

fn table(out: &mut String, headings: &[&str], rows: &[Vec<String>], numbers: bool) {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    out.push_str(&line(headings.iter().map(|heading| plain(heading)).collect()));
    let rule = |at: usize| if numbers && at > 0 { "--:" } else { "---" };
    out.push_str(&line((0..headings.len()).map(|at| rule(at).to_owned()).collect()));
    for row in rows {
        out.push_str(&line(row.iter().map(|cell| plain(cell).replace('|', "\\|")).collect()));
    }
}

/// What others wrote stays on its line and moves no cursor.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn longest_ticks(code: &str) -> usize {
    code.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use sentimeter_store::{Blob, NewVersion};
    use serde_json::json;

    use super::*;

    fn version(detail: Value) -> Version {
        Version {
            version: 3,
            created: 1_795_271_405_123,
            creator: "ada".to_owned(),
            deleted: None,
            of: NewVersion {
                model: "sentiment".to_owned(),
                run: None,
                blob: Blob { hash: "b".repeat(64), size: 12 },
                digest: "d".repeat(64),
                kind: "linear".to_owned(),
                data_hash: Some("e".repeat(64)),
                test_hash: Some("f".repeat(64)),
                metrics: json!({
                    "rows": 40, "macro_f1": 0.75, "intervals": {"macro_f1": [0.6, 0.9]},
                    "classes": {"bad|good": {"precision": 0.5, "recall": 0.25, "f1": 0.3, "support": 4}},
                }),
                recipe: json!({"name": "en"}),
                licence: json!(["CC-BY-4.0"]),
                detail,
            },
        }
    }

    #[test]
    fn a_card_says_what_is_known_and_what_is_not() {
        let part = |name: &str, rows, weak| {
            json!({"group": "language", "name": name, "rows": rows, "accuracy": 0.5, "interval": [0.4, 0.6],
                   "macro_f1": 0.45, "weak": weak})
        };
        let detail = json!({
            "labels": ["bad", "good"], "seed": 7, "code": "0.1.0", "training_rows": 450,
            "parts": [part("en", 200, false), part("fr", 90, true), part("ar", 9, false)],
            "dropped": {"ties": 2, "in_test": 0},
            "run": {"id": "20261121-1", "name": "calm-otter-27", "command": "sentimeter train", "started": 0},
            "plan": {"seed": 7, "recipe": {"preset": "en", "steps": null}},
        });
        let text = card(&version(detail), "For the help desk.").markdown();
        for part in [
            "# Model card: sentiment@3",
            "For the help desk.",
            "measured on texts in en, fr, ar",
            "| macro F1 | 0.7500 | 0.6000 to 0.9000 |",
            "| bad\\|good | 0.5000 |",
            "weak on language fr: 50.0 % right of 90 texts",
            "fewer than 50 texts, so the figures are rough: language ar",
            "2 texts were left out: they stand with other labels equally often",
            "licences: CC-BY-4.0",
            "sentimeter runs reproduce 20261121-1",
            "preset = \"en\"",
            "registered as sentiment@3 on 2026-11-21 14:30 UTC by ada",
        ] {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
        assert!(!text.contains("0 texts were left out"), "{text}");
        let bare = card(&version(Value::Null), "").markdown();
        assert!(
            bare.contains("Not recorded") && bare.contains("the run that made it is not recorded"),
            "{bare}"
        );
    }

    #[test]
    fn the_page_says_the_same_and_nothing_becomes_markup() {
        let detail =
            json!({"labels": ["<b>", "x"], "run": {"command": "sentimeter `train`\n```\n# not a heading"}});
        let found = card(&version(detail), "<script>alert(1)</script>");
        let html = found.page().html();
        assert!(html.contains("&#60;script&#62;") || html.contains("&lt;script&gt;"), "escaped");
        assert!(!html.contains("<script>alert"));
        assert!(html.contains("0.6000 to 0.9000"));
        assert!(found.markdown().contains("````\nsentimeter `train`"), "{}", found.markdown());
    }
}
