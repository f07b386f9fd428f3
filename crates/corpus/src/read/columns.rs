//! Which column is what: by the user's word, by the preset, by name, by content.

use crate::error::CorpusError;
use crate::label::{named_class, number};
use crate::options::{Format, Keep, ReadOptions};

use super::guess::{Shape, fold};
use super::plan::{From, Plan};
use super::split::Record;
use super::thread::NOT_CUSTOMERS;

/// Names under which texts are exported, best first.
pub(crate) const TEXT: [&str; 37] = [
    "text",
    "tweet",
    "tweet_text",
    "tweettext",
    "sentimenttext",
    "corrected_text",
    "review_text",
    "reviewtext",
    "review_body",
    "verified_reviews",
    "review",
    "reviews",
    "sentence",
    "phrase",
    "comment",
    "comments",
    "message",
    "body",
    "content",
    "description",
    "verbatim",
    "utterance",
    "answer",
    "answers",
    "response",
    "feedback",
    "texte",
    "txt",
    "tweets",
    "feed",
    "commentaire",
    "avis",
    "message_body",
    "ocr_extracted_text",
    "النص",
    "نص",
    "تعليق",
];

/// Names under which labels are exported, best first.
pub(crate) const LABEL: [&str; 23] = [
    "sentiment",
    "label",
    "polarity",
    "airline_sentiment",
    "overall_sentiment",
    "class",
    "target",
    "labels",
    "sentiment_label",
    "is_there_an_emotion_directed_at_a_brand_or_product",
    "emotion",
    "rating",
    "stars",
    "star_rating",
    "score",
    "note",
    "satisfaction_rating.score",
    "satisfaction_rating",
    "satisfaction",
    "csat",
    "feedback",
    "étiquette",
    "التصنيف",
];

const ID: [&str; 10] = [
    "id",
    "tweet_id",
    "tweetid",
    "textid",
    "itemid",
    "review_id",
    "ticket_id",
    "response_id",
    "comment_id",
    "_unit_id",
];
const TIME: [&str; 14] = [
    "time",
    "date",
    "created_at",
    "tweet_created",
    "tweetdate",
    "timestamp",
    "submitted_at",
    "created",
    "review_date",
    "submission_time",
    "published_at",
    "updated_at",
    "datetime",
    "end_date",
];
const AUTHOR: [&str; 14] = [
    "author",
    "user",
    "username",
    "user_name",
    "screen_name",
    "author_id",
    "user_id",
    "requester",
    "requester.email",
    "requester_id",
    "reviewer",
    "reviewer_name",
    "respondent_id",
    "name",
];
/// A ticket's thread in one cell.
const THREAD: [&str; 4] = ["comments", "thread", "conversation", "messages"];
const CHANNEL: [&str; 4] = ["channel", "via", "via.channel", "source_channel"];
const LANGUAGE: [&str; 5] = ["language", "lang", "locale", "review_language", "langue"];
/// Who speaks in a ticket's thread, and who of them is not the customer.
const ROLE: [&str; 5] = ["role", "author_role", "author.role", "from_role", "message_type"];

