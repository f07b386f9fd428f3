//! Whether a version may be the champion.

use std::fmt;

use sentimeter_corpus::Corpus;
use sentimeter_store::{Store, Version, Who, Write};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{CHAMPION, RegistryError, alias_name, model};
use crate::evaluate::answer;

/// Differences below this are those of floating point, not of models.
const NOTHING: f64 = 1e-9;

/// What a version must live up to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// The metric that decides.
    pub metric: String,
    /// How much worse than the champion is let through.
    pub margin: f64,
}

impl Default for Rule {
    fn default() -> Self {
        Self { metric: "macro_f1".to_owned(), margin: 0.005 }
    }
}

/// A version and what it scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// `NAME@VERSION`.
    pub version: String,
    /// The metric's value.
    pub value: f64,
}

/// Two versions measured on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The metric.
    pub metric: String,
    /// The one that holds the alias.
    pub champion: Score,
    /// The one that would.
    pub challenger: Score,
    /// What both were measured on, for people.
    pub ground: String,
    /// Content hash of its rows.
    pub rows_hash: Option<String>,
    /// How many.
    pub rows: Option<u64>,
}

impl Compared {
    /// How much worse the challenger is; below 0 where it is better.
    pub fn worse_by(&self) -> f64 {
        let by = self.champion.value - self.challenger.value;
        if lower_is_better(&self.metric) { -by } else { by }
    }

    /// Whether the challenger is worse by more than `margin`; what is no number is.
    pub fn refused(&self, margin: f64) -> bool {
        let by = self.worse_by();
        by.is_nan() || by > margin + NOTHING
    }
}

/// How a version stands to the one that holds an alias.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing holds the alias, or it is one that nobody guards.
    Free,
    /// It holds the alias already.
    Holds,
    /// Both were measured on the same rows.
    Compared(Compared),
    /// Nobody can say which is better, and why.
    Unknown(String),
}

/// What a promotion did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Promoted {
    /// `NAME@VERSION`.
    pub version: String,
    /// The alias.
    pub alias: String,
    /// Where it pointed before.
    pub previous: Option<i64>,
    /// How the two stood.
    pub standing: Standing,
    /// Whether the rule was set aside.
    pub forced: bool,
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { metric, champion, challenger, ground, .. } = self;
        write!(
            f,
            "{metric} {:.4}, {} has {:.4}, both on {ground}",
            challenger.value, champion.version, champion.value
        )
    }
}

/// Whether less of a metric is better.
pub fn lower_is_better(metric: &str) -> bool {
    matches!(metric, "log_loss" | "brier" | "ece")
}

fn score(version: &Version, metrics: &Value, metric: &str) -> Result<Score, RegistryError> {
    let value = metrics.get(metric).and_then(Value::as_f64).ok_or_else(|| {
        let known = metrics.as_object().into_iter().flatten();
        let known: Vec<&str> =
            known.filter(|(_, value)| value.is_f64()).map(|(name, _)| name.as_str()).collect();
        RegistryError::Metric {
            reference: version.reference(),
            metric: metric.to_owned(),
            known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
        }
    })?;
    Ok(Score { version: version.reference(), value })
}

/// How `version` stands to the one that holds `alias`, by what is recorded; and that one. Only the
/// champion is guarded: any other alias is free.
///
/// # Errors
/// A metric that is not recorded; a store that cannot be read.
pub async fn standing(
    store: &Store,
    version: &Version,
    alias: &str,
    rule: &Rule,
) -> Result<(Option<Version>, Standing), RegistryError> {
    let name = &version.of.model;
    let holds = store.aliases(name).await?.into_iter().find(|a| a.alias == alias).map(|a| a.version);
    let Some(holds) = holds else { return Ok((None, Standing::Free)) };
    let champion = store.find_version(&format!("{name}@{holds}")).await?;
    let standing = if champion.version == version.version {
        Standing::Holds
    } else if alias != CHAMPION {
        Standing::Free
    } else {
        recorded(&champion, version, rule)?
    };
    Ok((Some(champion), standing))
}

/// What was measured when both were trained counts where it was measured on the same rows.
fn recorded(champion: &Version, version: &Version, rule: &Rule) -> Result<Standing, RegistryError> {
    let of = |version: &Version| version.of.test_hash.clone().filter(|hash| !hash.is_empty());
    let same = of(champion).filter(|hash| of(version).as_ref() == Some(hash));
    let Some(hash) = same else {
        let short = |version: &Version| {
            of(version).map_or("nothing that is recorded".to_owned(), |hash| {
                format!("test rows {}", hash.get(..12).unwrap_or(&hash))
            })
        };
        return Ok(Standing::Unknown(format!(
            "it was measured on {}, and {}, the {CHAMPION}, on {}",
            short(version),
            champion.reference(),
            short(champion)
        )));
    };
    let rows = version.of.metrics.get("rows").and_then(Value::as_u64);
    let count = rows.map_or("the same test rows".to_owned(), |rows| format!("the same {rows} test rows"));
    Ok(Standing::Compared(Compared {
        metric: rule.metric.clone(),
        champion: score(champion, &champion.of.metrics, &rule.metric)?,
        challenger: score(version, &version.of.metrics, &rule.metric)?,
        ground: format!("{count} ({})", hash.get(..12).unwrap_or(&hash)),
        rows_hash: Some(hash),
        rows,
    }))
}

