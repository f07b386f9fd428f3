//! What a server takes: keys, lengths, and how much at once.
//!
//! Past some limits a server answers 400, past others it cuts what it was sent and says nothing. Both are
//! prevented here, where somebody can be told.

use xxhash_rust::xxh3::xxh3_64;

use crate::wire::{Metric, Pair};

/// Characters of a key.
pub const MOST_KEY: usize = 250;
/// Entries of all kinds in a batch. The server's limit is 1000.
const MOST_ENTRIES: usize = 900;
/// Params and tags in a batch, each.
const MOST_PAIRS: usize = 100;
/// Bytes of a batch. The server's limit is a million.
const MOST_BYTES: usize = 900_000;

/// Characters that values may have. Servers before 2.8 are stricter; MLflow 3 cuts in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of a param.
    pub param: usize,
    /// Of a tag.
    pub tag: usize,
}

impl Limits {
    /// The limits of a server of this version; the strictest where it does not say.
    pub fn of(version: Option<&str>) -> Self {
        let mut parts = version.unwrap_or_default().split('.').map_while(|part| part.parse::<u32>().ok());
        match (parts.next(), parts.next()) {
            (Some(3..), _) => Self { param: 6000, tag: 8000 },
            (Some(2), Some(8..)) => Self { param: 6000, tag: 5000 },
            // 5000 bytes, which are a quarter as many characters at worst.
            _ => Self { param: 500, tag: 1250 },
        }
    }
}

/// A key as servers take it: letters, digits and `_-. :/`, at most 250 characters, and a path that names
/// only itself.
///
/// A key that had to change ends with a few digits that tell it from another that would look the same.
pub fn key(raw: &str) -> String {
    let kept: String = raw.chars().map(|c| if taken(c) { c } else { '_' }).collect();
    let parts: Vec<&str> = kept.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
    let plain = parts.join("/");
    if !plain.is_empty() && plain == raw && raw.chars().count() <= MOST_KEY {
        return plain;
    }
    let start: String = plain.chars().take(MOST_KEY - 5).collect();
    format!("{start}-{:04x}", xxh3_64(raw.as_bytes()) & 0xffff)
}

/// Whether Python's `\w`, which servers check keys by, and Rust surely agree on a character. They do not on
/// combining marks.
fn taken(c: char) -> bool {
    let letters = matches!(c,
        '\u{c0}'..='\u{24f}' | '\u{370}'..='\u{481}' | '\u{48a}'..='\u{52f}' | '\u{5d0}'..='\u{5ea}'
        | '\u{620}'..='\u{64a}' | '\u{671}'..='\u{6d3}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}');
    c.is_ascii_alphanumeric() || "_-. :/".contains(c) || letters && c.is_alphanumeric()
}

/// The path of an artifact as servers take it: they decode what looks escaped, more than once, and refuse
/// what a link would be cut at.
pub fn artifact_path(raw: &str) -> String {
    let kept = |c: char| if c.is_control() || "#?%\\:".contains(c) { '_' } else { c };
    let parts: Vec<String> = raw
        .split('/')
        .filter(|part| !matches!(*part, "" | "." | ".."))
        .map(|part| part.chars().map(kept).collect())
        .collect();
    parts.join("/")
}

/// The first `most` characters, with a mark where something is missing; whether it is.
pub fn cut(value: &str, most: usize) -> (String, bool) {
    if value.len() <= most || value.chars().count() <= most {
        return (value.to_owned(), false);
    }
    let start: String = value.chars().take(most.saturating_sub(1)).collect();
    (start + "…", true)
}

/// Entries for one request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Points of metrics.
    pub metrics: Vec<Metric>,
    /// Settings.
    pub params: Vec<Pair>,
    /// Tags.
    pub tags: Vec<Pair>,
}

impl Batch {
    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.metrics.is_empty() && self.params.is_empty() && self.tags.is_empty()
    }

    /// The same entries in as many batches as a server's limits ask for: tags and params first, metrics in
    /// their order. Of params of one key the first counts, as a second makes the server refuse all.
    pub fn split(self) -> Vec<Self> {
        let mut seen = std::collections::BTreeSet::new();
        let params: Vec<Pair> = self.params.into_iter().filter(|p| seen.insert(p.key.clone())).collect();
        let mut out = Filling::default();
        for tag in self.tags {
            let bytes = bytes(&tag.key) + bytes(&tag.value) + 32;
            out.room(bytes, |batch| batch.tags.len() < MOST_PAIRS).tags.push(tag);
        }
        for param in params {
            let bytes = bytes(&param.key) + bytes(&param.value) + 32;
            out.room(bytes, |batch| batch.params.len() < MOST_PAIRS).params.push(param);
        }
        for metric in self.metrics {
            let ids = [&metric.model_id, &metric.dataset_name, &metric.dataset_digest];
            let bytes = bytes(&metric.key)
                + ids.iter().map(|id| id.as_deref().map_or(0, bytes) + 32).sum::<usize>()
                + 128;
            out.room(bytes, |_| true).metrics.push(metric);
        }
        out.done
    }
}

