//! `[search.space]`: which values each setting may take.

use toml::Value;

use super::settings::{Range, Scale};
use crate::{ExperimentError, Plan};

/// What a plan without a space is told to write.
const EXAMPLE: &str = "\
[search.space]
recipe.preset = [\"tweet-en\", \"en\"]
features.words = [[1, 1], [1, 2]]
logistic.c = [0.5, 1.0, 2.0]";

/// A setting and the values that it may take.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dimension {
    /// Its dotted key.
    pub(super) key: String,
    pub(super) values: Values,
}

/// What a setting may be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Values {
    /// One of these, no two alike.
    List(Vec<Value>),
    /// Any number between two ends.
    Between(Range),
}

impl Dimension {
    /// Distinct values; `None` where they are not counted.
    pub(super) fn len(&self) -> Option<usize> {
        match &self.values {
            Values::List(values) => Some(values.len()),
            Values::Between(_) => None,
        }
    }
}

/// The dimensions of the plan's space, in the order of the file, each value tried against the plan.
pub(super) fn dimensions(plan: &Plan) -> Result<Vec<Dimension>, ExperimentError> {
    let mut found = Vec::new();
    if let Some(search) = &plan.search {
        flatten(&search.space, "", &mut found)?;
    }
    if found.is_empty() {
        return wrong(format!("the plan has no search space; say what to try, for example:\n\n{EXAMPLE}\n"));
    }
    let both = |key: &str| found.iter().any(|d| d.key == key);
    if both("recipe.preset") && both("recipe.steps") {
        return wrong(
            "search.space has both recipe.preset and recipe.steps, and each stands in place of the other: \
             leave one out"
                .to_owned(),
        );
    }
    found.iter().try_for_each(|dimension| try_values(plan, dimension))?;
    Ok(found)
}

fn wrong<T>(why: String) -> Result<T, ExperimentError> {
    Err(ExperimentError::Plan { why })
}

/// Walks through tables until a list or a range.
fn flatten(table: &toml::Table, prefix: &str, found: &mut Vec<Dimension>) -> Result<(), ExperimentError> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let values = match value {
            // No setting's last part is called so.
            Value::Table(inner) if !["from", "to"].iter().any(|end| inner.contains_key(*end)) => {
                flatten(inner, &key, found)?;
                continue;
            }
            Value::Table(_) => range(&key, value.clone())?,
            Value::Array(values) => Values::List(values.clone()),
            other => {
                return wrong(format!(
                    "search.space.{key} is {other}: it wants a list of values, [{other}], or a range, \
                     {{ from = 0.1, to = 10.0, scale = \"log\" }}"
                ));
            }
        };
        if found.iter().any(|d| d.key == key) {
            return wrong(format!("search.space.{key} stands there twice"));
        }
        found.push(Dimension { key, values });
    }
    Ok(())
}

fn range(key: &str, value: Value) -> Result<Values, ExperimentError> {
    let range: Range = value.try_into().map_err(|e: toml::de::Error| ExperimentError::Plan {
        why: format!(
            "search.space.{key}: {}; a range is {{ from = 0.1, to = 10.0, scale = \"log\", steps = 5 }}, \
             the last two at choice",
            e.message()
        ),
    })?;
    let (from, to) = (range.from.real(), range.to.real());
    if !(from.is_finite() && to.is_finite() && from < to) {
        return wrong(format!(
            "search.space.{key} goes from {from} to {to}; the first must be below the second"
        ));
    }
    if range.scale == Scale::Log && from <= 0.0 {
        return wrong(format!("search.space.{key} is on a log scale from {from}; it must start above 0"));
    }
    let Some(steps) = range.steps else { return Ok(Values::Between(range)) };
    if !(2..=1000).contains(&steps) {
        return wrong(format!("search.space.{key} has {steps} steps; it wants 2 to 1000"));
    }
    let mut values: Vec<Value> = (0..steps).map(|i| range.at(f64::from(i) / f64::from(steps - 1))).collect();
    values.dedup(); // whole numbers that lie too close
    Ok(Values::List(values))
}

