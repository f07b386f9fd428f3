//! Feedback that help desks, review sites and survey tools send by themselves: who may, and what of it is what.
//!
//! A source is a table of the file that `serve --hooks` names: its secret, where its signature stands, and which
//! fields hold what.

mod fields;
mod signature;

use std::collections::BTreeMap;

use serde::Deserialize;

pub(crate) use fields::Missing;
pub(crate) use signature::Refused;

use fields::Path;
use signature::Signature;

/// Characters of a secret: less is guessed.
const SECRET: usize = 16;

/// Texts of one item's paths.
const TEXTS: usize = 50;

/// What is wrong with the file of hooks.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HooksError {
    /// It is no TOML of that shape.
    #[error("it is not read: {0}")]
    Shape(String),
    /// A source is not as it should be.
    #[error("[{source_name}]: {why}")]
    Source {
        /// Which.
        source_name: String,
        /// What is wrong, and what to do.
        why: String,
    },
}

/// A source as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// The secret itself, or the environment's variable that holds it.
    secret: Option<String>,
    secret_env: Option<String>,
    #[serde(default)]
    signature: signature::Fields,
    /// Where the items stand, if one call brings several: a list.
    items: Option<String>,
    /// Where the texts stand; each that is there is an item of its own.
    text: Vec<String>,
    id: Option<String>,
    author: Option<String>,
    time: Option<String>,
    language: Option<String>,
    channel: Option<String>,
    /// The channel of all of them.
    channel_is: Option<String>,
    /// Only items with this value here: `{ "path" = "value" }`.
    #[serde(default)]
    only: BTreeMap<String, String>,
}

/// A source that may send.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) signature: Signature,
    items: Option<Path>,
    text: Vec<Path>,
    id: Option<Path>,
    author: Option<Path>,
    time: Option<Path>,
    language: Option<Path>,
    channel: Option<Path>,
    channel_is: Option<String>,
    only: Vec<(Path, String)>,
}

/// All sources.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hooks {
    sources: BTreeMap<String, Source>,
}

/// What a call says of one item, as it stands there.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Said {
    /// The sender's own name for it, with the text's place behind it where there are several.
    pub(crate) id: Option<String>,
    pub(crate) text: String,
    pub(crate) author: Option<String>,
    pub(crate) time: Option<serde_json::Value>,
    pub(crate) language: Option<String>,
    pub(crate) channel: Option<String>,
}