/// Settles what every column of `shape` is.
///
/// # Errors
/// A named column that is not there; no column that could be the text.
pub(crate) fn plan(
    path: &str,
    shape: &mut Shape,
    from_name: Option<String>,
    options: &ReadOptions,
) -> Result<Plan, CorpusError> {
    let table = Table { path, shape };
    let format = shape.format;
    let fixed = Fixed::of(format);
    let each = format == Format::Survey;
    let mut said = Vec::new();

    let mut text = Vec::new();
    for name in &options.text {
        text.push(table.column(name)?);
    }
    let mut label = match &options.label {
        Some(name) => Some(table.value(name)?),
        None => None,
    };
    if text.is_empty() {
        text = match fixed.text {
            Some(at) if at < shape.columns.len() => vec![at],
            _ => table.preset_text(&label),
        };
        if text.is_empty() {
            return Err(CorpusError::NoText { path: path.to_owned(), columns: shape.columns.join(", ") });
        }
        let names: Vec<&str> =
            text.iter().filter_map(|&c| shape.columns.get(c)).map(String::as_str).collect();
        said.push(format!("text: column {}", names.join(" and ")));
    }
    if label.is_none()
        && let Some(value) = from_name
    {
        said.push(format!("label: {value}, from the file's name"));
        label = Some(From::Value(value));
    }
    if label.is_none() {
        label = match fixed.label {
            Some(at) if at < shape.columns.len() => Some(From::Column(at)),
            _ => table.guess_label(&text).map(From::Column),
        };
        match &label {
            Some(From::Column(at)) => said.push(format!("label: column {}", shape.columns[*at])),
            _ => said.push(
                "no label column found: the texts are unlabelled; name it with --label if there is one"
                    .to_owned(),
            ),
        }
    }
    let taken = |at: usize| text.contains(&at) || label == Some(From::Column(at));
    let optional = |given: &Option<String>, at: Option<usize>, known: &[&str]| match given {
        Some(name) => table.column(name).map(Some),
        None => Ok(at.or_else(|| table.known(known)).filter(|&at| at < shape.columns.len() && !taken(at))),
    };
    let valued = |given: &Option<String>, known: &[&str], constant: Option<&str>| match given {
        Some(name) => match table.value(name) {
            Err(_) if name.parse::<usize>().is_err() => From::Value(name.clone()),
            Err(_) => From::Nowhere,
            Ok(from) => from,
        },
        None => match (table.known(known).filter(|&at| !taken(at)), constant) {
            (Some(at), _) => From::Column(at),
            (None, Some(value)) => From::Value(value.to_owned()),
            (None, None) => From::Nowhere,
        },
    };
    let mut plan = Plan {
        fields: if table.is_ragged() { 0 } else { shape.columns.len() },
        id: optional(&options.id, fixed.id, &ID)?,
        time: optional(&options.time, fixed.time, &TIME)?,
        author: optional(&options.author, fixed.author, &AUTHOR)?,
        channel: valued(&options.channel, &CHANNEL, fixed.channel),
        language: valued(&options.language, &LANGUAGE, None),
        skip: (format == Format::Helpdesk)
            .then(|| table.known(&ROLE))
            .flatten()
            .map(|at| (at, NOT_CUSTOMERS.map(str::to_owned).to_vec())),
        thread: (format == Format::Helpdesk && options.text.is_empty())
            .then(|| table.known(&THREAD))
            .flatten()
            .filter(|at| !text.contains(at) || text.len() == 1),
        // A score of a ticket that nobody gave.
        no_label: if format == Format::Helpdesk { &["offered", "unoffered", "unrated"] } else { &[] },
        text,
        each,
        label: label.unwrap_or(From::Nowhere),
        source: None,
        map: options.map.clone(),
        semeval: format == Format::Semeval,
        mend: options.mend,
        text_chars: options.limits.text_chars,
    };
    // A thread is taken apart, not taken as it is.
    plan.text.retain(|&at| plan.thread != Some(at));
    if format == Format::Semeval {
        plan.time = plan.time.or(Some(3)); // where a row has one more field
    }
    shape.said.extend(said);
    let Keep { times, authors, origins } = options.keep;
    plan.time = plan.time.filter(|_| times);
    plan.author = plan.author.filter(|_| authors);
    plan.id = plan.id.filter(|_| origins);
    Ok(plan)
}

/// Columns that a preset fixes by position, and the channel that it stands for.
#[derive(Default)]
struct Fixed {
    text: Option<usize>,
    label: Option<usize>,
    id: Option<usize>,
    time: Option<usize>,
    author: Option<usize>,
    channel: Option<&'static str>,
}

impl Fixed {
    fn of(format: Format) -> Self {
        let none = Self::default();
        match format {
            Format::Sentiment140 => Self {
                label: Some(0),
                id: Some(1),
                time: Some(2),
                author: Some(4),
                text: Some(5),
                channel: Some("social"),
            },
            Format::Semeval => {
                Self { id: Some(0), label: Some(1), text: Some(2), channel: Some("social"), ..none }
            }
            Format::TextLabel => Self { text: Some(0), label: Some(1), ..none },
            Format::LabelText => Self { label: Some(0), text: Some(1), ..none },
            Format::Lines => Self { text: Some(0), ..none },
            Format::Tweeteval => Self { text: Some(0), channel: Some("social"), ..none },
            Format::Airline => Self { channel: Some("social"), ..none },
            Format::Helpdesk => Self { channel: Some("ticket"), ..none },
            Format::Reviews => Self { channel: Some("review"), ..none },
            Format::Survey => Self { channel: Some("survey"), ..none },
            _ => none,
        }
    }
}

struct Table<'a> {
    path: &'a str,
    shape: &'a Shape,
}

