//! Where something stands in JSON: `ticket.comments[].body`.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// Values that one path may lead to.
const MOST: usize = 1000;

/// Nothing stands where a text should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing(pub(crate) String);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    Number(usize),
    /// Every element of a list.
    Each,
}

/// A way into nested JSON: names with dots between, `[3]` for an element of a list, `[]` for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

impl FromStr for Path {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        let raw = raw.strip_prefix("$.").unwrap_or(raw);
        let mut steps = Vec::new();
        for part in raw.split('.') {
            let (name, rest) = part.find('[').map_or((part, ""), |at| part.split_at(at));
            // A path may begin with a list: `[].text`.
            if name.is_empty() && (rest.is_empty() || !steps.is_empty()) {
                return Err("wants names with one dot between".to_owned());
            }
            if !name.is_empty() {
                steps.push(Step::Name(name.to_owned()));
            }
            let mut rest = rest;
            while !rest.is_empty() {
                let inner = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
                let (inner, next) = inner.ok_or("wants [] or [NUMBER] behind a list's name")?;
                steps.push(match inner {
                    "" | "*" => Step::Each,
                    number => Step::Number(number.parse().map_err(|_| "wants a number in [ ]")?),
                });
                rest = next;
            }
        }
        Ok(Self(steps))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Name(name) if at == 0 => f.write_str(name)?,
                Step::Name(name) => write!(f, ".{name}")?,
                Step::Number(number) => write!(f, "[{number}]")?,
                Step::Each => f.write_str("[]")?,
            }
        }
        Ok(())
    }
}

/// A value as a line of text: strings and numbers; lists and objects are none.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl Path {
    /// Everything that it leads to, in order; nulls are nothing.
    pub(super) fn all<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let mut found = vec![value];
        for step in &self.0 {
            found = found
                .into_iter()
                .flat_map(|value| -> Vec<&Value> {
                    match (step, value) {
                        (Step::Name(name), Value::Object(map)) => map.get(name).into_iter().collect(),
                        (Step::Number(at), Value::Array(list)) => list.get(*at).into_iter().collect(),
                        (Step::Each, Value::Array(list)) => list.iter().collect(),
                        _ => Vec::new(),
                    }
                })
                .take(MOST)
                .collect();
        }
        found.retain(|value| !value.is_null());
        found
    }

    /// The first that is a string or a number, if it is not empty.
    pub(super) fn first(&self, value: &Value) -> Option<String> {
        let found = self.all(value).into_iter().find_map(plain)?;
        Some(found.trim().to_owned()).filter(|found| !found.is_empty())
    }

    /// All that are strings or numbers.
    pub(super) fn texts(&self, value: &Value) -> Vec<String> {
        self.all(value).into_iter().filter_map(plain).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_where_they_say() {
        let value = json!({"a": {"b": [{"c": "x"}, {"c": 2}, {"d": null}], "e": ""}, "f": [[1, 2], [3]]});
        for (path, want) in [
            ("a.b[].c", vec!["x", "2"]),
            ("a.b[1].c", vec!["2"]),
            ("$.a.b[0].c", vec!["x"]),
            ("f[][]", vec!["1", "2", "3"]),
            ("a.b[2].d", vec![]),
            ("a.b", vec![]),
            ("a.nothing.c", vec![]),
            ("a.e", vec![""]),
        ] {
            let path: Path = path.parse().unwrap();
            assert_eq!(path.texts(&value), want, "{path}");
            assert_eq!(path.to_string().parse::<Path>(), Ok(path));
        }
        assert_eq!("[].x".parse::<Path>().unwrap().texts(&json!([{"x": 1}])), ["1"]);
        for wrong in ["", ".", "a..b", "a[", "a[x]", "a.", "a[1]x"] {
            assert!(wrong.parse::<Path>().is_err(), "{wrong}");
        }
    }
}
