//! What the model is: enough to make it again.

use sentimeter_report::Number;
use sentimeter_report::page::{Cell, Column, Section, Table};
use serde_json::Value;

use super::super::Examination;
use super::count;

/// Identity, recipe and settings.
pub(super) fn model(section: &mut Section, found: &Examination) {
    let about = &found.model;
    let mut table = Table::new([Column::text("what"), Column::text("value")]);
    let lineage = &about.lineage;
    let stated = |text: &str| if text.is_empty() { "–".to_owned() } else { text.to_owned() };
    for (what, value) in [
        ("model", about.name.clone()),
        ("digest of its file", stated(&about.digest)),
        ("kind", about.kind.clone()),
        (
            if about.parameters.is_some() { "words with a vector" } else { "features" },
            count(about.features as u64),
        ),
        ("parameters", about.parameters.map_or("–".to_owned(), |all| count(all as u64))),
        ("classes", found.metrics.labels.join(", ")),
        ("recipe", recipe_name(&about.recipe)),
        ("calibration", calibration(&about.calibration)),
        ("data, content hash", stated(&lineage.data)),
        ("rows learned from, content hash", stated(&lineage.training)),
        (
            "rows measured on after training, content hash",
            stated(lineage.test.as_deref().unwrap_or_default()),
        ),
        ("seed", lineage.seed.to_string()),
        ("made by", format!("sentimeter {}", stated(&lineage.code))),
        ("measured here on", found.data.clone()),
    ] {
        table.row([Cell::text(what), Cell::text(value)]);
    }
    section.table(table);
    let network = about.network_settings();
    if !network.is_empty() {
        section.details("Settings of the network", |inside| {
            let mut table = Table::new([Column::text("setting"), Column::text("value")]);
            for (key, value) in network {
                table.row([Cell::text(key), Cell::text(value)]);
            }
            inside.table(table);
        });
    }
    let settings = about.settings();
    if !settings.is_empty() {
        section.details("Settings of its plan", |inside| {
            let mut table = Table::new([Column::text("setting"), Column::text("value")]);
            for (key, value) in settings {
                table.row([Cell::text(key), Cell::text(value)]);
            }
            inside.table(table);
        });
    }
    section.details("How text is cleaned, step by step", |inside| {
        for (title, steps) in recipe_steps(&about.recipe) {
            if !title.is_empty() {
                inside.heading(title);
            }
            inside.list(steps);
        }
    });
}

fn recipe_name(recipe: &Value) -> String {
    recipe.get("name").and_then(Value::as_str).map_or("its own steps".to_owned(), str::to_owned)
}

fn calibration(calibration: &Value) -> String {
    match (calibration.get("kind").and_then(Value::as_str), calibration.get("temperature")) {
        (Some("temperature"), Some(t)) => {
            format!("temperature {}", t.as_f64().map_or("–".to_owned(), |t| Number::Decimal(3).show(t)))
        }
        (Some("languages"), _) => {
            let shown = |name: &str| {
                let found = calibration.get(name).and_then(Value::as_f64);
                found.map_or("–".to_owned(), |t| Number::Decimal(3).show(t))
            };
            let [en, fr, ar, other] = ["en", "fr", "ar", "other"].map(shown);
            format!("temperature by language: en {en}, fr {fr}, ar {ar}, other {other}")
        }
        _ => "none".to_owned(),
    }
}

/// Every list of steps in a recipe, with the name that it stands under.
fn recipe_steps(recipe: &Value) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    gather(recipe, "", &mut found);
    found
}

fn gather(value: &Value, name: &str, found: &mut Vec<(String, Vec<String>)>) {
    match value {
        Value::Array(steps) => found.push((name.to_owned(), steps.iter().map(step).collect())),
        Value::Object(fields) => fields.iter().for_each(|(key, inner)| {
            let name = if key == "steps" || key == "auto" { name } else { key.as_str() };
            gather(inner, name, found);
        }),
        _ => {}
    }
}

/// `squash_repeats (keep 2)`.
fn step(step: &Value) -> String {
    let Some(fields) = step.as_object() else { return step.to_string() };
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let name = fields.get("step").map_or_else(|| "step".to_owned(), shown);
    let settings: Vec<String> = fields
        .iter()
        .filter(|(key, value)| *key != "step" && !value.is_null())
        .map(|(key, value)| format!("{key} {}", shown(value)))
        .collect();
    if settings.is_empty() { name } else { format!("{name} ({})", settings.join(", ")) }
}
