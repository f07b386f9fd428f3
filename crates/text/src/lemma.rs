//! WordNet's lemmas: "dogs" → "dog", "mice" → "mouse", "better" (adjective) → "good".
//!
//! The answers are those of NLTK 3.10's `WordNetLemmatizer().lemmatize(word, pos)`: the shortest of
//! the word itself, its exceptions or, where it has none, what one detachment rule makes of it, as
//! far as WordNet 3.0 lists them for the part of speech; else the word unchanged. Case is left as it
//! is, and WordNet's lists are lower-case.
//!
//! The lists sit in the binary as finite-state maps, read in place (`assets/wordnet`, made by
//! `examples/build_wordnet.rs`). WordNet's licence is beside them.

mod filter;

use std::sync::LazyLock;

use fst::Map;

type Fst = Map<&'static [u8]>;

/// Lemma → bits of the parts of speech that have it.
static LEMMAS: LazyLock<Fst> = LazyLock::new(|| open(include_bytes!("../assets/wordnet/lemmas.fst")));

/// Tag and exception → where in [`ANSWERS`] the lemma stands: first byte × 256 + length.
static EXCEPTIONS: LazyLock<Fst> = LazyLock::new(|| open(include_bytes!("../assets/wordnet/exceptions.fst")));

/// The lemmas of all exceptions, one a line.
static ANSWERS: &str = include_str!("../assets/wordnet/exceptions.txt");

static FILTER: &[u8; filter::BYTES] = include_bytes!("../assets/wordnet/exceptions.filter");

/// No word of more bytes has a lemma of WordNet: its longest has 71, and a rule cuts off three.
const LONGEST: usize = 74;

/// A part of speech that has lemmas of its own. NLTK's satellite adjectives (`s`) answer as `Adj`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pos {
    /// Noun, NLTK's `n` and its default.
    Noun,
    /// Verb, `v`.
    Verb,
    /// Adjective, `a`.
    Adj,
    /// Adverb, `r`.
    Adv,
}

impl Pos {
    /// The bit in [`LEMMAS`].
    fn bit(self) -> u64 {
        match self {
            Self::Noun => 1,
            Self::Verb => 2,
            Self::Adj => 4,
            Self::Adv => 8,
        }
    }

    /// The first byte of the keys of [`EXCEPTIONS`].
    fn tag(self) -> u8 {
        match self {
            Self::Noun => b'n',
            Self::Verb => b'v',
            Self::Adj => b'a',
            Self::Adv => b'r',
        }
    }
}

/// Where an answer is to be found; lets the rules below write to the buffer without holding it.
enum Answer {
    /// The word unchanged.
    Word,
    /// The first bytes of the word, which is where most rules lead.
    Head(usize),
    /// In the buffer.
    Buffer,
    /// In the list of exceptions.
    Listed(&'static str),
}

/// The lemma of `word` as a `pos`; `word` itself where WordNet knows none.
///
/// Borrowed from `word` where it can be, else written to `buf`, whose old content is lost.
pub fn lemma<'a>(word: &'a str, pos: Pos, buf: &'a mut String) -> &'a str {
    match answer(word, pos, buf) {
        Answer::Word => word,
        Answer::Head(end) => &word[..end],
        Answer::Buffer => buf,
        Answer::Listed(lemma) => lemma,
    }
}

fn answer(word: &str, pos: Pos, buf: &mut String) -> Answer {
    if word.len() > LONGEST {
        return Answer::Word;
    }
    if let Some(answer) = exception(word, pos, buf) {
        return answer;
    }
    // Of several lemmas the shortest wins, of equally short ones the first rule's: the rules of one
    // ending are tried in that order. The word itself is longer than all but what "men" gives.
    let mut rules = Rules { word, pos, buf };
    let found = match pos {
        Pos::Noun => rules.noun(),
        Pos::Verb => rules.verb(),
        Pos::Adj => rules.adjective(),
        Pos::Adv => None,
    };
    found.unwrap_or(Answer::Word)
}

/// The answer for a word of the exception lists: no rule is applied to those, known lemma or not.
fn exception(word: &str, pos: Pos, buf: &mut String) -> Option<Answer> {
    let bit = filter::bit(pos.tag(), word.as_bytes());
    if FILTER[bit / 8] & (1 << (bit % 8)) == 0 {
        return None;
    }
    buf.clear();
    buf.push(char::from(pos.tag()));
    buf.push_str(word);
    let place = usize::try_from(EXCEPTIONS.get(&*buf)?).ok()?;
    let start = place >> 8;
    ANSWERS.get(start..start + (place & 0xFF)).map(Answer::Listed)
}

fn open(bytes: &'static [u8]) -> Fst {
    Map::new(bytes).expect("a committed asset that the tests walk through")
}

fn has(word: &str, pos: Pos) -> bool {
    LEMMAS.get(word).is_some_and(|bits| bits & pos.bit() != 0)
}

/// WordNet's rules of detachment (morphy(7WN), "Rules of Detachment").
struct Rules<'w, 'b> {
    word: &'w str,
    pos: Pos,
    buf: &'b mut String,
}

impl Rules<'_, '_> {
    fn noun(&mut self) -> Option<Answer> {
        if self.word.ends_with('s') {
            // All of these are exclusive, and give a shorter lemma than the plain "s".
            self.swap("ies", "y")
                .or_else(|| self.swap("ves", "f"))
                .or_else(|| self.cut_es(&["ses", "xes", "zes", "ches", "shes"]))
                .or_else(|| self.cut(1))
        } else if self.word.ends_with("men") && !has(self.word, self.pos) {
            self.swap("men", "man")
        } else {
            None
        }
    }

