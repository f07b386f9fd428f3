//! The short way through the text steps.
//!
//! Most texts are ASCII and hold nothing that most steps look for. Each step says itself which bytes
//! it cannot do without ([`TextStep::marks`]) and, where it changes every byte on its own, into what
//! ([`TextStep::byte`]). From that follows, for any recipe, one table: one look at a text through it
//! tells which steps have nothing to do, and writes what the others leave behind.

use crate::compile::TextStep;
use crate::trace::{Desk, Untraced};

/// Bits of an [entry](Shortcut::table): what becomes of the byte, which marks it begins, which it
/// continues; one bit for each mark.
const BEGINS: u32 = 8;
const CONTINUES: u32 = BEGINS + MARKS;
const MARKS: u32 = 24;
const ALL: u64 = (1 << MARKS) - 1;

/// The mark of a byte beyond ASCII, for which no step promises anything.
const BEYOND_ASCII: u64 = 1;

/// A byte, and the one behind it where that matters, without which a step has nothing to do.
pub(crate) type Mark = (u8, Option<u8>);

/// The first steps of a pipeline, as far as they let themselves be skipped or done byte by byte.
#[derive(Debug)]
pub(crate) struct Shortcut {
    table: [u64; 256],
    /// What the end of a text continues: marks of one byte.
    end: u64,
    /// The step that each mark belongs to, [`BEYOND_ASCII`]'s is the first.
    owners: Vec<usize>,
    /// How many steps are covered.
    len: usize,
}

impl Shortcut {
    /// The short way through as many of `steps` as there is one for.
    pub(crate) fn new(steps: &[TextStep]) -> Self {
        let mut table: [u64; 256] = std::array::from_fn(|byte| byte as u64);
        let mut out = Self { table, end: ALL & BEYOND_ASCII, owners: vec![0], len: 0 };
        for entry in &mut table {
            *entry |= BEYOND_ASCII << CONTINUES;
        }
        table[128..].iter_mut().for_each(|entry| *entry |= BEYOND_ASCII << BEGINS);
        for step in steps {
            if let Some(map) = step.byte() {
                table[..128]
                    .iter_mut()
                    .for_each(|entry| *entry = *entry & !0xff | u64::from(map(*entry as u8)));
            } else if let Some(marks) = step.marks() {
                let mut firsts: Vec<u8> = marks.iter().map(|mark| mark.0).collect();
                firsts.sort_unstable();
                firsts.dedup();
                if out.owners.len() + firsts.len() > MARKS as usize {
                    break;
                }
                for first in firsts {
                    let bit = 1 << out.owners.len();
                    let alone = marks.contains(&(first, None));
                    out.owners.push(out.len);
                    out.end |= if alone { bit } else { 0 };
                    for entry in &mut table {
                        // Marks are said of the text that the step sees.
                        let byte = *entry as u8;
                        let begins = byte == first;
                        let continues = alone || marks.contains(&(first, Some(byte)));
                        *entry |= if begins { bit << BEGINS } else { 0 };
                        *entry |= if continues { bit << CONTINUES } else { 0 };
                    }
                }
            } else {
                break;
            }
            out.len += 1;
        }
        out.table = table;
        out
    }

    /// Puts `raw` on the desk as the first steps leave it; returns how many those are. `steps` are the
    /// ones that this was made from.
    pub(crate) fn take(&self, steps: &[TextStep], raw: &str, desk: &mut Desk<Untraced>) -> usize {
        if self.len == 0 {
            desk.begin(raw);
            return 0;
        }
        let mut bytes = std::mem::take(&mut desk.page.text).into_bytes();
        let marks = self.look(raw.as_bytes(), &mut bytes);
        if marks != 0 {
            bytes.clear();
        }
        // Nothing but ASCII where no mark was met; else only the room is of use.
        desk.page.text = String::from_utf8(bytes).unwrap_or_default();
        if marks == 0 {
            return self.len;
        }
        desk.begin(raw);
        // Marks are in the order of the steps.
        let first = self.owners.get(marks.trailing_zeros() as usize).copied().unwrap_or(0);
        steps[..first].iter().filter(|step| step.byte().is_some()).for_each(|step| step.apply(desk));
        first
    }

    /// Writes what becomes of each byte, and returns the marks that were met.
    fn look(&self, raw: &[u8], out: &mut Vec<u8>) -> u64 {
        out.resize(raw.len(), 0);
        let (mut before, mut met) = (0, 0);
        for (&byte, out) in raw.iter().zip(out) {
            let entry = self.table[usize::from(byte)];
            *out = entry as u8;
            met |= before & (entry >> (CONTINUES - BEGINS));
            before = entry;
        }
        (met | before & (self.end << BEGINS)) >> BEGINS & ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, Recipe};
    use proptest::prelude::*;

    fn steps(name: &str) -> Vec<TextStep> {
        let Body::Steps(steps) = Recipe::preset(name).unwrap().body else { panic!("{name} has no steps") };
        crate::compile::Pipeline::new(&steps, "").unwrap().text
    }

    #[test]
    fn the_classic_recipe_is_covered_up_to_the_repeats() {
        let steps = steps("tweet-en");
        let short = Shortcut::new(&steps);
        assert_eq!(short.len, 5);
        for (raw, done) in [
            ("What a Day, now we go. Oh... dood:", 5),
            ("", 5),
            ("mail @me now", 3),
            ("a:b w.w @", 3),
            ("so @@ mad :( ", 2),
            ("AWWW", 1),
            ("http://x", 1),
            ("café", 0),
        ] {
            let mut desk = Desk::default();
            assert_eq!(short.take(&steps, raw, &mut desk), done, "{raw:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn the_short_way_ends_where_the_long_one_does(
            raw in r"([a-cwWdDoOxXpPE ]{1,3}|[!#$&'()*.:;<=>@\[\\\]^_-]{1,2}|http://|[aé\n\x1c]){0,12}"
        ) {
            let steps = steps("tweet-en");
            let (mut short, mut long) = (Desk::<Untraced>::default(), Desk::<Untraced>::default());
            let done = Shortcut::new(&steps).take(&steps, &raw, &mut short);
            steps[done..].iter().for_each(|step| step.apply(&mut short));
            long.begin(&raw);
            steps.iter().for_each(|step| step.apply(&mut long));
            prop_assert_eq!(&short.page.text, &long.page.text);
        }
    }
}
