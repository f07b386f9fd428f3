//! What requests look like before anything of them is believed.

use std::fmt;

use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::problem::Problem;

/// Items that are parsed at all: memory is bounded by the body's cap, and this only keeps a list of a million
/// empty texts from being looked at one by one. The server's own cap is lower.
const PARSED: usize = 100_000;

/// A value that should be a string, and what it is where it is none: a wrong one spoils its own item alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    Is(String),
    Not(&'static str),
}

impl Word {
    /// The string, or what is wrong with `field`.
    pub(crate) fn string(self, field: &str) -> Result<String, Problem> {
        match self {
            Self::Is(word) => Ok(word),
            Self::Not(found) => Err(Problem::field(field, format!("wants a string, found {found}"))),
        }
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Words;

        impl<'de> Visitor<'de> for Words {
            type Value = Word;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: de::Error>(self, word: &str) -> Result<Word, E> {
                Ok(Word::Is(word.to_owned()))
            }
            fn visit_string<E: de::Error>(self, word: String) -> Result<Word, E> {
                Ok(Word::Is(word))
            }
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Word, E> {
                Ok(Word::Not("true or false"))
            }
            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Word, E> {
                Ok(Word::Not("a number"))
            }
            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Word, E> {
                Ok(Word::Not("a number"))
            }
            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Word, E> {
                Ok(Word::Not("a number"))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Word, E> {
                Ok(Word::Not("null"))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Word, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Word::Not("a list"))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Word, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Word::Not("an object"))
            }
        }

        from.deserialize_any(Words)
    }
}

/// The sender's name for an item: a string, or a number, which comes back as it was.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Id(serde_json::Value);

impl Id {
    pub(crate) fn of(value: serde_json::Value) -> Result<Self, Problem> {
        match value {
            serde_json::Value::String(_) | serde_json::Value::Number(_) => Ok(Self(value)),
            _ => Err(Problem::field("id", "wants a string or a number")),
        }
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

/// An item of `texts`, as it came.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Item {
    pub(crate) id: Option<serde_json::Value>,
    pub(crate) text: Option<Word>,
    pub(crate) language: Option<Word>,
    /// What feedback comes with; a prediction needs none of it.
    pub(crate) channel: Option<Word>,
    pub(crate) author: Option<Word>,
    pub(crate) time: Option<serde_json::Value>,
    /// The first thing about it that is not as it should be.
    pub(crate) fault: Option<(String, String)>,
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Items;

        impl<'de> Visitor<'de> for Items {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or an object with a text")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Item, E> {
                Ok(Item { text: Some(Word::Is(text.to_owned())), ..Item::default() })
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
                let mut item = Item::default();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        // Of an id there is no more than a line.
                        "id" => item.id = Some(map.next_value()?),
                        "text" => item.text = Some(map.next_value()?),
                        "language" => item.language = Some(map.next_value()?),
                        "channel" => item.channel = Some(map.next_value()?),
                        "author" => item.author = Some(map.next_value()?),
                        "time" => item.time = Some(map.next_value()?),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            let name = name.chars().take(60).collect();
                            let why =
                                "is no field of an item: id, text, language, channel, author and time are";
                            item.fault.get_or_insert((name, why.to_owned()));
                        }
                    }
                }
                Ok(item)
            }
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Item, E> {
                Ok(wrong("true or false"))
            }
            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Item, E> {
                Ok(wrong("a number"))
            }
            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Item, E> {
                Ok(wrong("a number"))
            }
            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Item, E> {
                Ok(wrong("a number"))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Item, E> {
                Ok(wrong("null"))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Item, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(wrong("a list"))
            }
        }

        fn wrong(found: &str) -> Item {
            let fault =
                ("text".to_owned(), format!("an item is a text or an object with a text, not {found}"));
            Item { fault: Some(fault), ..Item::default() }
        }

        from.deserialize_any(Items)
    }
}

/// The items, and how many there are: those past any cap are counted, not kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Items {
    pub(crate) kept: Vec<Item>,
    pub(crate) count: usize,
}

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(List("texts"))
    }
}

/// The items of a field called `items`.
pub(crate) fn items<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Items>, D::Error> {
    from.deserialize_seq(List("items")).map(Some)
}

/// What a list is called.
struct List(&'static str);

impl<'de> Visitor<'de> for List {
    type Value = Items;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "for the field `{}` a list", self.0)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items, A::Error> {
        let mut items = Items::default();
        while items.kept.len() < PARSED {
            let Some(item) = seq.next_element()? else {
                items.count = items.kept.len();
                return Ok(items);
            };
            items.kept.push(item);
        }
        items.count = items.kept.len();
        while seq.next_element::<IgnoredAny>()?.is_some() {
            items.count += 1;
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_one_item_spoils_no_other() {
        let raw = r#"["plain", {"text": "a", "id": 7, "channel": "review"}, {"text": 5}, 3, null, [1, [2]],
                      {"txt": "b"}, {"text": {"deep": [1]}}]"#;
        let items: Items = serde_json::from_str(raw).unwrap();
        assert_eq!((items.count, items.kept.len()), (8, 8));
        let texts: Vec<Option<Word>> = items.kept.iter().map(|item| item.text.clone()).collect();
        assert_eq!(texts[0], Some(Word::Is("plain".to_owned())));
        assert_eq!(texts[1], Some(Word::Is("a".to_owned())));
        assert_eq!(texts[2], Some(Word::Not("a number")));
        assert_eq!(texts[7], Some(Word::Not("an object")));
        assert!(items.kept[3..7].iter().all(|item| item.fault.is_some()));
        assert!(serde_json::from_str::<Items>("7").is_err());
    }
}
