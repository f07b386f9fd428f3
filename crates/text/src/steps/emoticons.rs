//! Emoticons become the `EMOJIname` of the emoji that says the same.

use super::emoji::push_name;
use crate::letters::is_alphanumeric;
use crate::trace::{Desk, Trace};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// Emoji, and the emoticons that mean it, in lower case; they are found in either case.
const TABLE: [(&str, &[&str]); 22] = [
    ("🙂", &[":)", ":-)", ":^)", "=)", "(:", "(-:", ":]", ":-]", "=]", ":o)", ":}", ":c)"]),
    ("😀", &[":d", ":-d", "=d", ";d", ";-d", "8d", "8-d"]),
    ("😆", &["xd", "xdd", "xddd", "x-d"]),
    ("😉", &[";)", ";-)", ";]", "*-)", "(;"]),
    ("☹️", &[":(", ":-(", "=(", "):", ")-:", ":[", ":-[", ":c", ":-c", ":<", ":-<", ":{"]),
    ("😢", &[":'(", ":'-(", ":,(", "='(", ";(", ";-("]),
    ("😭", &["t_t", "t.t", "tt_tt", ";_;", "q_q", "qq"]),
    ("😂", &[":')", ":'-)", ":'d"]),
    ("😛", &[":p", ":-p", "=p", "xp", ";p", ";-p", ":b", ":-b"]),
    ("😮", &[":o", ":-o", "=o", ":-0"]),
    ("😲", &["o_o", "o.o", "0_0", "o_0", "0_o", "o__o"]),
    ("😕", &[":/", ":-/", "=/", ":\\", ":-\\", "=\\", ":s", ":-s"]),
    ("😐", &[":|", ":-|", "=|"]),
    ("😑", &["-_-", "-__-", "-___-", "-.-"]),
    ("😊", &["^_^", "^^", "^-^", "^.^", "^__^", ":3", ":-3", "=^.^=", "n_n"]),
    ("😘", &[":*", ":-*", ";*", ";-*", "=*"]),
    ("😠", &[">:(", ">:-(", ":@", ":-@", ">_<", ">.<", ">:["]),
    ("😈", &[">:)", ">:-)", "}:)", ">:d", "3:)", ">;)"]),
    ("😎", &["b-)", "8-)", "b)"]),
    ("😇", &["o:)", "o:-)", "0:)", "0:-)"]),
    ("❤️", &["<3", "<33", "<333"]),
    ("💔", &["</3", "<\\3"]),
];

/// The compiled table.
#[derive(Debug)]
pub(crate) struct Emoticons {
    finder: AhoCorasick,
    /// ` EMOJIname ` of each pattern of the finder.
    names: Vec<String>,
}

impl Emoticons {
    pub(crate) fn new() -> Self {
        let mut names = Vec::new();
        let mut patterns = Vec::new();
        for (emoji, emoticons) in TABLE {
            let mut name = " ".to_owned();
            push_name(emojis::get(emoji).expect("the table's emoji are known"), &mut name);
            name.push(' ');
            for emoticon in emoticons {
                names.push(name.clone());
                patterns.push(*emoticon);
            }
        }
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&patterns)
            .expect("a few short patterns make a small automaton");
        Self { finder, names }
    }

    pub(crate) fn apply<T: Trace>(&self, desk: &mut Desk<T>) {
        let Some(first) = self.find(&desk.page.text, 0) else {
            return;
        };
        desk.rewrite(|page, next| {
            let (mut kept, mut found) = (0, Some(first));
            while let Some((start, end, name)) = found {
                next.keep(page, kept..start);
                next.replace(page, start..end, name);
                kept = end;
                found = self.find(&page.text, end);
            }
            next.keep(page, kept..page.text.len());
        });
    }

    /// The next emoticon at or after `from`.
    ///
    /// One that begins or ends with a letter or digit must not continue a word ("index:d"); one that
    /// begins with a sign and ends with a letter or digit must not follow a word either ("16:3").
    fn find(&self, text: &str, from: usize) -> Option<(usize, usize, &str)> {
        let mut at = from;
        loop {
            let found = self.finder.find(aho_corasick::Input::new(text).range(at..))?;
            let (start, end) = (found.start(), found.end());
            let emoticon = &text.as_bytes()[start..end];
            let before = text[..start].chars().next_back();
            let after = text[end..].chars().next();
            let word = |c: Option<char>| c.is_some_and(is_alphanumeric);
            let (first, last) = (emoticon[0], emoticon[emoticon.len() - 1]);
            let letters = first.is_ascii_alphanumeric() || last.is_ascii_alphanumeric();
            let slash = matches!(last, b'/' | b'\\');
            let heart = first == b'<';
            let left = !word(before) || heart || !letters;
            let right = !((letters || slash) && word(after) || slash && after == Some('/'));
            if left && right {
                return Some((start, end, &self.names[found.pattern().as_usize()]));
            }
            at = start + 1;
        }
    }
}
