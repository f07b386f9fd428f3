//! What the model is, as its file says.

use sentimeter_model::neural::{Kind, Neural, Settings};
use sentimeter_model::{Body, Card, Lineage, Model};
use serde::Serialize;
use serde_json::Value;

/// A model, for somebody who asks where a figure comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct About {
    /// What people call it.
    pub name: String,
    /// Digest of its file.
    pub digest: String,
    /// What it is: `TF-IDF and logistic regression`, or the network.
    pub kind: String,
    /// Number of features: n-grams, or words that have a vector.
    pub features: usize,
    /// Numbers that a network has learned, its words' vectors with the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<usize>,
    /// Every setting of a network, those that the plan leaves to its kind with them.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub network: serde_json::Map<String, Value>,
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
        let network = match model.body() {
            Body::Neural(network) => Some(network),
            Body::Linear(_) => None,
        };
        let Card { recipe, plan, calibration, lineage, .. } = model.card();
        Self {
            name: name.to_owned(),
            digest: digest.to_owned(),
            kind: kind(model.body()),
            features: model.features(),
            parameters: network.map(Neural::parameters),
            network: network.map_or_else(serde_json::Map::new, |network| network.settings().to_map()),
            recipe: serde_json::to_value(recipe).unwrap_or_default(),
            plan: plan.clone(),
            calibration: serde_json::to_value(calibration).unwrap_or_default(),
            lineage: lineage.clone(),
        }
    }

    /// A network's settings and their values.
    pub(super) fn network_settings(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        flatten(&Value::Object(self.network.clone()), "", &mut found);
        found
    }

    /// The plan's settings, `features.min_df` and its value, in the plan's order.
    pub(super) fn settings(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        flatten(&self.plan, "", &mut found);
        found
    }
}

/// A model's kind in words; a network's with its layers.
fn kind(body: &Body) -> String {
    let network = match body {
        Body::Linear(_) => return "TF-IDF and logistic regression".to_owned(),
        Body::Neural(network) => network.settings(),
    };
    let Settings { embedding, units, filters, kernel_size, dense, .. } = network;
    let sizes = |sizes: &[usize]| sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let layers = match network.model {
        Kind::Lstm => format!("LSTM layers of {} units", sizes(units)),
        Kind::Bilstm => format!("bidirectional LSTM layers of {} units each way", sizes(units)),
        Kind::Cnn => format!("convolutions of {} filters over {kernel_size} words", sizes(filters)),
    };
    let dense = if dense.is_empty() { String::new() } else { format!(", dense layers of {}", sizes(dense)) };
    format!("network ({}): word vectors of {embedding} numbers, {layers}{dense}", network.model.name())
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