impl Table<'_> {
    /// A column by its name, its name in other letters, or its number from 1.
    fn column(&self, name: &str) -> Result<usize, CorpusError> {
        let columns = &self.shape.columns;
        columns
            .iter()
            .position(|c| c == name)
            .or_else(|| columns.iter().position(|c| fold(c) == fold(name)))
            .or_else(|| {
                name.parse::<usize>().ok().and_then(|n| n.checked_sub(1)).filter(|&at| at < columns.len())
            })
            .ok_or_else(|| CorpusError::NoColumn {
                path: self.path.to_owned(),
                column: name.to_owned(),
                columns: columns.join(", "),
            })
    }

    /// A column, or with `=` in front a value for every row.
    fn value(&self, name: &str) -> Result<From, CorpusError> {
        match name.strip_prefix('=') {
            Some(value) => Ok(From::Value(value.to_owned())),
            None => self.column(name).map(From::Column),
        }
    }

    /// The first of the known names that is a column.
    fn known(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.shape.columns.iter().position(|c| fold(c) == *name))
    }

    /// Lines and JSON objects have no number of fields to keep to.
    fn is_ragged(&self) -> bool {
        use super::split::Splitter;
        matches!(
            self.shape.splitter,
            Splitter::Lines | Splitter::JsonLines { .. } | Splitter::JsonArray { .. }
        )
    }

    fn preset_text(&self, label: &Option<From>) -> Vec<usize> {
        let titled = |titles: &[&str], threads: &[&str]| {
            let body =
                TEXT.iter().filter(|name| !threads.contains(name)).find_map(|name| self.known(&[name]));
            let body = body.or_else(|| self.known(threads));
            let mut columns: Vec<usize> = self.known(titles).into_iter().chain(body).collect();
            columns.dedup();
            columns
        };
        let found = match self.shape.format {
            Format::Helpdesk => titled(&["subject"], &THREAD),
            Format::Reviews => titled(&["title", "review_title", "headline", "titre", "summary"], &[]),
            Format::Survey => self.free_text(label),
            _ => self.known(&TEXT).into_iter().collect(),
        };
        if found.is_empty() { self.longest(label).into_iter().collect() } else { found }
    }

    /// The columns in which people wrote sentences.
    fn free_text(&self, label: &Option<From>) -> Vec<usize> {
        (0..self.shape.columns.len())
            .filter(|&at| *label != Some(From::Column(at)))
            .filter(|&at| {
                let filled: Vec<&str> = self.fields(at).map(str::trim).filter(|f| !f.is_empty()).collect();
                let wordy = filled.iter().filter(|f| f.split_whitespace().count() >= 3).count();
                let mut distinct = filled.clone();
                distinct.sort_unstable();
                distinct.dedup();
                // Choices of a closed question repeat; dates and the like have few words.
                wordy * 3 >= filled.len().max(1)
                    && distinct.len() * 2 > filled.len()
                    && !filled.iter().all(|f| crate::time::parse_time(f).is_some())
            })
            .collect()
    }

    fn fields(&self, at: usize) -> impl Iterator<Item = &str> {
        self.shape.sample.iter().filter_map(move |r: &Record| r.get(at))
    }

    /// The column with the longest fields, if they are long enough for words. One that holds only
    /// numbers and names of classes is not taken while there is another: `ok,positive`.
    fn longest(&self, label: &Option<From>) -> Option<usize> {
        let mean = |at: usize| {
            let lengths: Vec<usize> = self.fields(at).map(str::len).collect();
            lengths.iter().sum::<usize>() / lengths.len().max(1)
        };
        (0..self.shape.columns.len())
            .filter(|&at| *label != Some(From::Column(at)))
            .max_by_key(|&at| (!self.is_wordless(at), mean(at), std::cmp::Reverse(at)))
            .filter(|&at| mean(at) > 0)
    }

    fn is_wordless(&self, at: usize) -> bool {
        is_wordless(self.fields(at))
    }

    fn guess_label(&self, text: &[usize]) -> Option<usize> {
        let by_name = LABEL.iter().find_map(|name| {
            (0..self.shape.columns.len())
                .find(|&at| !text.contains(&at) && fold(&self.shape.columns[at]) == *name)
        });
        by_name.or_else(|| {
            // A column with a name of its own must hold names of classes to be taken for the label.
            let worst = if self.shape.header { 0 } else { u8::MAX };
            (0..self.shape.columns.len())
                .filter(|at| !text.contains(at))
                .filter_map(|at| self.labelness(at).map(|score| (score, at)))
                .filter(|((kind, _), _)| *kind <= worst)
                .min()
                .map(|(_, at)| at)
        })
    }

    /// Few, short values, best names of classes, then numbers, then other words: how far from that, if at all.
    fn labelness(&self, at: usize) -> Option<(u8, usize)> {
        let mut values: Vec<&str> = self.fields(at).map(str::trim).filter(|f| !f.is_empty()).collect();
        let classes = values.iter().filter(|v| named_class(v).is_some()).count();
        let numbers = values.iter().filter(|v| number(v).is_some()).count();
        let rows = values.len();
        values.sort_unstable();
        values.dedup();
        if rows == 0 || values.len() > 20 {
            return None;
        }
        if classes * 10 >= rows * 9 {
            Some((0, values.len()))
        } else if (numbers + classes) * 10 >= rows * 9 {
            Some((1, values.len()))
        } else {
            // Names that we do not know, if they are as few and short as names of classes are.
            let short = values.iter().all(|v| v.len() <= 20 && !v.contains(char::is_whitespace));
            (short && values.len() > 1 && values.len() * 20 <= rows).then_some((2, values.len()))
        }
    }
}

/// Whether nearly all fields that hold anything are numbers or names of classes.
pub(crate) fn is_wordless<'f>(fields: impl Iterator<Item = &'f str>) -> bool {
    let (mut filled, mut wordless) = (0, 0);
    for field in fields.filter(|f| !f.trim().is_empty()) {
        filled += 1;
        wordless += usize::from(named_class(field).is_some() || number(field).is_some());
    }
    filled > 0 && wordless * 10 >= filled * 9
}

/// Whether a column called `name`, folded, is one that exports have.
pub(crate) fn is_known(name: &str) -> bool {
    let lists: [&[&str]; 8] = [&TEXT, &LABEL, &ID, &TIME, &AUTHOR, &CHANNEL, &LANGUAGE, &THREAD];
    lists.iter().any(|list| list.contains(&name))
}
