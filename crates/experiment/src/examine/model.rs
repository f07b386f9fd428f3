//! What the model is, as its file says.

use sentimeter_model::{Card, Lineage, Model};
use serde::Serialize;
use serde_json::Value;

/// A model, for somebody who asks where a figure comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct About {
    /// What people call it.
    pub name: String,
    /// Digest of its file.
    pub digest: String,
    /// Number of features.
    pub features: usize,
    /// How text is cleaned: the recipe's name and steps.
    pub recipe: Value,
    /// The plan that it was trained by.
    pub plan: Value,
    /// How its probabilities are calibrated.
    pub calibration: Value,
    /// Which rows it learned from and was measured on, its seed and the program's version.
    pub lineage: Lineage,
}

impl About {
    pub(super) fn of(model: &Model, name: &str, digest: &str) -> Self {
        let Card { recipe, plan, calibration, lineage, .. } = model.card();
        Self {
            name: name.to_owned(),
            digest: digest.to_owned(),
            features: model.features(),
            recipe: serde_json::to_value(recipe).unwrap_or_default(),
            plan: plan.clone(),
            calibration: serde_json::to_value(calibration).unwrap_or_default(),
            lineage: lineage.clone(),
        }
    }

    /// The plan's settings, `features.min_df` and its value, in the plan's order.
    pub(super) fn settings(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        flatten(&self.plan, "", &mut found);
        found
    }
}

/// Values by dotted key; a list is one value.
fn flatten(value: &Value, key: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, inner)| {
            let dot = if key.is_empty() { "" } else { "." };
            flatten(inner, &format!("{key}{dot}{name}"), found);
        }),
        Value::String(text) => found.push((key.to_owned(), text.clone())),
        Value::Null => {}
        other => found.push((key.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_dotted_and_in_order() {
        let plan =
            r#"{"seed": 3, "recipe": {"preset": "auto", "steps": null}, "features": {"words": [1, 2]}}"#;
        let plan: Value = serde_json::from_str(plan).unwrap();
        let mut found = Vec::new();
        flatten(&plan, "", &mut found);
        let found: Vec<(&str, &str)> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(found, [("seed", "3"), ("recipe.preset", "auto"), ("features.words", "[1,2]")]);
    }
}
