//! JSON records: objects become fields, arrays fall into elements.

use serde_json::Value;

use super::split::{Fault, Record, Splitter};

/// Nested objects are looked into this deep for column names.
const DEPTH: usize = 4;

/// Puts the values of `keys` (`a.b` looks into objects) of the object `raw` into `record`; an
/// absent one becomes an empty field.
pub(crate) fn object(raw: &str, keys: &[String], record: &mut Record) -> Result<(), Fault> {
    let value: Value =
        serde_json::from_str(raw).map_err(|e| format!("found broken JSON ({e}), expected an object"))?;
    match value {
        Value::Object(_) => {
            for key in keys {
                push(find(&value, key), record);
            }
            Ok(())
        }
        // An array of strings is a list of texts.
        Value::String(text) if keys.len() <= 1 => {
            record.push(&text);
            Ok(())
        }
        other => Err(format!("found a JSON {}, expected an object", kind(&other))),
    }
}

fn find<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    if let Some(found) = value.get(key) {
        return Some(found);
    }
    let mut value = value;
    for part in key.split('.') {
        value = value.get(part)?;
    }
    Some(value)
}

fn push(value: Option<&Value>, record: &mut Record) {
    match value {
        None | Some(Value::Null) => record.push(""),
        Some(Value::String(s)) => record.push(s),
        Some(other) => record.push(&other.to_string()),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The object that `raw`, a record's bytes, holds, if `splitter` reads JSON.
pub(crate) fn raw(splitter: &Splitter, raw: &str) -> Option<String> {
    match splitter {
        Splitter::JsonLines { .. } => Some(raw.trim().to_owned()),
        Splitter::JsonArray { .. } => {
            // The record's bytes reach past its comma, the last one's to the end of the file.
            let mut values = serde_json::Deserializer::from_str(raw).into_iter::<serde::de::IgnoredAny>();
            let sound = values.next().is_some_and(|v| v.is_ok());
            Some(if sound { raw[..values.byte_offset()].trim() } else { raw.trim() }.to_owned())
        }
        _ => None,
    }
}

/// The column names of an object, dotted where objects are nested; in the object's order as far
/// as `serde_json` keeps it.
pub(crate) fn columns(raw: &str, into: &mut Vec<String>) {
    fn walk(value: &Value, prefix: &str, depth: usize, into: &mut Vec<String>) {
        let Value::Object(map) = value else { return };
        for (key, value) in map {
            let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            if value.is_object() && depth < DEPTH {
                walk(value, &name, depth + 1, into);
            } else if !into.contains(&name) {
                into.push(name);
            }
        }
    }
    if let Ok(value) = serde_json::from_str::<Value>(raw) {
        walk(&value, "", 0, into);
    }
}

/// Where the bracket of the array of records opens: the first of the file.
pub(crate) fn array_start(head: &[u8]) -> Option<usize> {
    let mut scan = Scan::default();
    head.iter().position(|&b| {
        let outside = !scan.in_string;
        scan.step(b);
        outside && b == b'['
    })
}

/// Follows strings and nesting.
#[derive(Debug, Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    fn step(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'[' | b'{' => self.depth += 1,
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

/// The end of the last element of an array that is complete in `bytes`, its comma included;
/// `bytes` start where an element may.
pub(crate) fn array_end(bytes: &[u8]) -> usize {
    let mut scan = Scan::default();
    let mut end = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if scan.depth == 0 && !scan.in_string {
            match byte {
                b',' => end = at + 1,
                // The array is over; what follows it must stay with its last element.
                b']' => break,
                _ => {}
            }
        }
        scan.step(byte);
    }
    end
}

/// Reads the array element of `block` at `at`; the array's closing bracket ends the block.
pub(crate) fn element(
    block: &str,
    at: usize,
    keys: &[String],
    record: &mut Record,
) -> (usize, Option<Fault>) {
    let bytes = block.as_bytes();
    let mut scan = Scan::default();
    let mut end = bytes.len();
    let mut next = end;
    for (i, &byte) in bytes.iter().enumerate().skip(at) {
        if scan.depth == 0 && !scan.in_string && matches!(byte, b',' | b']' | b'}') {
            end = i;
            // After the closing bracket comes nothing that we read.
            next = if byte == b',' { i + 1 } else { bytes.len() };
            break;
        }
        scan.step(byte);
    }
    let raw = block[at..end].trim();
    let fault = if raw.is_empty() { None } else { object(raw, keys, record).err() };
    (next.max(at + 1), fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_an_array() {
        let text = r#"{"meta": "[", "data": [{"a": "x,]", "b": {"c": 1}}, {"a": null}, 3]}"#;
        let at = array_start(text.as_bytes()).unwrap() + 1;
        let body = &text[at..];
        let keys = ["a".to_owned(), "b.c".to_owned()];
        let mut record = Record::default();
        let (next, fault) = element(body, 0, &keys, &mut record);
        assert_eq!((record.iter().collect::<Vec<_>>(), fault), (vec!["x,]", "1"], None));
        record.clear();
        let (next, fault) = element(body, next, &keys, &mut record);
        assert_eq!((record.iter().collect::<Vec<_>>(), fault), (vec!["", ""], None));
        record.clear();
        let (next, fault) = element(body, next, &keys, &mut record);
        assert!(fault.unwrap().contains("number"));
        assert_eq!(next, body.len());
        let mut names = Vec::new();
        columns(r#"{"a": "x", "b": {"c": 1}}"#, &mut names);
        assert_eq!(names, ["a", "b.c"]);
    }
}