/// Measures two versions on the same rows of `data`, which people call `name`.
///
/// # Errors
/// Rows that one of them has no label for; a metric that does not exist.
pub fn compare(
    store: &Store,
    (champion, challenger): (&Version, &Version),
    (name, data): (&str, &Corpus),
    rule: &Rule,
) -> Result<Compared, RegistryError> {
    let measured = |version: &Version| -> Result<_, RegistryError> {
        let (model, _) = model(store, version)?;
        let (metrics, answers, hash) = answer(&model, data, model.card().lineage.seed)?;
        let score = score(version, &serde_json::to_value(&metrics).unwrap_or_default(), &rule.metric)?;
        Ok((score, answers.rows, hash, model.labels().to_vec()))
    };
    let (before, now) = (measured(champion)?, measured(challenger)?);
    if before.1 != now.1 {
        return Err(RegistryError::Unlike {
            why: format!(
                "{} and {} cannot be measured on the same rows of {name}: one has labels {}, the other {}; name data \
                 that has the labels of both alone",
                champion.reference(),
                challenger.reference(),
                before.3.join(", "),
                now.3.join(", ")
            ),
        });
    }
    let rows = now.1.len() as u64;
    Ok(Compared {
        metric: rule.metric.clone(),
        champion: before.0,
        challenger: now.0,
        ground: format!("{rows} rows of {name}"),
        rows_hash: Some(now.2),
        rows: Some(rows),
    })
}

/// Points `alias` at `version`, which stands as `standing` says to the version `seen` there; refuses what
/// is worse by more than the rule lets through, and what nobody has compared, unless `forced`.
///
/// # Errors
/// A refusal; an alias that has moved since it was looked at.
pub async fn promote(
    store: &Store,
    (version, alias): (&Version, &str),
    (seen, standing): (Option<i64>, Standing),
    rule: &Rule,
    (forced, who): (bool, &Who),
    also: impl FnOnce(&Version) -> Vec<Write>,
) -> Result<Promoted, RegistryError> {
    alias_name(alias)?;
    let refusal = refusal(version, alias, &standing, rule);
    let against = refusal.is_some();
    if let Some(refusal) = refusal {
        if !forced {
            return Err(refusal);
        }
        if who.reason.as_ref().is_none_or(|reason| reason.trim().is_empty()) {
            return Err(RegistryError::NoReason { reference: version.reference() });
        }
    }
    let reference = version.reference();
    let done = |previous| Promoted {
        version: reference,
        alias: alias.to_owned(),
        previous,
        standing: standing.clone(),
        forced: against,
    };
    if standing == Standing::Holds {
        return Ok(done(seen));
    }
    let detail = json!({ "standing": standing, "rule": rule, "forced": against });
    let what = (version.of.model.as_str(), alias, version.version);
    let previous = store.set_alias_with(what, seen, (who, "promote", &detail), &also(version)).await?;
    Ok(done(previous))
}

fn refusal(version: &Version, alias: &str, standing: &Standing, rule: &Rule) -> Option<RegistryError> {
    match standing {
        Standing::Free | Standing::Holds => None,
        Standing::Compared(found) if !found.refused(rule.margin) => None,
        Standing::Compared(found) => Some(RegistryError::Worse {
            alias: alias.to_owned(),
            found: Box::new(found.clone()),
            margin: rule.margin,
        }),
        Standing::Unknown(why) => {
            Some(RegistryError::Incomparable { challenger: version.reference(), why: why.clone() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(metric: &str, champion: f64, challenger: f64) -> Compared {
        let score = |version: &str, value| Score { version: version.to_owned(), value };
        Compared {
            metric: metric.to_owned(),
            champion: score("m@1", champion),
            challenger: score("m@2", challenger),
            ground: "x".to_owned(),
            rows_hash: None,
            rows: None,
        }
    }

    #[test]
    fn worse_by_more_than_the_margin_is_refused_whichever_way_the_metric_points() {
        for (metric, champion, challenger, want) in [
            ("macro_f1", 0.8, 0.9, false),
            ("macro_f1", 0.8, 0.795, false), // the margin itself, as floating point has it
            ("macro_f1", 0.8, 0.7949, true),
            ("log_loss", 0.4, 0.3, false),
            ("log_loss", 0.4, 0.405, false),
            ("log_loss", 0.4, 0.41, true),
            ("macro_f1", f64::NAN, 0.9, true),
        ] {
            let found = compared(metric, champion, challenger);
            assert_eq!(found.refused(0.005), want, "{metric} {champion} {challenger}");
        }
    }
}
