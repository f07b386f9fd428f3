//! What a user sees of the steps and presets, as tables.

#![allow(clippy::unwrap_used)]

use sentimeter_text::{Recipe, Scratch, Span};

#[track_caller]
fn spans(recipe: &str, raw: &str) -> Vec<(String, Span)> {
    let recipe: Recipe = match Recipe::preset(recipe) {
        Some(preset) => preset,
        None => serde_json::from_str(&format!(r#"{{"steps": [{recipe}]}}"#)).unwrap(),
    };
    let mut tokens = Vec::new();
    recipe
        .compile()
        .unwrap()
        .each(raw, &mut Scratch::new(), &mut |token, span| tokens.push((token.to_owned(), span)));
    tokens
}

/// `want` is the tokens with a space between.
#[track_caller]
fn check(recipe: &str, raw: &str, want: &str) {
    let tokens: Vec<String> = spans(recipe, raw).into_iter().map(|(token, _)| token).collect();
    assert_eq!(tokens.join(" "), want, "{raw:?}");
}

#[test]
fn links() {
    let step = r#"{"step": "urls"}"#;
    check(step, "see (http://a.b/c?d), or HTTPS://x.", "see ( URL ), or URL .");
    check(step, "www.a.b awww.c pic.twitter.com/x {link} http", "URL awww.c URL URL URL");
    check(step, "10:30 a.m. https://", "10:30 a.m. URL");
    check(step, "httpd http_x", "httpd http_x");
}

#[test]
fn mentions() {
    let step = r#"{"step": "users"}"#;
    check(step, "@a: @b_1's me@home.com @ @@c", "USER : USER 's me@home.com @ @ USER");
    check(step, "@سعيد hi", "USER hi");
}

#[test]
fn hashtags() {
    let split = r#"{"step": "hashtags", "mode": "split"}"#;
    check(split, "#BestDayEver #NBAFinals2020 #so_true", "Best Day Ever NBA Finals 2020 so _ true");
    check(split, "#1 a#b http://x/#Top", "#1 a#b http://x/#Top");
    check(split, "#يوم_سعيد", "يوم _ سعيد");
    check(r#"{"step": "hashtags", "mode": "keep"}"#, "#BestDay", "BestDay");
    check(r#"{"step": "hashtags", "mode": "mask"}"#, "so #BestDay!", "so HASHTAG !");
}

#[test]
fn emoji() {
    let step = r#"{"step": "emoji"}"#;
    check(step, "ok😀😂", "ok EMOJIgrinningface EMOJIfacewithtearsofjoy");
    check(step, "👍🏽 👍", "EMOJIthumbsup EMOJIthumbsup");
    check(step, "👨\u{200d}👩\u{200d}👧", "EMOJIfamilymanwomangirl");
    check(step, "🇫🇷🇩🇿", "EMOJIflagfrance EMOJIflagalgeria");
    check(step, "1\u{fe0f}\u{20e3} 1 #", "EMOJIkeycap1 1 #");
    check(step, "❤ ❤\u{fe0f} ❤\u{fe0f}\u{200d}🔥", "EMOJIredheart EMOJIredheart EMOJIheartonfire");
    check(step, "“quoted” … – 日本", "“quoted” … – 日本");
    check(step, "\u{1f1eb}x \u{200d}", "\u{1f1eb}x \u{200d}");
}

#[test]
fn emoticons() {
    let step = r#"{"step": "emoticons"}"#;
    check(
        step,
        "ok:) :-( <3 XD",
        "ok EMOJIslightlysmilingface EMOJIfrowningface EMOJIredheart EMOJIgrinningsquintingface",
    );
    check(step, "index:d 16:3 c:/dir and/or", "index:d 16:3 c:/dir and/or");
    check(step, "meh :/ >:( </3", "meh EMOJIconfusedface EMOJIangryface EMOJIbrokenheart");
}

#[test]
fn words() {
    check(r#"{"step": "words"}"#, "don\u{2019}t 'quote' a-b_c 3.5€ café!", "don't quote a b c 3 5 café");
    let signs = r#"{"step": "words", "signs": "!?."}"#;
    check(signs, "What?!! ok... e.g. so…", "What ? !! ok ... e g so ...");
    check(
        r#"{"step": "words"}"#,
        "\u{301}\u{301}a\u{301}\u{302}\u{303}\u{304}\u{305}b",
        "a\u{301}\u{302}\u{303}\u{304}b",
    );
    check(r#"{"step": "words"}"#, "ab\u{202e}cd\u{200d}e\u{feff}f", "abcdef");
}

#[test]
fn languages() {
    check(
        r#"{"step": "elisions"}, {"step": "words"}"#,
        "J\u{2019}adore qu'il aujourd'hui l'été",
        "J adore qu il aujourd'hui l été",
    );
    check("ar", "الفيلمُ رائـــع جداااا ١٢ mabrouk 3lik", "الفيلم رائع جداا 12 mabrouk 3lik");
    check("fr", "C'est trooop bien !!! 😀", "c est troop bien !! EMOJIgrinningface");
    check(
        "en",
        "I'm SOOO happy w/ @you &amp; #BestDay :)",
        "i'm soo happy w USER best day EMOJIslightlysmilingface",
    );
}

#[test]
fn tokens_are_filtered_and_changed() {
    check(r#"{"step": "drop_short"}"#, "a bc é éa 日本", "bc éa 日本");
    check(r#"{"step": "lemmas"}"#, "mice was dogs", "mouse wa dog");
    check(r#"{"step": "lemmas", "pos": "verb"}"#, "went dogs running", "go dog run");
    check(r#"{"step": "lemmas", "pos": "any"}"#, "mice went running", "mouse go run");
    check(r#"{"step": "stems", "language": "en"}"#, "happily running", "happili run");
    check(r#"{"step": "stop_words", "language": "fr"}"#, "le chat et la souris", "chat souris");
}

#[test]
fn negations() {
    let en = r#"{"step": "words", "signs": "!"}, {"step": "negation", "language": "en"}"#;
    check(en, "not good, really", "not NOT_good really");
    check(en, "I don't like it at all today", "I don't NOT_like NOT_it NOT_at NOT_all today");
    check(en, "not bad but slow", "not NOT_bad but slow");
    check(en, "never again! good", "never NOT_again ! good");
    check(en, "no 3.5 stars", "no 3 5 NOT_stars");
    let plain = r#"{"step": "negation", "language": "en", "reach": 2}"#;
    check(plain, "not good. fine", "not NOT_good. fine");
    check(plain, "not a b c", "not NOT_a NOT_b c");
    let fr = r#"{"step": "elisions"}, {"step": "words"}, {"step": "negation", "language": "fr"}"#;
    check(fr, "je n'aime pas ce film, nul", "je n NOT_aime pas NOT_ce NOT_film nul");
    check(r#"{"step": "negation", "language": "ar"}"#, "الفيلم ليس جيدا", "الفيلم ليس NOT_جيدا");
    let stems = r#"{"step": "words"}, {"step": "stop_words", "language": "fr"}, {"step": "stems", "language": "fr"}, {"step": "negation", "language": "fr"}"#;
    check(stems, "pas bonnes", "NOT_bon");
}

#[test]
fn spans_cover_all_that_a_token_came_from() {
    let raw = "@you l&eacute;&#39;s soooo #BestDay 👍🏽 http://a.b :-)";
    let got = spans("en", raw);
    let seen: Vec<(&str, &str)> =
        got.iter().map(|(t, s)| (t.as_str(), &raw[s.start as usize..s.end as usize])).collect();
    assert_eq!(
        seen,
        [
            ("USER", "@you"),
            ("lé's", "l&eacute;&#39;s"),
            ("soo", "soooo"),
            ("best", "Best"),
            ("day", "Day"),
            ("EMOJIthumbsup", "👍🏽"),
            ("URL", "http://a.b"),
            ("EMOJIslightlysmilingface", ":-)"),
        ]
    );
}

#[test]
fn negations_by_grammar() {
    let en = r#"{"step": "words"}, {"step": "negation", "language": "en", "reach": 2, "grammar": true}"#;
    check(en, "not only good", "not only good");
    check(en, "no doubt great, not great", "no doubt great not NOT_great");
    let fr = r#"{"step": "elisions"}, {"step": "words"}, {"step": "negation", "language": "fr", "reach": 1, "grammar": true}"#;
    check(fr, "il ne marche plus bien", "il ne NOT_marche plus NOT_bien");
    check(fr, "plus rapide, n'en parle plus ici", "plus rapide n NOT_en parle plus NOT_ici");
    check(fr, "il ne dit que du bien", "il ne NOT_dit que du bien");
    check(fr, "bien sans doute, sans plaisir", "bien sans doute sans NOT_plaisir");
    check(fr, "personne polie, personne n'écoute", "personne polie personne n NOT_écoute");
    let ar = r#"{"step": "arabic"}, {"step": "words"}, {"step": "negation", "language": "ar", "reach": 1, "grammar": true}"#;
    check(ar, "ماعجبنيش الفندق هنا", "NOT_عجبني NOT_الفندق هنا");
    check(ar, "وماعجبنيش", "NOT_عجبني");
    check(ar, "متعجبنيش مبحبهاش", "NOT_تعجبني NOT_بحبها");
    check(ar, "ما عجبنيش", "ما NOT_عجبني");
    check(ar, "ما عجبني", "ما NOT_عجبني");
    check(ar, "ما شاء الله", "ما شاء الله");
    check(ar, "ما أجمل المكان", "ما اجمل المكان");
    check(ar, "زي ما توقعت", "زي ما توقعت");
    check(ar, "مش حلو ولا رخيص", "مش NOT_حلو ولا NOT_رخيص");
    // Words that only look as if they held a negation, and one that is a negation and nothing else.
    check(ar, "مدهش مناقش ماش مفيش مشكله", "مدهش مناقش ماش مفيش NOT_مشكله");
    check(r#"{"step": "negation", "language": "ar"}"#, "ماعجبنيش الفندق", "ماعجبنيش NOT_الفندق");
}
