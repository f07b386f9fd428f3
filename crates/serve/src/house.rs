//! What the interface and the pages both do to what is registered, recorded and reported.

use std::collections::BTreeMap;

use sentimeter_experiment::registry::{self, Promoted, RegistryError, Rule, Standing};
use sentimeter_model::metrics::{Agreement, agreement};
use sentimeter_store::{Judgement, Key, Role, StoreError, Version, Who, Write};

use crate::app::App;
use crate::problem::Problem;

/// How often a promotion that another one overtakes is decided anew.
const TRIES: usize = 8;

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Store(error) => error.into(),
            RegistryError::Name { .. } => Self::field("name", error.to_string()),
            RegistryError::Which { .. } => Self::not_found(error.to_string()),
            RegistryError::NoReason { .. } => {
                Self::field("reason", "is missing: to set the rule aside wants one")
            }
            RegistryError::Worse { .. }
            | RegistryError::Incomparable { .. }
            | RegistryError::Unlike { .. }
            | RegistryError::Metric { .. }
            | RegistryError::NoFormer { .. } => Self::conflict(without_flags(&error.to_string())),
            error => {
                tracing::error!(error = &error as &dyn std::error::Error, "the registry failed");
                Self::internal()
            }
        }
    }
}

/// What the command line says, without what only its user can type.
fn without_flags(said: &str) -> String {
    let end = said.find("; promote it all the same").or(said.find("; name labelled texts"));
    let said = &said[..end.unwrap_or(said.len())];
    said.replace(" (--margin)", "")
}

fn who(caller: &str, reason: Option<&str>) -> Who {
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    Who { name: caller.to_owned(), host: "server".to_owned(), reason: reason.map(str::to_owned) }
}

/// What is written elsewhere together with the change.
fn announced(app: &App, version: &Version, alias: &str) -> Vec<Write> {
    app.inner.announce.as_ref().map_or_else(Vec::new, |announce| announce.alias(version, alias))
}

/// Has `version` be known wherever its alias is told of.
async fn introduce(app: &App, version: &Version) -> Result<(), Problem> {
    let Some(announce) = app.inner.announce.clone() else { return Ok(()) };
    let version = version.clone();
    let done = tokio::task::spawn_blocking(move || announce.introduce(&version)).await;
    done.map_err(|_| Problem::internal())??;
    Ok(())
}

/// How `version` stands to the champion of its model.
pub(crate) async fn standing(app: &App, version: &Version) -> Result<Standing, Problem> {
    let store = &app.inner.store;
    let (_, standing) = registry::standing(store, version, registry::CHAMPION, &Rule::default()).await?;
    Ok(standing)
}

/// Points `alias` at the version that `reference` means, if the rule lets it; it answers at once.
pub(crate) async fn promote(
    app: &App,
    (reference, alias): (&str, &str),
    (forced, reason): (bool, Option<&str>),
    caller: &str,
) -> Result<Promoted, Problem> {
    let (store, rule, who) = (&app.inner.store, Rule::default(), who(caller, reason));
    let version = registry::resolve(store, reference).await?;
    introduce(app, &version).await?;
    let also = |version: &Version| announced(app, version, alias);
    let mut tries = 0;
    let promoted = loop {
        tries += 1;
        let (holds, standing) = registry::standing(store, &version, alias, &rule).await?;
        let seen = (holds.map(|holds| holds.version), standing);
        let done = registry::promote(store, (&version, alias), seen, &rule, (forced, &who), also).await;
        match done {
            Err(RegistryError::Store(StoreError::Conflict { what: "alias", .. })) if tries < TRIES => {}
            done => break done?,
        }
    };
    if promoted.standing != Standing::Holds {
        app.inner.moved.notify_one();
    }
    Ok(promoted)
}

/// Puts the former version back; gives it and the number of the one that it replaces.
pub(crate) async fn roll_back(
    app: &App,
    (model, alias): (&str, &str),
    reason: Option<&str>,
    caller: &str,
) -> Result<(Version, Option<i64>), Problem> {
    let (store, who) = (&app.inner.store, who(caller, reason));
    let (version, previous) = registry::former_version(store, model, alias).await?;
    introduce(app, &version).await?;
    let also = announced(app, &version, alias);
    registry::roll_back(store, (&version, previous), alias, &who, &also).await?;
    app.inner.moved.notify_one();
    Ok((version, previous))
}

