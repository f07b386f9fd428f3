//! A recipe as JSON, a line end, and a text: the recipe is refused, or cuts the text into tokens whose
//! spans are parts of the text; nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sentimeter_text::{Recipe, Scratch};

fuzz_target!(|data: &str| {
    let (recipe, text) = data.split_once('\n').unwrap_or(("auto", data));
    // A preset's name stands for its recipe: names are found sooner than whole recipes.
    let Some(recipe) = Recipe::preset(recipe).or_else(|| serde_json::from_str(recipe).ok()) else { return };
    let written = serde_json::to_string(&recipe).expect("a recipe can be written");
    assert_eq!(serde_json::from_str::<Recipe>(&written).expect("and read again"), recipe);
    let Ok(analyzer) = recipe.compile() else { return };
    let mut scratch = Scratch::default();
    let mut spanned = Vec::new();
    analyzer.each(text, &mut scratch, &mut |token, span| {
        assert!(text.get(span.start as usize..span.end as usize).is_some(), "{span:?} of {text:?}");
        spanned.push(token.to_owned());
    });
    let mut plain = Vec::new();
    analyzer.tokens(text, &mut scratch, &mut |token| plain.push(token.to_owned()));
    assert_eq!(spanned, plain, "with and without spans");
});