    fn verb(&mut self) -> Option<Answer> {
        if self.word.ends_with('s') {
            self.swap("ies", "y").or_else(|| self.cut_es(&["es"])).or_else(|| self.cut(1))
        } else if self.word.ends_with("ed") {
            self.cut(2).or_else(|| self.cut(1))
        } else if self.word.ends_with("ing") {
            self.cut(3).or_else(|| self.swap("ing", "e"))
        } else {
            None
        }
    }

    fn adjective(&mut self) -> Option<Answer> {
        if self.word.ends_with("er") {
            self.cut(2).or_else(|| self.cut(1))
        } else if self.word.ends_with("est") {
            self.cut(3).or_else(|| self.cut(2))
        } else {
            None
        }
    }

    /// The word without its last `bytes`, which the caller has seen to be ASCII.
    fn cut(&self, bytes: usize) -> Option<Answer> {
        let end = self.word.len().checked_sub(bytes)?;
        has(self.word.get(..end)?, self.pos).then_some(Answer::Head(end))
    }

    /// The word without its "es", where it has one of these endings.
    fn cut_es(&self, endings: &[&str]) -> Option<Answer> {
        endings.iter().any(|ending| self.word.ends_with(ending)).then(|| self.cut(2)).flatten()
    }

    fn swap(&mut self, old: &str, new: &str) -> Option<Answer> {
        let head = self.word.strip_suffix(old)?;
        self.buf.clear();
        self.buf.push_str(head);
        self.buf.push_str(new);
        has(self.buf, self.pos).then_some(Answer::Buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fst::Streamer;
    use proptest::prelude::*;

    const ALL: [Pos; 4] = [Pos::Noun, Pos::Verb, Pos::Adj, Pos::Adv];

    #[test]
    fn lemmas_of_each_part_of_speech() {
        let mut buf = String::new();
        for (word, pos, want) in [
            ("dogs", Pos::Noun, "dog"),
            ("churches", Pos::Noun, "church"),
            ("mice", Pos::Noun, "mouse"),
            ("women", Pos::Noun, "woman"),
            ("wolves", Pos::Noun, "wolf"),
            ("us", Pos::Noun, "u"),
            ("was", Pos::Noun, "wa"),
            ("has", Pos::Noun, "ha"),
            ("specimen", Pos::Noun, "specimen"),
            ("Dogs", Pos::Noun, "Dogs"),
            ("was", Pos::Verb, "be"),
            ("hating", Pos::Verb, "hat"),
            ("better", Pos::Adj, "good"),
            ("better", Pos::Adv, "well"),
            ("nicest", Pos::Adj, "nice"),
            ("quickly", Pos::Adv, "quickly"),
            ("s", Pos::Noun, "s"),
            ("", Pos::Noun, ""),
            ("école's", Pos::Noun, "école's"),
        ] {
            assert_eq!(lemma(word, pos, &mut buf), want, "{word} {pos:?}");
        }
    }

    #[test]
    fn committed_maps_are_whole() {
        for (map, at_least) in [(&LEMMAS, 147_000), (&EXCEPTIONS, 5_900)] {
            map.as_fst().verify().unwrap();
            assert!(map.len() > at_least, "{}", map.len());
        }
    }

    #[test]
    fn the_filter_lets_every_exception_pass_and_few_others() {
        let mut stream = EXCEPTIONS.stream();
        while let Some((key, _)) = stream.next() {
            let bit = filter::bit(key[0], &key[1..]);
            assert_ne!(FILTER[bit / 8] & (1 << (bit % 8)), 0);
        }
        let set: u32 = FILTER.iter().map(|byte| byte.count_ones()).sum();
        assert!(set < 6_553, "more than a tenth of all words would be looked up: {set}");
    }

    #[test]
    fn unchanged_words_allocate_nothing() {
        let mut buf = String::new();
        for pos in [Pos::Noun, Pos::Adv] {
            assert_eq!(lemma("happiness", pos, &mut buf), "happiness");
        }
        assert_eq!(lemma("cats", Pos::Noun, &mut buf), "cat");
        assert_eq!(buf.capacity(), 0);
    }

    proptest! {
        #[test]
        fn any_string_has_a_lemma_no_longer_than_itself(
            word in ".{0,90}|[a-zé]{0,8}(s|es|ies|ses|ves|men|ed|ing|er|est|é)"
        ) {
            let mut buf = String::new();
            for pos in ALL {
                let lemma = lemma(&word, pos, &mut buf);
                prop_assert!(lemma == word || lemma.is_ascii());
                prop_assert_eq!(lemma.is_empty(), word.is_empty());
            }
        }
    }
}
