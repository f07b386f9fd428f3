//! `sentimeter models list`.

use std::io::{self, Write};

use sentimeter_store::{Blocking, Version};

use super::Named;
use crate::args::Global;
use crate::commands::print_json;
use crate::commands::runs::{moment, table};
use crate::terminal::line;

pub(super) fn list(global: &Global, store: &Blocking, name: Option<&str>) -> anyhow::Result<()> {
    match name {
        None => models(global, store),
        Some(name) => versions(global, store, name),
    }
}

fn models(global: &Global, store: &Blocking) -> anyhow::Result<()> {
    let models = store.run(|s| s.models())?;
    if global.json {
        return print_json(&models);
    }
    let mut out = io::stdout().lock();
    if models.is_empty() {
        writeln!(
            out,
            "no models in {}; register one: sentimeter models register latest",
            store.store().describe()
        )?;
        return Ok(());
    }
    let mut rows = vec![["model", "aliases", "versions", "newest"].map(str::to_owned).to_vec()];
    rows[0].push("for".to_owned());
    for model in &models {
        let aliases: Vec<String> =
            model.aliases.iter().map(|alias| format!("{} {}", alias.alias, alias.version)).collect();
        rows.push(vec![
            line(&model.name).into_owned(),
            if aliases.is_empty() { "–".to_owned() } else { aliases.join(", ") },
            model.versions.to_string(),
            model.latest.map_or("–".to_owned(), |latest| latest.to_string()),
            line(&model.description).into_owned(),
        ]);
    }
    table(&mut out, &rows, usize::MAX)?;
    Ok(())
}

fn versions(global: &Global, store: &Blocking, name: &str) -> anyhow::Result<()> {
    let name = name.split('@').next().unwrap_or(name);
    let versions = store.run(|s| s.versions(name))?;
    if versions.is_empty() {
        store.run(|s| s.find_version(name))?; // says that there is no such model
    }
    let aliases = store.run(|s| s.aliases(name))?;
    let of = |version: &Version| -> Vec<String> {
        let pointing = aliases.iter().filter(|alias| alias.version == version.version);
        pointing.map(|alias| alias.alias.clone()).collect()
    };
    if global.json {
        let all: Vec<Named<'_>> = versions
            .iter()
            .map(|version| Named { reference: version.reference(), aliases: of(version), version })
            .collect();
        return print_json(&all);
    }
    let headings =
        ["version", "aliases", "registered (UTC)", "by", "run", "test rows", "macro F1", "accuracy"];
    let mut rows = vec![headings.map(str::to_owned).to_vec()];
    for version in versions.iter().rev() {
        let number = |key: &str| {
            let value = version.of.metrics.get(key).and_then(serde_json::Value::as_f64);
            value.map_or("–".to_owned(), |value| format!("{value:.4}"))
        };
        let aliases = of(version);
        let state = match version.deleted {
            Some(_) => "(deleted)".to_owned(),
            None if aliases.is_empty() => "–".to_owned(),
            None => aliases.join(", "),
        };
        rows.push(vec![
            version.reference(),
            state,
            moment(version.created),
            line(&version.creator).into_owned(),
            version.of.run.as_ref().map_or("–".to_owned(), ToString::to_string),
            // The first digits tell whether two were measured on the same.
            version.of.test_hash.as_deref().and_then(|hash| hash.get(..8)).unwrap_or("–").to_owned(),
            number("macro_f1"),
            number("accuracy"),
        ]);
    }
    table(&mut io::stdout().lock(), &rows, 6)?;
    Ok(())
}
