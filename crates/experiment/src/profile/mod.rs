//! What is in a data set, and what is wrong with it: every figure of `sentimeter profile`.
//!
//! [`profile()`] looks and counts; [`page()`] draws what it found. All figures are the same whatever the number of
//! threads; what is measured on a part of the rows says so with a [`Sample`].

mod against;
mod auc;
mod choice;
mod clouds;
mod export;
mod leak;
mod lengths;
mod next;
mod overview;
mod page;
mod quick;
mod sample;
mod slots;
mod suspicious;
mod trouble;
mod vocabulary;
mod warnings;
mod words;

use std::ops::ControlFlow;

use sentimeter_corpus::{
    Corpus, DuplicateReport, Identities, ReadReport, near_duplicates, resolve_conflicts,
};
use sentimeter_model::{FitError, Hooks, Model, Progress};
use sentimeter_text::language::Language;
use serde::Serialize;

pub use against::Comparison;
pub use auc::Auc;
pub use choice::{Choice, Measured};
pub use clouds::clouds;
pub use export::{write_next, write_suspects};
pub use leak::Leak;
pub use lengths::{Lengths, Spread};
pub use next::Next;
pub use overview::{Languages, Slice, TimeBin, Timeline};
pub use page::page;
pub use quick::OutOfFold;
pub use sample::Sample;
pub use sentimeter_model::distinct::Distinct;
pub use suspicious::{Suspect, Suspicions};
pub use trouble::{Conflict, Conflicts, Encoding, Little, Repeat, Repeats, Trouble};
pub use vocabulary::{Coverage, Growth, Heaps, Vocabulary};
pub use warnings::{Severity, Warning};
pub use words::{ClassWords, Mark, Symbol, WordCount};

use crate::ExperimentError;
use slots::Slots;
use words::{Beside, Vocab};

/// What a profile is to look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Samples and folds are drawn by it.
    pub seed: u64,
    /// Leave out the choice of a vocabulary and doubt the labels of a sample alone.
    pub quick: bool,
    /// Codes of the languages that the texts should be in (`en`); without any, the one of at least four
    /// rows in five.
    pub expected: &'a [String],
    /// How many texts to choose for labelling.
    pub label_next: usize,
    /// The model whose doubts choose them; without one a quick model is trained on what has labels.
    pub model: Option<&'a Model>,
    /// Another data set to compare with, and what it is called.
    pub against: Option<(&'a str, &'a Corpus)>,
    /// What reading the data said.
    pub read: Option<&'a ReadReport>,
    /// What importing it found of repeated and contradicting texts.
    pub imported: Option<&'a DuplicateReport>,
}

/// What is in a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// What the data set is called.
    pub name: String,
    /// What samples and folds were drawn by.
    pub seed: u64,
    /// Whether what takes long was left out.
    pub quick: bool,
    /// Rows.
    pub rows: u64,
    /// Rows with a label.
    pub labelled: u64,
    /// What all `rows` and `count` by class are in the order of: the classes, the smallest together
    /// where there are more than twelve, then `no label` where some rows have none.
    pub classes: Vec<String>,
    /// Rows of each.
    pub class_rows: Vec<u64>,
    /// Different classes, also those that are counted together.
    pub class_count: u64,
    /// The class of the fewest rows.
    pub smallest: Option<Class>,
    /// What matters of everything below, the worst first.
    pub warnings: Vec<Warning>,
    /// Rows by channel; empty where none is stated, like the next one.
    pub channels: Vec<Slice>,
    /// Rows by file or system.
    pub sources: Vec<Slice>,
    /// Rows by language.
    pub languages: Languages,
    /// Different authors, where they are known.
    pub authors: Option<u64>,
    /// Rows over time.
    pub time: Option<Timeline>,
    /// Lengths in characters, then in words.
    pub lengths: [Lengths; 2],
    /// Size, growth and coverage of the vocabulary.
    pub vocabulary: Vocabulary,
    /// Links, mentions, hashtags and emoji.
    pub marks: Vec<Mark>,
    /// The most frequent emoji and emoticons.
    pub emoji: Vec<Symbol>,
    /// The most frequent hashtags, in lower case.
    pub hashtags: Vec<Symbol>,
    /// Words by class.
    pub words: Vec<ClassWords>,
    /// What may be wrong, with examples.
    pub trouble: Trouble,
    /// Rows whose label has less than one chance in ten by the model that doubts it.
    pub surely_wrong: u64,
    /// Labels that may be wrong; absent without two classes of ten rows.
    pub suspicious: Option<Suspicions>,
    /// Which vocabulary and recipe to choose; absent under `quick`.
    pub choice: Option<Choice>,
    /// How another data set differs.
    pub against: Option<Comparison>,
    /// What to label next.
    pub label_next: Vec<Next>,
}

