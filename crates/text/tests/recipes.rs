//! Recipes as files: they come back as they were, and wrong ones are refused with a sentence.

#![allow(clippy::unwrap_used)]

use sentimeter_text::{Recipe, Scratch, Step};

#[test]
fn every_preset_survives_json_and_toml() {
    for name in Recipe::presets() {
        let recipe = Recipe::preset(name).unwrap();
        let json = serde_json::to_string_pretty(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe, "{json}");
        let toml = toml::to_string(&recipe).unwrap();
        assert_eq!(toml::from_str::<Recipe>(&toml).unwrap(), recipe, "{toml}");
    }
    assert_eq!(Recipe::preset("none"), None);
}

#[test]
fn settings_have_defaults() {
    let recipe: Recipe = toml::from_str("[[steps]]\nstep = 'squash_repeats'").unwrap();
    let same: Recipe = serde_json::from_str(r#"{"steps": [{"step": "squash_repeats", "keep": 2}]}"#).unwrap();
    assert_eq!(recipe, same);
}

#[track_caller]
fn refuses(json: &str, sentence: &str) {
    let error = match serde_json::from_str::<Recipe>(json) {
        Err(error) => error.to_string(),
        Ok(recipe) => recipe.compile().unwrap_err().to_string(),
    };
    assert!(error.contains(sentence), "{error}");
}

#[test]
fn wrong_recipes_are_refused() {
    refuses("{}", "a recipe needs `steps` or `auto`");
    refuses(
        r#"{"steps": [], "auto": {"min_confidence": 0, "fallback": "en", "en": [], "fr": [], "ar": []}}"#,
        "not both",
    );
    refuses(r#"{"steps": [{"step": "squash"}]}"#, "unknown variant `squash`");
    refuses(r#"{"steps": [{"step": "lowercase", "keep": 2}]}"#, "unknown field `keep`");
    refuses(r#"{"steps": [{"step": "squash_repeats", "kept": 2}]}"#, "unknown field `kept`");
    refuses(
        r#"{"steps": [{"step": "lowercase"}, {"step": "squash_repeats", "keep": 0}]}"#,
        "step 2 (squash_repeats): keep is 0, it must be at least 1",
    );
    refuses(
        r#"{"steps": [{"step": "drop_short"}, {"step": "lowercase"}]}"#,
        "step 2 (lowercase) works on the text, but step 1 (drop_short) has already cut it into tokens",
    );
    refuses(r#"{"steps": [{"step": "words", "signs": "!,"}]}"#, "step 1 (words): signs is \"!,\"");
    refuses(
        r#"{"steps": [{"step": "negation", "language": "en"}, {"step": "drop_short"}]}"#,
        "step 1 (negation) must be the last one",
    );
    refuses(
        r#"{"steps": [{"step": "stems", "language": "other"}]}"#,
        "language is other, it must be `en`, `fr` or `ar`",
    );
    refuses(
        r#"{"auto": {"min_confidence": 0.5, "fallback": "en", "en": [], "fr": [{"step": "drop_short", "min_chars": 0}], "ar": []}}"#,
        "step 1 (drop_short) of `fr`: min_chars is 0",
    );
    refuses(
        r#"{"auto": {"min_confidence": 2, "fallback": "en", "en": [], "fr": [], "ar": []}}"#,
        "min_confidence is 2",
    );
}

#[test]
fn no_steps_cut_at_white_space() {
    let analyzer = Recipe::default().compile().unwrap();
    let mut tokens = Vec::new();
    analyzer.tokens("a  b\u{3000}c", &mut Scratch::new(), &mut |token| tokens.push(token.to_owned()));
    assert_eq!(tokens, ["a", "b", "c"]);
}

#[test]
fn steps_know_their_names() {
    for name in Recipe::presets() {
        let json = serde_json::to_value(Recipe::preset(name).unwrap()).unwrap();
        for step in json["steps"].as_array().into_iter().flatten() {
            let parsed: Step = serde_json::from_value(step.clone()).unwrap();
            assert_eq!(parsed.name(), step["step"]);
        }
    }
}
