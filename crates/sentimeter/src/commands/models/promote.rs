//! `sentimeter models promote` and `rollback`.

use std::io::{self, Write};

use sentimeter_corpus::{Corpus, Snapshots};
use sentimeter_experiment::registry::{self, Promoted, RegistryError, Rule, Standing};
use sentimeter_store::{Blocking, StoreError, Version, Who};

use super::who;
use crate::args::{Global, ModelsPromoteArgs};
use crate::commands::print_json;
use crate::mlflow::Announcing;
use crate::progress::Shown;
use crate::{data, report};

/// How often a promotion that another one overtakes is decided anew.
const TRIES: usize = 8;

pub(super) fn promote(global: &Global, store: &Blocking, args: &ModelsPromoteArgs) -> anyhow::Result<()> {
    let version = store.run(|s| registry::resolve(s, &args.reference))?;
    registry::check(&version.of.model, Some(&args.to))?;
    let rule = Rule { metric: args.metric.clone(), margin: args.margin };
    let announcing = Announcing::of(global);
    announcing.introduce(store, version.of.run.as_ref())?;
    let who = who(args.reason.as_ref());
    let promoted = if args.data.is_empty() {
        by_record(store, &version, &args.to, &rule, (args.force, &who), &announcing)?
    } else {
        let mut progress = Shown::new(global.quiet);
        let corpus = data::load(global, &args.data, &args.read.options(), &mut progress)?;
        let name = report::data_name(&args.data);
        let measured = (name.as_str(), &corpus);
        let unseen = |version: &Version| learned_from(global, store, version, &args.data);
        decide(store, &version, &args.to, &rule, (args.force, &who), &announcing, |champion, standing| {
            if matches!(standing, Standing::Free | Standing::Holds) {
                return Ok(standing);
            }
            for version in [champion, &version] {
                if let Some(name) = unseen(version)? {
                    return Ok(Standing::Unknown(format!("{} learned from {name}", version.reference())));
                }
            }
            measure(store, (champion, &version), measured, &rule)
        })?
    };
    announcing.send(store);
    if global.json {
        print_json(&promoted)?;
    } else {
        tell(&mut io::stdout().lock(), &promoted)?;
    }
    Ok(())
}

fn measure(
    store: &Blocking,
    both: (&Version, &Version),
    data: (&str, &Corpus),
    rule: &Rule,
) -> anyhow::Result<Standing> {
    Ok(Standing::Compared(registry::compare(store.store(), both, data, rule)?))
}

/// Promotes by what is recorded of both.
pub(super) fn by_record(
    store: &Blocking,
    version: &Version,
    alias: &str,
    rule: &Rule,
    (forced, who): (bool, &Who),
    announcing: &Announcing,
) -> anyhow::Result<Promoted> {
    decide(store, version, alias, rule, (forced, who), announcing, |_, standing| Ok(standing))
}

/// Decides, and decides anew where somebody else has moved the alias meanwhile: what was compared with is
/// then no longer what would be replaced.
fn decide(
    store: &Blocking,
    version: &Version,
    alias: &str,
    rule: &Rule,
    (forced, who): (bool, &Who),
    announcing: &Announcing,
    judge: impl Fn(&Version, Standing) -> anyhow::Result<Standing>,
) -> anyhow::Result<Promoted> {
    let mut tries = 0;
    loop {
        tries += 1;
        let (holds, mut standing) = store.run(|s| registry::standing(s, version, alias, rule))?;
        if let Some(holds) = &holds {
            standing = judge(holds, standing)?;
        }
        let seen = holds.map(|holds| holds.version);
        let done = store.run(|s| {
            registry::promote(s, (version, alias), (seen, standing), rule, (forced, who), |version| {
                announcing.alias(version, alias)
            })
        });
        match done {
            Err(RegistryError::Store(StoreError::Conflict { what: "alias", .. })) if tries < TRIES => {}
            done => return Ok(done?),
        }
    }
}

/// The name among `data` that the run of `version` learned from, if there is one.
fn learned_from(
    global: &Global,
    store: &Blocking,
    version: &Version,
    data: &[String],
) -> anyhow::Result<Option<String>> {
    let Some(run) = &version.of.run else { return Ok(None) };
    let inputs = store.run(|s| s.inputs(run))?;
    let learned: Vec<&str> =
        inputs.iter().filter(|input| input.role == "train").map(|input| input.hash.as_str()).collect();
    for name in data {
        let hash = if data::imported(global, name) {
            Snapshots::at(&global.home).manifest(name)?.version
        } else {
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(std::fs::File::open(name)?)?;
            hasher.finalize().to_hex().to_string()
        };
        if learned.contains(&hash.as_str()) {
            return Ok(Some(name.clone()));
        }
    }
    Ok(None)
}

/// What a promotion did.
pub(super) fn tell(out: &mut impl Write, promoted: &Promoted) -> io::Result<()> {
    let Promoted { version, alias, previous, standing, forced } = promoted;
    let model = version.split('@').next().unwrap_or_default();
    let before = previous.map_or("the first".to_owned(), |previous| format!("before it {model}@{previous}"));
    let against = if *forced { ", against the rule" } else { "" };
    match standing {
        Standing::Holds => writeln!(out, "{version} is the {alias} already"),
        Standing::Compared(found) => writeln!(out, "{version} is the {alias}, {before}{against}: {found}"),
        Standing::Free | Standing::Unknown(_) => writeln!(out, "{version} is the {alias}, {before}{against}"),
    }
}

pub(super) fn roll_back(
    global: &Global,
    store: &Blocking,
    (name, alias): (&str, &str),
    reason: Option<&String>,
) -> anyhow::Result<()> {
    let announcing = Announcing::of(global);
    let who = who(reason);
    let (version, previous) = store.run(|s| registry::former_version(s, name, alias))?;
    announcing.introduce(store, version.of.run.as_ref())?;
    let also = announcing.alias(&version, alias);
    store.run(|s| registry::roll_back(s, (&version, previous), alias, &who, &also))?;
    announcing.send(store);
    if global.json {
        print_json(&serde_json::json!({
            "version": version.reference(), "alias": alias, "previous": previous,
        }))?;
    } else {
        let after = previous.map_or(String::new(), |previous| format!(", after {name}@{previous}"));
        writeln!(io::stdout(), "{} is the {alias} again{after}", super::show::one_line(&version))?;
    }
    Ok(())
}