/// A class and its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Class {
    /// What it is called.
    pub name: String,
    /// How many rows have it.
    pub rows: u64,
}

/// A profile and what is exported beside it.
#[derive(Debug)]
pub struct Profiled {
    /// The figures.
    pub profile: Profile,
    /// All rows whose labels were doubted, the most suspicious first.
    pub suspects: Vec<Suspect>,
    /// The probabilities that they were doubted by.
    pub out_of_fold: Option<OutOfFold>,
}

/// Looks at `corpus`, which is called `name`.
///
/// # Errors
/// An interruption by the hooks, or a data set without a row.
pub fn profile(
    name: &str,
    corpus: &Corpus,
    options: &Options<'_>,
    hooks: &mut dyn Hooks,
) -> Result<Profiled, ExperimentError> {
    if corpus.is_empty() {
        return Err(ExperimentError::Data { why: format!("{name} holds no row to look at") });
    }
    let mut steps = Steps { hooks, done: 0, of: 7 + u64::from(!options.quick) };
    steps.next("look")?;
    let slots = Slots::of(corpus);
    let (languages, language_of) = overview::languages(corpus, &slots, options.expected, options.seed);
    let main = main_languages(&languages);
    let time = overview::timeline(corpus, &slots);
    let measured = lengths::measure(corpus);
    let (chars, by_space): (Vec<u32>, Vec<u32>) = measured.into_iter().unzip();
    let of_length =
        [lengths::lengths("characters", &chars, &slots), lengths::lengths("words", &by_space, &slots)];

    steps.next("words")?;
    let vocab = Vocab::read(corpus, &slots, &main, steps.hooks)?;
    let vocabulary = vocab.vocabulary(&sample::shuffled(corpus, options.seed));
    let Beside { marks, emoji, hashtags } = vocab.marks(corpus, &slots)?;
    let words = vocab.classes(&slots);

    steps.next("repeats")?;
    let identities = Identities::of(corpus);
    let resolved = resolve_conflicts(corpus, &identities);
    let groups = near_duplicates(&identities);
    let conflicts = trouble::conflicts(corpus, &identities, &resolved, options.imported);
    let repeats = trouble::repeats(corpus, &identities, &groups);
    // Templates would leave one fold with all their rows.
    let (groups, _) = groups.without_templates(&identities, corpus.label_column());

    steps.next("damage")?;
    let trouble = Trouble {
        conflicts,
        repeats,
        encoding: trouble::encoding(corpus, options.read),
        little: trouble::little(corpus, &by_space, options.read),
        time: leak::by_time(corpus, &groups, options.seed),
        author: leak::by_value(corpus, &groups, |row| corpus.author(row), options.seed),
        channel: leak::by_stated(corpus, &groups, |row| corpus.channel(row), options.seed),
        source: leak::by_stated(corpus, &groups, |row| corpus.source(row), options.seed),
        language: leak::by_value(corpus, &groups, |row| language_of[row].as_deref(), options.seed),
    };

    steps.next("doubt")?;
    let recipe = sentimeter_text::words::recipe(&main);
    let doubted =
        suspicious::suspicious(corpus, &groups, recipe.clone(), options.quick, options.seed, steps.hooks)?;
    let (suspicious, suspects, out_of_fold) = match doubted {
        Some((suspicious, suspects, found)) => (Some(suspicious), suspects, Some(found)),
        None => (None, Vec::new(), None),
    };
    let choice = if options.quick {
        None
    } else {
        steps.next("choose")?;
        choice::choice(corpus, &groups, &main, options.seed, steps.hooks)?
    };
    steps.next("compare")?;
    let against = match options.against {
        None => None,
        Some(other) => {
            let a = (corpus, &vocab, &identities);
            Some(against::compare(a, other, &main, options.seed, steps.hooks)?)
        }
    };
    steps.next("choose texts")?;
    let label_next = next::label_next(
        corpus,
        &groups,
        &recipe,
        options.model,
        options.label_next,
        options.seed,
        steps.hooks,
    )?;
    let class_rows = slots.rows();
    let (class_count, smallest) = classes(corpus);
    let mut profile = Profile {
        name: name.to_owned(),
        seed: options.seed,
        quick: options.quick,
        rows: corpus.len() as u64,
        labelled: class_rows[..slots.classes].iter().sum(),
        channels: overview::slices(corpus, &slots, |corpus, row| corpus.channel(row)),
        sources: overview::slices(corpus, &slots, |corpus, row| corpus.source(row)),
        classes: slots.names,
        class_rows,
        class_count,
        smallest,
        warnings: Vec::new(),
        languages,
        authors: authors(corpus),
        time,
        lengths: of_length,
        vocabulary,
        marks,
        emoji,
        hashtags,
        words,
        trouble,
        surely_wrong: suspects.iter().filter(|s| s.given_confidence < 0.1).count() as u64,
        suspicious,
        choice,
        against,
        label_next,
    };
    profile.warnings = warnings::warnings(&profile);
    Ok(Profiled { profile, suspects, out_of_fold })
}

