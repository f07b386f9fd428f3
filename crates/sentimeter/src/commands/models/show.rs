//! `sentimeter models show`: the card of a version, or the story of its model.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use sentimeter_experiment::registry::{self, Card, Compared};
use sentimeter_store::{Blocking, RegistryEvent, Version};
use serde::Serialize;
use serde_json::Value;

use super::{Named, aliases};
use crate::args::{Global, ModelsShowArgs};
use crate::commands::print_json;
use crate::commands::runs::{moment, table};
use crate::interrupt;
use crate::output::Output;
use crate::terminal::{line, plain};

/// What `--json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    named: Named<'a>,
    description: &'a str,
    history: &'a [RegistryEvent],
}

pub(super) fn show(global: &Global, store: &Blocking, args: &ModelsShowArgs) -> anyhow::Result<()> {
    // A model's story can be asked for where a bare name means no one version.
    let name = args.reference.split('@').next().unwrap_or_default();
    if args.history && !global.json {
        let events = store.run(|s| s.registry_events(name))?;
        if events.is_empty() {
            store.run(|s| s.find_version(name))?; // says that there is no such model
        }
        return history(&events);
    }
    let version = store.run(|s| registry::resolve(s, &args.reference))?;
    let models = store.run(|s| s.models())?;
    let description = models.iter().find(|model| model.name == name).map_or("", |model| &model.description);
    let card = registry::card(&version, description);
    if let Some(path) = &args.html {
        put(path, card.page().html().as_bytes())?;
    }
    if let Some(folder) = &args.out {
        write(&card, folder)?;
    }
    if global.json {
        let events = store.run(|s| s.registry_events(name))?;
        let named =
            Named { reference: version.reference(), aliases: aliases(store, &version)?, version: &version };
        return print_json(&Shown { named, description, history: &events });
    }
    let mut out = io::stdout().lock();
    match (&args.html, &args.out) {
        (None, None) => write!(out, "{}", plain(&card.markdown()))?,
        (html, folder) => {
            if let Some(path) = html {
                writeln!(out, "card of {} written to {}", version.reference(), path.display())?;
            }
            if let Some(folder) = folder {
                writeln!(out, "card of {} written to {}", version.reference(), folder.display())?;
            }
        }
    }
    Ok(())
}

/// Writes a card as Markdown and as a page into `folder`.
fn write(card: &Card, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    put(&folder.join("card.md"), card.markdown().as_bytes())?;
    let page = card.page();
    interrupt::hold_off(|| page.write(folder))
        .with_context(|| format!("cannot write the card into {}", folder.display()))?;
    Ok(())
}

fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        let output = Output::create(path)?;
        output.file()?.write_all(bytes)?;
        output.finish()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

fn history(events: &[RegistryEvent]) -> anyhow::Result<()> {
    let mut rows = vec![["when (UTC)", "who", "what", "why"].map(str::to_owned).to_vec()];
    for event in events {
        let who = format!("{} on {}", event.who.name, event.who.host);
        rows.push(vec![
            moment(event.time),
            line(&who).into_owned(),
            line(&told(event)).into_owned(),
            line(event.who.reason.as_deref().unwrap_or_default()).into_owned(),
        ]);
    }
    table(&mut io::stdout().lock(), &rows, usize::MAX)?;
    Ok(())
}

/// What was done, in a sentence.
fn told(event: &RegistryEvent) -> String {
    let at = |number: Option<i64>| number.map_or("nothing".to_owned(), |v| format!("{}@{v}", event.model));
    let alias = event.alias.as_deref().unwrap_or_default();
    match event.action.as_str() {
        "register" => match event.detail["imported"].as_str() {
            Some(from) => format!("registered {}, which was {from}", at(event.version)),
            None => format!("registered {}", at(event.version)),
        },
        "promote" => {
            let forced = if event.detail["forced"] == Value::Bool(true) { ", against the rule" } else { "" };
            let compared = compared(&event.detail["standing"]["compared"]);
            format!(
                "{} is the {alias}, before it {}{forced}{compared}",
                at(event.version),
                at(event.previous)
            )
        }
        "rollback" => format!("{} is the {alias} again, after {}", at(event.version), at(event.previous)),
        "unalias" => format!("{} is no longer the {alias}", at(event.previous)),
        "delete" => format!("deleted {}", at(event.version)),
        "describe" => {
            format!("said what it is for: {}", event.detail["description"].as_str().unwrap_or_default())
        }
        other => format!("{other} {}", at(event.version)),
    }
}

fn compared(value: &Value) -> String {
    serde_json::from_value::<Compared>(value.clone()).map_or(String::new(), |found| format!(": {found}"))
}

/// A version in one line, for other commands.
pub(super) fn one_line(version: &Version) -> String {
    format!("{} ({})", version.reference(), super::measured(version))
}
