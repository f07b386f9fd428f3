//! Nested values as names with dots.

use sentimeter_store::Metric;
use serde::Serialize;
use serde_json::Value;

/// The settings of a plan, or of anything that serialises, as dotted names and values: texts as they
/// are, lists as JSON.
pub fn params_of(settings: &impl Serialize) -> Vec<(String, String)> {
    params_of_json(&serde_json::to_value(settings).unwrap_or_default())
}

/// The same of JSON.
pub fn params_of_json(settings: &Value) -> Vec<(String, String)> {
    let mut params = Vec::new();
    walk(settings, "", &mut |name, value| {
        let shown = match value {
            Value::String(text) => text.clone(),
            Value::Null => return,
            other => other.to_string(),
        };
        params.push((name.to_owned(), shown));
    });
    params
}

/// Every number in `measured` as a metric at `step`, under its dotted name below `prefix`; an interval,
/// a list of two numbers under `intervals`, becomes `NAME.low` and `NAME.high`. Other lists are left out:
/// they are tables, not metrics.
pub fn metrics_of(measured: &impl Serialize, prefix: &str, step: i64, time: i64) -> Vec<Metric> {
    let mut metrics = Vec::new();
    let measured = serde_json::to_value(measured).unwrap_or_default();
    walk(&measured, prefix, &mut |name, value| {
        let mut push = |name: String, value: &Value| {
            let number = match value {
                Value::Bool(yes) => Some(f64::from(u8::from(*yes))),
                other => other.as_f64(),
            };
            metrics.extend(number.map(|value| Metric { name, step, time, value }));
        };
        match value {
            Value::Array(pair) => {
                if let ([low, high], Some(of)) = (&pair[..], name.split_once("intervals.")) {
                    push(format!("{}{}.low", of.0, of.1), low);
                    push(format!("{}{}.high", of.0, of.1), high);
                }
            }
            other => push(name.replace("intervals.", ""), other),
        }
    });
    metrics
}

fn walk(value: &Value, name: &str, found: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                walk(inner, &name, found);
            }
        }
        other => found(name, other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_and_measures_have_dotted_names() {
        let plan = json!({ "seed": 1, "features": { "words": [1, 2], "chars": null }, "recipe": { "preset": "en" } });
        let pairs = [("seed", "1"), ("features.words", "[1,2]"), ("recipe.preset", "en")];
        assert_eq!(params_of(&plan), pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let found = json!({
            "accuracy": 0.5, "labels": ["a", "b"], "confusion": [[1, 2], [3, 4]], "roc_auc": null,
            "intervals": { "resamples": 10, "accuracy": [0.25, 0.75] }, "classes": { "a": { "f1": 1 } },
        });
        let metrics = metrics_of(&found, "", 3, 9);
        let all: Vec<(&str, f64)> = metrics.iter().map(|m| (m.name.as_str(), m.value)).collect();
        let want = [
            ("accuracy", 0.5),
            ("resamples", 10.0),
            ("accuracy.low", 0.25),
            ("accuracy.high", 0.75),
            ("classes.a.f1", 1.0),
        ];
        assert_eq!(all, want);
        assert!(metrics.iter().all(|m| (m.step, m.time) == (3, 9)));
    }
}