/// Which stage the work is in, told through the hooks.
struct Steps<'a> {
    hooks: &'a mut dyn Hooks,
    done: u64,
    of: u64,
}

impl Steps<'_> {
    fn next(&mut self, stage: &'static str) -> Result<(), ExperimentError> {
        let progress = Progress { stage, done: self.done, total: Some(self.of), figure: None };
        self.done += 1;
        match self.hooks.progress(&progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(FitError::Interrupted { iterations: 0 }.into()),
        }
    }
}

/// The languages of at least a tenth of the rows that have steps of their own; where one has nearly
/// all of them, that one.
fn main_languages(found: &Languages) -> Vec<Language> {
    let all: u64 = found.slices.iter().flat_map(|slice| &slice.rows).sum();
    let mut shares: Vec<(Language, u64)> = Vec::new();
    for slice in &found.slices {
        let code = slice.value.split(['-', '_']).next().unwrap_or_default();
        if let Ok(language @ (Language::En | Language::Fr | Language::Ar)) = code.parse() {
            let rows: u64 = slice.rows.iter().sum();
            match shares.iter_mut().find(|(known, _)| *known == language) {
                Some((_, sum)) => *sum += rows,
                None => shares.push((language, rows)),
            }
        }
    }
    shares.sort_by_key(|&(language, rows)| (std::cmp::Reverse(rows), language));
    if let Some(&(first, rows)) = shares.first()
        && rows * 10 >= all * 8
    {
        return vec![first];
    }
    shares.retain(|&(_, rows)| rows * 10 >= all);
    shares.into_iter().map(|(language, _)| language).collect()
}

/// How many classes have rows, and the smallest of them.
fn classes(corpus: &Corpus) -> (u64, Option<Class>) {
    let counts = corpus.class_counts();
    let named = || counts.iter().zip(corpus.labels()).filter(|(n, _)| **n > 0);
    let smallest = named().min_by_key(|(n, name)| (**n, name.as_str()));
    let smallest = smallest.map(|(&n, name)| Class { name: name.clone(), rows: n as u64 });
    (named().count() as u64, smallest)
}

fn authors(corpus: &Corpus) -> Option<u64> {
    let mut names: Vec<&str> = (0..corpus.len()).filter_map(|row| corpus.author(row)).collect();
    rayon::slice::ParallelSliceMut::par_sort_unstable(&mut names[..]);
    names.dedup();
    (!names.is_empty()).then_some(names.len() as u64)
}

/// A name out of the data as it stands in a sentence: at most 60 characters; one that is written from the
/// right, or turns the direction itself, is kept from reordering what stands around it (Unicode's isolates).
fn short(name: &str) -> String {
    let cut = match name.char_indices().nth(60) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
    };
    let turns = |c| {
        matches!(c, '\u{590}'..='\u{8ff}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}')
    };
    if cut.contains(turns) { format!("\u{2068}{cut}\u{2069}") } else { cut }
}

/// The beginning of a text, at most 280 characters.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(280) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