impl Range {
    /// The number at `share`, in 0..=1, of the way. Whole numbers are rounded, others to four digits, so
    /// that what is shown of a candidate is all of it.
    pub(super) fn at(&self, share: f64) -> Value {
        use super::settings::Number::Whole;
        let (from, to) = (self.from.real(), self.to.real());
        let x = match self.scale {
            Scale::Linear => from + share * (to - from),
            Scale::Log => libm::exp(libm::log(from) + share * (libm::log(to) - libm::log(from))),
        };
        let x = x.clamp(from, to);
        if let (Whole(_), Whole(_)) = (self.from, self.to) {
            return Value::Integer(x.round() as i64);
        }
        let digits: f64 = format!("{x:.3e}").parse().expect("a number that was just written");
        Value::Float(digits.clamp(from, to))
    }
}

/// Refuses unknown settings, those that all candidates must share, and values that the setting cannot have.
fn try_values(plan: &Plan, dimension: &Dimension) -> Result<(), ExperimentError> {
    let key = &dimension.key;
    let first = key.split('.').next().unwrap_or_default();
    if let Some(why) = match first {
        "seed" | "split" => {
            Some("it decides what candidates are compared on, which must be the same for all")
        }
        "calibration" => Some("candidates are compared before calibration, so it changes no score"),
        "search" => Some("a search does not search itself"),
        _ => None,
    } {
        return wrong(format!("search.space.{key} cannot be searched over: {why}"));
    }
    let ends: Vec<Value> = match &dimension.values {
        Values::List(values) => values.clone(),
        Values::Between(range) => vec![range.at(0.0), range.at(1.0)],
    };
    if ends.is_empty() {
        return wrong(format!("search.space.{key} is an empty list: name the values to try"));
    }
    for (i, value) in ends.iter().enumerate() {
        if ends[..i].contains(value) && dimension.len().is_some() {
            return wrong(format!("search.space.{key} has the value {value} twice"));
        }
        let tried = match plan.with([(key.as_str(), value)]) {
            Ok(tried) => tried,
            Err(error) if known(key) => {
                return wrong(format!("search.space.{key} cannot be {value}: {error}"));
            }
            Err(_) => {
                let meant = nearest(key).map_or_else(
                    || format!("there are {}", keys().join(", ")),
                    |known| format!("did you mean `{known}`?"),
                );
                return wrong(format!("search.space.{key}: there is no such setting; {meant}"));
            }
        };
        // Words and characters can only be judged together: see `candidates`.
        if !(["features.words", "features.chars"].contains(&key.as_str()))
            && let Err(error) = tried.check()
        {
            return wrong(format!("search.space.{key} cannot be {value}: {error}"));
        }
    }
    Ok(())
}

/// Settings that a default plan does not write out.
const OPTIONAL: [&str; 3] = ["recipe.steps", "features.char_min_df", "features.char_max_features"];

/// The dotted keys of a plan that can be searched over.
fn keys() -> Vec<String> {
    let mut keys = Vec::new();
    let plan = toml::Table::try_from(Plan::default()).unwrap_or_default();
    for (part, settings) in &plan {
        if let Value::Table(settings) = settings
            && !["split", "calibration"].contains(&part.as_str())
        {
            keys.extend(settings.keys().map(|name| format!("{part}.{name}")));
        }
    }
    keys.extend(OPTIONAL.map(str::to_owned));
    keys
}

fn known(key: &str) -> bool {
    keys().iter().any(|known| known == key)
}

