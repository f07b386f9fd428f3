//! Any string is accepted, in bounded time and memory, and spans are honest.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use sentimeter_text::{Analyzer, Recipe, Scratch, Unfinished};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// The presets, and a recipe with everything that they leave out.
static ANALYZERS: LazyLock<Vec<(String, Analyzer)>> = LazyLock::new(|| {
    let everything = r#"{"name": "everything", "steps": [
        {"step": "html_entities"}, {"step": "unicode", "form": "nfkc"}, {"step": "hashtags"},
        {"step": "lowercase"}, {"step": "urls"}, {"step": "users"}, {"step": "emoji"},
        {"step": "emoticons"}, {"step": "arabic"}, {"step": "elisions"},
        {"step": "words", "signs": "!?."}, {"step": "squash_repeats", "keep": 1},
        {"step": "drop_short"}, {"step": "stop_words", "language": "en"},
        {"step": "lemmas", "pos": "any"}, {"step": "stems", "language": "ar"},
        {"step": "negation", "language": "ar", "grammar": true}]}"#;
    let presets = Recipe::presets().iter().map(|name| Recipe::preset(name).unwrap());
    presets
        .chain([serde_json::from_str(everything).unwrap()])
        .map(|recipe| (recipe.name.clone().unwrap(), recipe.compile().unwrap()))
        .collect()
});

/// Texts made of what the steps look for.
fn nasty() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        4 => r"[a-zA-Z0-9]{1,4}",
        3 => prop::sample::select(vec![
            " ", "\n", "\u{a0}", "\u{1}", "\u{1c}", "http://", "https", " www.", "{link}", "@", "@me", "#",
            "#SoGood2", "&amp;", "&amp;lt;", "&#", "&#x1f600;", "\\u2019", "\\ud83d\\ude00", "'", "j'", "n't",
            "not", "pas", "ليس", "!", "??", "...", "…", ".", ":", ":)", ":-", "<3", "XD", "EMOJI", "aaaa",
            "İ", "Σ", "ß", "K", "e\u{301}", "\u{301}", "\u{fe0f}", "\u{200d}", "👍🏽", "👨\u{200d}👩\u{200d}👧",
            "🇫", "🇷", "1\u{fe0f}\u{20e3}", "\u{e007f}", "الله", "ـ", "آ", "\u{fdfa}", "\u{202e}", "日本", "가",
        ]).prop_map(str::to_owned),
        1 => r"\PC",
    ];
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn spans_are_in_order_and_the_fast_paths_give_the_same_tokens(raw in nasty()) {
        for (name, analyzer) in &*ANALYZERS {
            let mut scratch = Scratch::new();
            let (mut traced, mut last) = (Vec::new(), 0);
            let mut wrong = None;
            analyzer.each(&raw, &mut scratch, &mut |token, span| {
                let range = span.start as usize..span.end as usize;
                if raw.get(range).is_none_or(str::is_empty) || span.start < last || token.is_empty() {
                    wrong = Some((token.to_owned(), span));
                }
                last = span.start;
                traced.push(token.to_owned());
            });
            prop_assert_eq!(wrong, None, "{}", name);
            // Twice: what is remembered must not change the answer.
            for _ in 0..2 {
                let mut fast = Vec::new();
                analyzer.tokens(&raw, &mut scratch, &mut |token| fast.push(token.to_owned()));
                prop_assert_eq!(&fast, &traced, "{}", name);
            }
            let (mut parts, mut at_once) = (Vec::new(), Vec::new());
            analyzer.unfinished(&raw, None, &mut scratch, &mut |draft| {
                parts.push((draft.as_str().to_owned(), draft.unfinished()));
                at_once.extend(draft.finish().map(str::to_owned));
            });
            prop_assert_eq!(&at_once, &traced, "{}", name);
            let finish = |(token, rest): &(String, Unfinished)| {
                analyzer.finish(token, *rest, &mut scratch).map(str::to_owned)
            };
            let finished: Vec<String> = parts.iter().filter_map(finish).collect();
            prop_assert_eq!(&finished, &traced, "{}", name);
        }
    }
}

/// What this thread has had of a processor: time that others take on a busy machine says nothing of
/// the work. Wall time where the system does not tell.
fn worked(started: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|line| line.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| started.elapsed(), Duration::from_nanos)
}

#[test]
fn a_megabyte_of_anything_takes_linear_time() {
    let units = [
        "a",
        "A",
        "s",
        " ",
        "@",
        "@@",
        "#",
        "#a",
        "&",
        "&amp;",
        "&#",
        "\\u",
        "\\ud83d",
        ":",
        ":-",
        ":)",
        ":-:)",
        ";d",
        "http",
        "http://",
        "://",
        "http:// ",
        "www.",
        " www.",
        "{link}",
        "{",
        ".",
        "..",
        "!",
        "?!",
        "'",
        "l'",
        "a'",
        "not ",
        "x.",
        "\u{301}",
        "e\u{301}",
        "\u{301}\u{316}",
        "\u{1161}",
        "\u{fe0f}",
        "\u{200d}",
        "👨\u{200d}",
        "🇫",
        "👍🏽",
        "1\u{20e3}",
        "\u{e0061}",
        "\u{202e}",
        "İ",
        "Σ",
        "ـ",
        "\u{fdfa}",
        "日",
        "\u{1f600}",
        "<",
        "_-",
        "o",
        "x",
        "\u{a0}",
    ];
    let began = Instant::now();
    for unit in units {
        let text = unit.repeat((1 << 20) / unit.len());
        for (name, analyzer) in &*ANALYZERS {
            let start = worked(began);
            let mut bytes = 0;
            analyzer.each(&text, &mut Scratch::new(), &mut |token, _| bytes += token.len());
            let took = worked(began) - start;
            // A quadratic step would take minutes; half a second is two hundred times the usual.
            assert!(took < Duration::from_secs(4), "{name}: {unit:?} took {took:?}");
            assert!(bytes < 40 << 20, "{name}: {unit:?} became {bytes} bytes");
        }
        let start = worked(began);
        let mut identity = String::new();
        sentimeter_text::identity(&text, &mut identity);
        let took = worked(began) - start;
        assert!(took < Duration::from_secs(4), "identity: {unit:?} took {took:?}");
    }
}