/// Bytes of a string in JSON, at most.
fn bytes(text: &str) -> usize {
    text.bytes().map(|b| if b < 0x20 || b == b'"' || b == b'\\' { 6 } else { 1 }).sum::<usize>() + 2
}

#[derive(Default)]
struct Filling {
    done: Vec<Batch>,
    bytes: usize,
}

impl Filling {
    /// A batch that has room for another entry of so many bytes.
    fn room(&mut self, bytes: usize, takes: impl Fn(&Batch) -> bool) -> &mut Batch {
        let fits = self.done.last().is_some_and(|batch| {
            let entries = batch.metrics.len() + batch.params.len() + batch.tags.len();
            entries < MOST_ENTRIES && self.bytes + bytes <= MOST_BYTES && takes(batch)
        });
        if !fits {
            self.done.push(Batch::default());
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.done.last_mut().expect("one was pushed where there was none")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn keeps(raw: &str) {
        assert_eq!(key(raw), raw);
    }

    #[test]
    fn good_keys_stay_and_others_become_good() {
        keeps("test/f1 of class: a-b_c.d");
        keeps("دقة/été");
        for (raw, start) in [
            ("f1/c++", "f1/c__-"),
            ("f1/@home", "f1/_home-"),
            ("/a//b/./../c/", "a/b/c-"),
            ("", "-"),
            ("..", "-"),
        ] {
            let made = key(raw);
            assert!(made.starts_with(start) && made.len() == start.len() + 4, "{raw}: {made}");
        }
        assert_ne!(key("c++"), key("c##"));
        assert_eq!(key(&"é".repeat(300)).chars().count(), MOST_KEY);
    }

    #[test]
    fn paths_of_artifacts_are_harmless() {
        assert_eq!(artifact_path("figures/a été.png"), "figures/a été.png");
        assert_eq!(artifact_path("/../a//b%41/c#d?.png"), "a/b_41/c_d_.png");
        assert_eq!(artifact_path("C:\\x"), "C__x");
    }

    #[test]
    fn limits_follow_the_version() {
        assert_eq!(Limits::of(Some("3.17.2")).param, 6000);
        assert_eq!(Limits::of(Some("2.22.0")), Limits { param: 6000, tag: 5000 });
        assert_eq!(Limits::of(Some("2.7.1")).param, 500);
        assert_eq!(Limits::of(None).param, 500);
        assert!(!cut(&"é".repeat(6000), 6000).1);
        let (short, was) = cut(&"é".repeat(6001), 6000);
        assert!(was && short.chars().count() == 6000 && short.ends_with('…'));
    }

    fn pairs(most: usize) -> impl Strategy<Value = Vec<Pair>> {
        prop::collection::vec(("[a-z]{1,3}", "\\PC{0,40}").prop_map(|(k, v)| Pair::new(k, v)), 0..most)
    }

    proptest! {
        #[test]
        fn any_key_becomes_one_that_servers_take(raw in "\\PC{0,300}") {
            let made = key(&raw);
            prop_assert_eq!(key(&made), made.clone(), "twice is once");
            prop_assert!((1..=MOST_KEY).contains(&made.chars().count()));
            prop_assert!(made.chars().all(taken));
            prop_assert!(made.split('/').all(|part| !matches!(part, "" | "." | "..")));
        }

        #[test]
        fn batches_keep_limits_and_lose_nothing(tags in pairs(300), params in pairs(300), points in 0..3000_usize, long in 0..2_usize) {
            let metric = |step: usize| Metric {
                key: "k".repeat(if long == 1 { 250 } else { 3 }), value: step as f64, timestamp: 0, step: step as i64,
                model_id: (long == 1).then(|| "m".repeat(500)), dataset_name: (long == 1).then(|| "\"".repeat(500)), dataset_digest: None,
            };
            let whole = Batch { metrics: (0..points).map(metric).collect(), params: params.clone(), tags: tags.clone() };
            let metrics = whole.metrics.clone();
            let batches = whole.split();
            for batch in &batches {
                prop_assert!(!batch.is_empty());
                prop_assert!(batch.params.len() <= 100 && batch.tags.len() <= 100);
                prop_assert!(batch.metrics.len() + batch.params.len() + batch.tags.len() <= 1000);
                let body = serde_json::json!({"m": batch.metrics, "p": batch.params, "t": batch.tags}).to_string();
                prop_assert!(body.len() < 1_000_000, "{}", body.len());
            }
            prop_assert_eq!(batches.iter().flat_map(|b| b.metrics.clone()).collect::<Vec<_>>(), metrics);
            prop_assert_eq!(batches.iter().flat_map(|b| b.tags.clone()).collect::<Vec<_>>(), tags);
            let sent: Vec<Pair> = batches.iter().flat_map(|b| b.params.clone()).collect();
            for param in &params {
                let first = params.iter().find(|p| p.key == param.key);
                prop_assert_eq!(sent.iter().filter(|p| p.key == param.key).collect::<Vec<_>>(), first.into_iter().collect::<Vec<_>>());
            }
        }
    }
}