/// The setting that was probably meant: one whose last part is `key`'s, or one that a few slips away.
fn nearest(key: &str) -> Option<String> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let mut ranked: Vec<(usize, String)> = keys()
        .into_iter()
        .map(|known| {
            let whole = slips(key, &known);
            let part = slips(&last(key), &last(&known));
            // The same word under another table is likelier than a slip in both.
            (if part <= 1 { part } else { whole }, known)
        })
        .collect();
    ranked.sort();
    ranked.into_iter().next().filter(|(slips, _)| *slips <= 2.max(key.len() / 4)).map(|(_, known)| known)
}

/// Letters to insert, delete or change until `a` is `b` (Levenshtein).
fn slips(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], i + 1);
        for (j, &y) in b.iter().enumerate() {
            let change = before + usize::from(x != y);
            before = row[j + 1];
            row[j + 1] = change.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(text: &str) -> Result<Vec<Dimension>, ExperimentError> {
        dimensions(&Plan::from_toml(&format!("[search.space]\n{text}"), &[]).unwrap())
    }

    #[track_caller]
    fn refused(text: &str, parts: &[&str]) {
        let error = space(text).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn lists_and_ranges_in_the_order_of_the_file() {
        let found = space(
            "logistic.c = { from = 0.01, to = 100.0, scale = \"log\", steps = 5 }\n\
             features.min_df = { from = 1, to = 3, steps = 9 }\n\
             features.chars = [[], [3, 5]]\n\
             sampling.kind = [\"none\", \"over\"]\n\
             logistic.class_weight = [\"none\", { negative = 2.0 }]",
        )
        .unwrap();
        let keys: Vec<&str> = found.iter().map(|d| d.key.as_str()).collect();
        assert_eq!(keys[..2], ["logistic.c", "logistic.class_weight"], "a table's settings stand together");
        let values = |key: &str| found.iter().find(|d| d.key == key).unwrap().values.clone();
        let floats = [0.01, 0.1, 1.0, 10.0, 100.0].map(Value::Float).to_vec();
        assert_eq!(values("logistic.c"), Values::List(floats));
        assert_eq!(values("features.min_df"), Values::List([1, 2, 3].map(Value::Integer).to_vec()));
    }

    #[test]
    fn mistakes_get_a_sentence() {
        refused("", &["no search space", "[search.space]", "logistic.c"]);
        refused("features.min_dff = [1]", &["features.min_dff", "did you mean `features.min_df`?"]);
        refused("c = [1.0]", &["`logistic.c`"]);
        refused("logistic.preset = [\"en\"]", &["`recipe.preset`"]);
        refused("zebra.quagga = [1]", &["no such setting", "logistic.tolerance"]);
        refused("logistic.c = []", &["empty list"]);
        refused("logistic.c = 1.0", &["wants a list", "[1.0]"]);
        refused("logistic.c = [1.0, 1.0]", &["1.0 twice"]);
        refused("logistic.c = [\"much\"]", &["logistic.c cannot be \"much\""]);
        refused("logistic.c = [-1.0]", &["above 0"]);
        refused("logistic.c = { from = 2.0, to = 1.0 }", &["from 2 to 1"]);
        refused("logistic.c = { from = 0.0, to = 1.0, scale = \"log\" }", &["above 0"]);
        refused("logistic.c = { from = 0.1, until = 1.0 }", &["until"]);
        refused("recipe.preset = [\"klingon\"]", &["klingon", "tweet-en"]);
        refused("seed = [1, 2]", &["seed", "compared on"]);
        refused("split.test_share = [0.1]", &["split.test_share"]);
        refused("calibration.kind = [\"none\"]", &["before calibration"]);
        refused("recipe.preset = [\"en\"]\nrecipe.steps = [[]]", &["leave one out"]);
    }

    #[test]
    fn slips_are_counted() {
        assert_eq!(slips("min_df", "min_df"), 0);
        assert_eq!(slips("mindf", "min_df"), 1);
        assert_eq!(slips("", "abc"), 3);
        assert_eq!(slips("kitten", "sitting"), 3);
    }
}
