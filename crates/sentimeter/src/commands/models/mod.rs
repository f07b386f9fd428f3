//! `sentimeter models`: which model is live, where it comes from, and who decided that.

mod fetch;
mod list;
mod promote;
mod show;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use sentimeter_experiment::recorder::person;
use sentimeter_experiment::registry;
use sentimeter_store::{Blocking, Version, Who};
use serde::Serialize;

use super::print_json;
use super::runs::{find, open};
use crate::args::{Global, ModelsAction, ModelsArgs, ModelsImportArgs, ModelsRegisterArgs};
use crate::mlflow::Announcing;

pub(crate) fn run(global: &Global, args: &ModelsArgs) -> anyhow::Result<ExitCode> {
    match &args.action {
        ModelsAction::List { name } => list::list(global, &open(global)?, name.as_deref())?,
        ModelsAction::Show(args) => show::show(global, &open(global)?, args)?,
        ModelsAction::Register(args) => register(global, &open(global)?, args)?,
        ModelsAction::Promote(args) => promote::promote(global, &open(global)?, args)?,
        ModelsAction::Rollback { name, alias, reason } => {
            promote::roll_back(global, &open(global)?, (name, alias), reason.as_ref())?;
        }
        ModelsAction::Delete { reference, force, reason } => {
            delete(global, &open(global)?, reference, *force, reason.as_ref())?;
        }
        ModelsAction::Export { reference, place } => export(global, &open(global)?, reference, place)?,
        ModelsAction::Import(args)
            if args.what.starts_with("models:/") || args.what.starts_with("runs:/") =>
        {
            return fetch::fetch(global, args);
        }
        ModelsAction::Import(args) => import(global, &open(global)?, args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Who changes the registry, and why.
pub(crate) fn who(reason: Option<&String>) -> Who {
    let (name, host) = person();
    Who { name, host, reason: reason.cloned() }
}

/// A version and the aliases that point at it.
#[derive(Debug, Serialize)]
struct Named<'a> {
    reference: String,
    aliases: Vec<String>,
    #[serde(flatten)]
    version: &'a Version,
}

/// The aliases of a version.
fn aliases(store: &Blocking, version: &Version) -> anyhow::Result<Vec<String>> {
    let all = store.run(|s| s.aliases(&version.of.model))?;
    Ok(all.into_iter().filter(|alias| alias.version == version.version).map(|alias| alias.alias).collect())
}

/// What people want to know of a version first: `macro F1 0.8123, accuracy 0.8200`.
fn measured(version: &Version) -> String {
    let metrics = &version.of.metrics;
    let shown = [("macro_f1", "macro F1"), ("accuracy", "accuracy")].into_iter().filter_map(|(key, name)| {
        metrics.get(key).and_then(serde_json::Value::as_f64).map(|value| format!("{name} {value:.4}"))
    });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { "nothing was measured".to_owned() } else { shown.join(", ") }
}

fn register(global: &Global, store: &Blocking, args: &ModelsRegisterArgs) -> anyhow::Result<()> {
    registry::check(&args.name, args.alias.as_deref())?;
    let path = Path::new(&args.what);
    let mut candidate = if path.is_file() {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        store.run(|s| registry::of_bytes(s, &bytes, &args.what))?
    } else {
        let run =
            find(store, &args.what).with_context(|| format!("there is no file {} either", args.what))?;
        store.run(|s| registry::of_run(s, &run))?
    };
    candidate.add_licences(&args.licence);
    let announcing = Announcing::of(global);
    announcing.introduce(store, candidate.run.as_ref())?;
    let who = who(None);
    let version = store.run(|s| {
        registry::register(s, &candidate, &args.name, &who, |version| announcing.registered(version))
    })?;
    if let Some(description) = &args.description {
        store.run(|s| s.describe_model(&args.name, description, &who))?;
    }
    announcing.send(store);
    if !global.json {
        let run = version.of.run.as_ref().map_or(String::new(), |run| format!(", from run {run}"));
        writeln!(io::stdout(), "registered {}: {}{run}", version.reference(), measured(&version))?;
    }
    if let Some(alias) = &args.alias {
        let rule = registry::Rule::default();
        let promoted = promote::by_record(store, &version, alias, &rule, (false, &who), &announcing)?;
        if !global.json {
            promote::tell(&mut io::stdout().lock(), &promoted)?;
        }
    }
    if global.json {
        let aliases = aliases(store, &version)?;
        print_json(&Named { reference: version.reference(), aliases, version: &version })?;
    }
    Ok(())
}

fn delete(
    global: &Global,
    store: &Blocking,
    reference: &str,
    force: bool,
    reason: Option<&String>,
) -> anyhow::Result<()> {
    anyhow::ensure!(reference.contains('@'), "name the version that is to go: {reference}@VERSION");
    let version = store.run(|s| registry::resolve(s, reference))?;
    let who = who(reason);
    let taken = store
        .run(|s| registry::delete(s, &version, force, &who))
        .context("with --force its aliases go too")?;
    if global.json {
        print_json(&serde_json::json!({ "deleted": version.reference(), "aliases": taken }))?;
    } else {
        let aliases = taken.iter().map(|alias| format!(" and the alias {alias}")).collect::<String>();
        writeln!(io::stdout(), "deleted {}{aliases}", version.reference())?;
    }
    Ok(())
}

fn export(global: &Global, store: &Blocking, reference: &str, place: &Path) -> anyhow::Result<()> {
    let version = store.run(|s| registry::resolve(s, reference))?;
    registry::export(store, &version, place)?;
    if global.json {
        let place = place.display().to_string();
        print_json(&serde_json::json!({ "exported": version.reference(), "place": place }))?;
    } else {
        writeln!(io::stdout(), "{} written to {}", version.reference(), place.display())?;
    }
    Ok(())
}

fn import(global: &Global, store: &Blocking, args: &ModelsImportArgs) -> anyhow::Result<()> {
    anyhow::ensure!(
        args.out.is_none(),
        "--out is for models from an MLflow server: an exported one is registered"
    );
    let place = Path::new(&args.what);
    anyhow::ensure!(
        place.exists(),
        "there is no {}: name what `models export` wrote, or a model on an MLflow server as models:/NAME@ALIAS",
        place.display()
    );
    // Its run was sent from where it was recorded.
    let who = who(None);
    let (version, new) = registry::import(store, place, args.name.as_deref(), &who, |_| Vec::new())?;
    if global.json {
        let aliases = aliases(store, &version)?;
        print_json(&Named { reference: version.reference(), aliases, version: &version })?;
    } else if new {
        writeln!(io::stdout(), "registered {}: {}", version.reference(), measured(&version))?;
    } else {
        writeln!(io::stdout(), "the same model is here already, as {}", version.reference())?;
    }
    Ok(())
}
