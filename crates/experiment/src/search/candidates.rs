//! The combinations of settings that are compared.

use std::collections::HashSet;

use toml::Value;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::settings::{Method, SearchPlan};
use super::space::{Dimension, Values, dimensions};
use crate::{ExperimentError, Plan};

/// Candidates past which a mistake is likelier than a wish.
const MOST: u128 = 10_000;

/// Draws in a row that bring nothing new, after which there is nothing new.
const PATIENCE: u32 = 100_000;

/// A combination of settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// What it sets, by dotted key, in the order of the search space.
    pub params: Vec<(String, Value)>,
    /// The whole plan with that.
    pub plan: Plan,
}

impl Candidate {
    /// What it sets, each as `--set` takes it: `recipe.preset=en`, `logistic.c=1.0`.
    pub fn settings(&self) -> Vec<String> {
        settings(&self.params)
    }

    /// All of that in one line.
    pub fn name(&self) -> String {
        name(&self.params)
    }
}

fn settings(params: &[(String, Value)]) -> Vec<String> {
    params.iter().map(|(key, value)| format!("{key}={}", shown(value))).collect()
}

fn name(params: &[(String, Value)]) -> String {
    settings(params).join(" ")
}

/// A value as `--set` takes it: a word without quotes, lists without blanks, all else as TOML has it.
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(word) => word.clone(),
        Value::Array(items) => {
            let inner = items.iter().map(|item| match item {
                Value::Array(_) => shown(item),
                other => other.to_string(),
            });
            format!("[{}]", inner.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// The plan's candidates, in an order that plan and seed decide, and what should be said of them.
pub(super) fn candidates(
    plan: &Plan,
    search: &SearchPlan,
) -> Result<(Vec<Candidate>, Vec<String>), ExperimentError> {
    let space = dimensions(plan)?;
    // Combinations; none where a range has any number of values.
    let combinations: Option<u128> =
        space.iter().try_fold(1_u128, |product, d| Some(product.saturating_mul(d.len()? as u128)));
    let drawn = match (search.method, search.candidates) {
        (Method::Grid, Some(n)) => {
            return wrong(format!(
                "search.candidates is {n}, but a grid takes every combination: leave it out, or set \
                 search.method = \"random\""
            ));
        }
        (Method::Random, None) => {
            return wrong("random search wants search.candidates: how many to draw".to_owned());
        }
        (_, given) => given,
    };
    let all = match (drawn, combinations) {
        (Some(0), _) => return wrong("search.candidates is 0; it must be at least 1".to_owned()),
        (Some(n), _) if u128::from(n) > MOST => {
            return wrong(format!("search.candidates is {n}; at most {MOST} are compared"));
        }
        (Some(n), Some(all)) if u128::from(n) > all => {
            return wrong(format!(
                "search.candidates is {n}, but the space has only {all} combinations: ask for fewer, or for \
                 all of them with search.method = \"grid\""
            ));
        }
        (Some(n), _) => draw(plan, &space, n as usize)?,
        (None, None) => {
            let endless = space.iter().find(|d| d.len().is_none()).map_or("", |d| &d.key);
            return wrong(format!(
                "search.space.{endless} is a range of any number of values, which no grid has: give it steps, \
                 list its values, or draw with search.method = \"random\" and search.candidates"
            ));
        }
        (None, Some(all)) if all > MOST => {
            return wrong(format!(
                "the space has {all} combinations, and at most {MOST} are compared: list fewer values, or draw \
                 with search.method = \"random\" and search.candidates"
            ));
        }
        (None, Some(_)) => grid(&space),
    };
    checked(plan, all)
}

fn wrong<T>(why: String) -> Result<T, ExperimentError> {
    Err(ExperimentError::Plan { why })
}

type Params = Vec<(String, Value)>;

/// Plans of the combinations; those that make no plan (neither words nor characters) are left out and told.
fn checked(plan: &Plan, all: Vec<Params>) -> Result<(Vec<Candidate>, Vec<String>), ExperimentError> {
    let (mut candidates, mut notes, of) = (Vec::new(), Vec::new(), all.len());
    for params in all {
        let mut whole = plan.with(params.iter().map(|(key, value)| (key.as_str(), value)))?;
        whole.name_kernel();
        match whole.check() {
            Ok(()) => candidates.push(Candidate { params, plan: whole }),
            Err(error) => notes.push(format!("left out: {}: {error}", name(&params))),
        }
    }
    if candidates.is_empty() {
        return wrong(format!("none of the {of} combinations can be learned by; {}", notes.join("; ")));
    }
    Ok((candidates, notes))
}

/// Every combination; the last setting changes fastest.
fn grid(space: &[Dimension]) -> Vec<Params> {
    let mut all: Vec<Params> = vec![Vec::new()];
    for Dimension { key, values } in space {
        let Values::List(values) = values else { continue };
        all = all
            .into_iter()
            .flat_map(|params| {
                values.iter().map(move |value| {
                    let mut params = params.clone();
                    params.push((key.clone(), value.clone()));
                    params
                })
            })
            .collect();
    }
    all
}

/// `n` different combinations; the first of more are those of fewer.
fn draw(plan: &Plan, space: &[Dimension], n: usize) -> Result<Vec<Params>, ExperimentError> {
    let (mut drawn, mut known) = (Vec::with_capacity(n), HashSet::new());
    let (mut number, mut in_vain) = (0_u64, 0);
    while drawn.len() < n {
        let params: Params = space
            .iter()
            .map(|Dimension { key, values }| {
                let share = share(plan.seed, number, key);
                let value = match values {
                    Values::List(values) => {
                        values[((share * values.len() as f64) as usize).min(values.len() - 1)].clone()
                    }
                    Values::Between(range) => range.at(share),
                };
                (key.clone(), value)
            })
            .collect();
        number += 1;
        if known.insert(name(&params)) {
            drawn.push(params);
            in_vain = 0;
        } else {
            in_vain += 1;
            if in_vain > PATIENCE {
                return wrong(format!(
                    "search.candidates is {n}, but the space seems to have only {} combinations",
                    drawn.len()
                ));
            }
        }
    }
    Ok(drawn)
}

/// A number in `[0, 1)` that belongs to a seed, a draw and a key, whatever else is drawn.
fn share(seed: u64, number: u64, key: &str) -> f64 {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.extend_from_slice(key.as_bytes());
    (xxh3_64_with_seed(&bytes, seed) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<(Vec<Candidate>, Vec<String>), ExperimentError> {
        let plan = Plan::from_toml(text, &[]).unwrap();
        candidates(&plan, plan.search.as_ref().unwrap())
    }

    fn names(text: &str) -> Vec<String> {
        of(text).unwrap().0.iter().map(Candidate::name).collect()
    }

    #[test]
    fn a_grid_holds_every_combination_once() {
        let found = names("[search.space]\nrecipe.preset = [\"en\", \"fr\"]\nlogistic.c = [1.0, 2.0, 4.0]");
        assert_eq!(found[0], "recipe.preset=en logistic.c=1.0");
        assert_eq!(found[1], "recipe.preset=en logistic.c=2.0");
        assert_eq!(found.len(), 6);
        assert_eq!(found.iter().collect::<HashSet<_>>().len(), 6);
        let (candidates, _) = of("[search.space]\nrecipe.preset = [\"fr\"]\nlogistic.c = [2]").unwrap();
        assert_eq!(candidates[0].plan.recipe.preset.as_deref(), Some("fr"));
        assert_eq!(candidates[0].plan.logistic.c, 2.0);
    }

    #[test]
    fn combinations_that_make_no_plan_are_left_out_and_told() {
        let (found, notes) =
            of("[search.space]\nfeatures.words = [[], [1, 2]]\nfeatures.chars = [[], [3, 5]]").unwrap();
        assert_eq!((found.len(), notes.len()), (3, 1));
        assert!(notes[0].contains("features.words=[] features.chars=[]"), "{notes:?}");
        let error = of("[features]\nchars = []\n[search.space]\nfeatures.words = [[]]").unwrap_err();
        assert!(error.to_string().contains("none of the 1"), "{error}");
    }

    #[test]
    fn draws_differ_follow_the_seed_and_begin_alike() {
        let plan = |n: u32, seed: u32| {
            names(&format!(
                "seed = {seed}\n[search]\nmethod = \"random\"\ncandidates = {n}\n[search.space]\n\
                 features.min_df = {{ from = 1, to = 4 }}\nrecipe.preset = [\"en\", \"fr\"]\n\
                 logistic.c = {{ from = 0.01, to = 100.0, scale = \"log\" }}"
            ))
        };
        let (few, more) = (plan(10, 0), plan(30, 0));
        assert_eq!(few[..], more[..10]);
        assert_eq!(more.iter().collect::<HashSet<_>>().len(), 30);
        assert_ne!(few, plan(10, 1));
        let all = names(
            "[search]\nmethod = \"random\"\ncandidates = 8\n[search.space]\n\
             features.min_df = { from = 1, to = 4 }\nrecipe.preset = [\"en\", \"fr\"]",
        );
        assert_eq!(all.len(), 8, "all that there are");
    }

    #[test]
    fn numbers_that_cannot_be_met_get_a_sentence() {
        let lists = "[search.space]\nlogistic.c = [1.0, 2.0]";
        let range = "[search.space]\nlogistic.c = { from = 1.0, to = 2.0 }";
        for (head, space, part) in [
            ("method = \"random\"\ncandidates = 3", lists, "only 2 combinations"),
            ("method = \"random\"\ncandidates = 0", lists, "at least 1"),
            ("method = \"random\"", lists, "wants search.candidates"),
            ("candidates = 2", lists, "takes every combination"),
            ("", range, "give it steps"),
            ("method = \"halving\"", range, "give it steps"),
            ("method = \"random\"\ncandidates = 20000", range, "at most 10000"),
        ] {
            let error = of(&format!("[search]\n{head}\n{space}")).unwrap_err().to_string();
            assert!(error.contains(part), "{head}: {error}");
        }
        let many = "[search.space]\nlogistic.c = { from = 1.0, to = 2.0, steps = 1000 }\n\
                    features.min_df = { from = 1, to = 1000, steps = 1000 }";
        assert!(of(many).unwrap_err().to_string().contains("1000000 combinations"));
        let closed = "[search]\nmethod = \"random\"\ncandidates = 5\n[search.space]\n\
                      features.min_df = { from = 1, to = 4 }";
        assert!(of(closed).unwrap_err().to_string().contains("only 4 combinations"));
    }
}