/// Has a key open nothing any more. The last one that may make others stays.
pub(crate) async fn revoke(app: &App, id: &str, caller: &str) -> Result<Key, Problem> {
    let store = &app.inner.store;
    let keys = store.keys().await?;
    let admins: Vec<&Key> =
        keys.iter().filter(|key| key.role == Role::Admin && key.revoked.is_none()).collect();
    if let [last] = admins[..]
        && last.id == id
    {
        return Err(Problem::conflict("this is the last admin key; make another one first"));
    }
    if !keys.iter().any(|key| key.id == id && key.revoked.is_none()) {
        return Err(Problem::not_found(format!("there is no key {id:?} that opens anything")));
    }
    Ok(store.revoke_key(id, caller).await?)
}

/// Two who judged the same reports.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    /// `None` is the model.
    pub(crate) first: Option<String>,
    /// `None` is every reviewer.
    pub(crate) second: Option<String>,
    pub(crate) found: Agreement,
}

/// How the model and reviewers agree, all together and each, and then reviewers with one another.
pub(crate) async fn agreements(app: &App) -> Result<Vec<Pair>, Problem> {
    Ok(pairs(&app.inner.store.judgements().await?))
}

fn pairs(judgements: &[Judgement]) -> Vec<Pair> {
    let mut reviewers: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    let mut with_model: Vec<(&str, &str)> = Vec::new();
    let mut of_each: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for one in judgements {
        let Some(label) = one.label.as_deref() else { continue };
        reviewers.entry(&one.reviewer).or_default().insert(&one.correction, label);
        if let Some(model) = one.model.as_deref() {
            with_model.push((model, label));
            of_each.entry(&one.reviewer).or_default().push((model, label));
        }
    }
    let mut pairs = Vec::new();
    if !with_model.is_empty() {
        pairs.push(Pair { first: None, second: None, found: agreement(with_model) });
    }
    if of_each.len() > 1 {
        pairs.extend(of_each.into_iter().map(|(reviewer, labels)| Pair {
            first: None,
            second: Some(reviewer.to_owned()),
            found: agreement(labels),
        }));
    }
    let names: Vec<&str> = reviewers.keys().copied().collect();
    for (at, first) in names.iter().enumerate() {
        for second in &names[at + 1..] {
            let (a, b) = (&reviewers[first], &reviewers[second]);
            let both: Vec<(&str, &str)> =
                a.iter().filter_map(|(report, label)| Some((*label, *b.get(report)?))).collect();
            if !both.is_empty() {
                pairs.push(Pair {
                    first: Some((*first).to_owned()),
                    second: Some((*second).to_owned()),
                    found: agreement(both),
                });
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_paired_with_reviewers_and_they_with_one_another() {
        let judged = |correction: &str, reviewer: &str, label: &str, model: Option<&str>| Judgement {
            correction: correction.to_owned(),
            reviewer: reviewer.to_owned(),
            label: Some(label.to_owned()),
            model: model.map(str::to_owned),
        };
        let found = pairs(&[
            judged("1", "ada", "positive", Some("negative")),
            judged("1", "bob", "negative", Some("negative")),
            judged("2", "ada", "neutral", None),
            judged("2", "bob", "neutral", None),
            judged("3", "ada", "positive", Some("positive")),
        ]);
        let told: Vec<(Option<&str>, Option<&str>, u64, f64)> = found
            .iter()
            .map(|p| (p.first.as_deref(), p.second.as_deref(), p.found.rows, p.found.share))
            .collect();
        assert_eq!(
            told,
            [
                (None, None, 3, 2.0 / 3.0),
                (None, Some("ada"), 2, 0.5),
                (None, Some("bob"), 1, 1.0),
                (Some("ada"), Some("bob"), 2, 0.5),
            ]
        );
        assert!(pairs(&[]).is_empty());
    }

    #[test]
    fn what_the_server_says_names_no_flags() {
        let said = "m@2 is not promoted: worse by 0.1, and at most 0.005 is let through (--margin); promote it all the \
                    same with --force --reason \"…\"";
        assert_eq!(
            without_flags(said),
            "m@2 is not promoted: worse by 0.1, and at most 0.005 is let through"
        );
    }
}