impl Hooks {
    /// Reads the file's text; secrets that it names in the environment are looked up by `variable`.
    ///
    /// # Errors
    /// [`HooksError`]: which source, what is wrong with it, what to do.
    pub fn read(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, HooksError> {
        let raw: BTreeMap<String, Fields> =
            toml::from_str(text).map_err(|error| HooksError::Shape(error.message().to_owned()))?;
        let mut sources = BTreeMap::new();
        for (name, fields) in raw {
            let wrong = |why: String| HooksError::Source { source_name: name.clone(), why };
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            if name.is_empty() || name.len() > 40 || !name.chars().all(plain) {
                return Err(wrong("a name has up to 40 letters, digits, - and _".to_owned()));
            }
            let secret = match (fields.secret, fields.secret_env) {
                (Some(secret), None) => secret,
                (None, Some(name)) => {
                    variable(&name).ok_or_else(|| wrong(format!("the environment has no {name}")))?
                }
                _ => return Err(wrong("give `secret` or `secret_env`, one of them".to_owned())),
            };
            if secret.len() < SECRET {
                return Err(wrong(format!("its secret has {} bytes; {SECRET} at the least", secret.len())));
            }
            let path = |raw: &str| raw.parse::<Path>().map_err(|why| wrong(format!("{raw:?}: {why}")));
            let maybe = |raw: &Option<String>| raw.as_deref().map(path).transpose();
            if fields.text.is_empty() {
                return Err(wrong("`text` wants the paths of the texts".to_owned()));
            }
            let source = Source {
                name: name.clone(),
                signature: Signature::new(secret, fields.signature).map_err(&wrong)?,
                items: maybe(&fields.items)?,
                text: fields.text.iter().map(|raw| path(raw)).collect::<Result<_, _>>()?,
                id: maybe(&fields.id)?,
                author: maybe(&fields.author)?,
                time: maybe(&fields.time)?,
                language: maybe(&fields.language)?,
                channel: maybe(&fields.channel)?,
                channel_is: fields.channel_is,
                only: fields
                    .only
                    .iter()
                    .map(|(raw, value)| Ok((path(raw)?, value.clone())))
                    .collect::<Result<_, HooksError>>()?,
            };
            sources.insert(name, source);
        }
        Ok(Self { sources })
    }

    /// The source of that name.
    pub(crate) fn source(&self, name: &str) -> Option<&Source> {
        self.sources.get(name)
    }

    /// How many sources there are.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }
}

impl Source {
    /// What a call brings: an item for each text that is there. Those that `only` leaves out are none.
    pub(crate) fn items(&self, body: &serde_json::Value) -> Result<Vec<Said>, Missing> {
        let parts = match &self.items {
            Some(path) => path.all(body),
            None => vec![body],
        };
        let mut said = Vec::new();
        for part in parts {
            let wanted = |(path, value): &(Path, String)| path.first(part).as_deref() == Some(value.as_str());
            if !self.only.iter().all(wanted) {
                continue;
            }
            // What stands in no item of its own stands in the call as a whole.
            let own = |path: &Option<Path>| {
                path.as_ref().and_then(|path| path.first(part).or_else(|| path.first(body)))
            };
            let texts: Vec<String> = self
                .text
                .iter()
                .flat_map(|path| path.texts(part))
                .filter(|text| !text.trim().is_empty())
                .take(TEXTS)
                .collect();
            let several = texts.len() > 1;
            let id = own(&self.id);
            for (at, text) in texts.into_iter().enumerate() {
                said.push(Said {
                    id: id.as_ref().map(|id| if several { format!("{id}/{at}") } else { id.clone() }),
                    text,
                    author: own(&self.author),
                    time: self
                        .time
                        .as_ref()
                        .and_then(|path| path.all(part).into_iter().chain(path.all(body)).next().cloned()),
                    language: own(&self.language),
                    channel: own(&self.channel).or_else(|| self.channel_is.clone()),
                });
            }
        }
        if self.items.is_none() && said.is_empty() && self.only.is_empty() {
            return Err(Missing(self.text.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")));
        }
        Ok(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FILE: &str = r#"
        [desk]
        secret_env = "DESK_SECRET"
        text = ["ticket.comment.body"]
        id = "ticket.id"
        author = "ticket.requester.email"
        time = "ticket.created_at"
        channel_is = "ticket"
        only = { "ticket.status" = "new" }

        [survey]
        secret = "0123456789abcdef"
        items = "responses[]"
        text = ["answers.liked", "answers.missing", "answers.others[].text"]
        id = "id"
        time = "submitted"
        language = "survey.language"
        signature = { header = "X-Signature", encoding = "base64", timestamp_header = "X-Time" }
    "#;

    fn hooks() -> Hooks {
        Hooks::read(FILE, |name| (name == "DESK_SECRET").then(|| "a secret of some length".to_owned()))
            .unwrap()
    }

    #[test]
    fn several_answers_are_several_items() {
        let body = json!({"survey": {"language": "fr"}, "responses": [
            {"id": 7, "submitted": 1795162500000_i64,
             "answers": {"liked": "tout", "missing": " ", "others": [{"text": "rien"}, {"text": 5}, {}]}},
            {"id": "b", "answers": {"liked": "le service"}},
            {"id": "c"},
        ]});
        let said = hooks().source("survey").unwrap().items(&body).unwrap();
        let told: Vec<(&str, &str, &str)> = said
            .iter()
            .map(|s| (s.id.as_deref().unwrap(), s.text.as_str(), s.language.as_deref().unwrap()))
            .collect();
        assert_eq!(
            told,
            [("7/0", "tout", "fr"), ("7/1", "rien", "fr"), ("7/2", "5", "fr"), ("b", "le service", "fr")]
        );
        assert_eq!(said[0].time, Some(json!(1_795_162_500_000_i64)));
    }

    #[test]
    fn what_is_not_meant_is_left_out_and_what_is_missing_is_named() {
        let hooks = hooks();
        let desk = hooks.source("desk").unwrap();
        let body = json!({"ticket": {"id": 1, "status": "new", "comment": {"body": "help"}, "requester": {"email": "a@b"}}});
        let said = desk.items(&body).unwrap();
        assert_eq!(
            (said.len(), said[0].author.as_deref(), said[0].channel.as_deref()),
            (1, Some("a@b"), Some("ticket"))
        );
        assert!(
            desk.items(&json!({"ticket": {"status": "solved", "comment": {"body": "x"}}}))
                .unwrap()
                .is_empty()
        );
        assert!(hooks.source("survey").unwrap().items(&json!({})).unwrap().is_empty());
        assert!(hooks.source("other").is_none());
        let one = Hooks::read("[a]\nsecret = \"0123456789abcdef\"\ntext = [\"x.y\"]", |_| None).unwrap();
        assert_eq!(one.source("a").unwrap().items(&json!({"x": 1})), Err(Missing("x.y".to_owned())));
    }

    #[test]
    fn what_is_wrong_with_the_file_is_said() {
        for (file, want) in [
            ("[a]\nsecret = \"short\"\ntext = [\"x\"]", "5 bytes"),
            ("[a]\ntext = [\"x\"]", "one of them"),
            ("[a]\nsecret_env = \"NO\"\ntext = [\"x\"]", "no NO"),
            ("[a]\nsecret = \"0123456789abcdef\"\ntext = []", "paths of the texts"),
            ("[a]\nsecret = \"0123456789abcdef\"\ntext = [\"x..y\"]", "x..y"),
            ("[a]\nsecret = \"0123456789abcdef\"\ntxt = [\"x\"]", "txt"),
            ("[\"a b\"]\nsecret = \"0123456789abcdef\"\ntext = [\"x\"]", "letters"),
            (
                "[a]\nsecret = \"0123456789abcdef\"\ntext = [\"x\"]\nsignature = { encoding = \"rot13\" }",
                "rot13",
            ),
        ] {
            let said = Hooks::read(file, |_| None).unwrap_err().to_string();
            assert!(said.contains(want), "{file}: {said}");
        }
    }
}
