//! Every setting of a neural model: what a plan's `[neural]` holds.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::kernel::Kernel;
use super::networks::{CnnSettings, Padding, RecurrentSettings};
use super::{Decay, Optimiser, Pool, Rule};
use crate::SettingError;
use crate::logistic::ClassWeight;

/// The families: each has its own defaults and its own shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// LSTM layers that read each text once.
    Lstm,
    /// LSTM layers that read each text from both ends.
    Bilstm,
    /// Convolutions and the largest answer of each filter.
    Cnn,
}

/// Which tokens of a text that is too long are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// The first ones.
    #[default]
    Head,
    /// The last ones.
    Tail,
    /// Half from the start and half from the end, one more from the start where the length is odd.
    Both,
}

/// What becomes of the words' vectors in training.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Update {
    /// They stay as they are.
    Frozen,
    /// A step moves the words of its batch: fast with a large vocabulary.
    #[default]
    Rows,
    /// A step moves all words, as the optimiser's means go on.
    All,
}

/// The settings of a neural model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Which network.
    pub model: Kind,
    /// Most words that get a vector of their own.
    pub vocabulary: usize,
    /// Occurrences in the training texts that a word needs for that.
    pub min_count: usize,
    /// Most tokens of a text.
    pub length: usize,
    /// Which tokens of a longer one are kept.
    pub cut: Cut,
    /// Numbers of a word's vector.
    pub embedding: usize,
    /// What becomes of them in training.
    pub update: Update,
    /// Units of each LSTM layer, per direction.
    pub units: Vec<usize>,
    /// Which vector stands for a text.
    pub pool: Pool,
    /// Filters of each convolution.
    pub filters: Vec<usize>,
    /// Words that a filter looks at.
    pub kernel_size: usize,
    /// What stands around a text.
    pub padding: Padding,
    /// Units of the dense layers before the last.
    pub dense: Vec<usize>,
    /// Share of numbers dropped in training, within `[0, 1)`.
    pub dropout: f64,
    /// Most passes over the training texts.
    pub epochs: u32,
    /// Texts of a step.
    pub batch_size: usize,
    /// Share of the training texts that is kept out to stop by, within `[0, 1)`.
    pub validation: f64,
    /// Passes without a smaller loss on those after which training stops.
    pub patience: u32,
    /// Share of each target that goes evenly to all classes, within `[0, 1)`.
    pub label_smoothing: f64,
    /// How much each class counts.
    pub class_weight: ClassWeight,
    /// Adam or AdamW.
    pub rule: Rule,
    /// Learning rate.
    pub learning_rate: f64,
    /// Adam's shares of old means.
    pub betas: [f64; 2],
    /// Adam's epsilon.
    pub epsilon: f64,
    /// Strength of the decay.
    pub weight_decay: f64,
    /// Most length of a gradient; 0 for any.
    pub clip_norm: f64,
    /// Share of the steps in which the learning rate rises.
    pub warmup: f64,
    /// What it does after that.
    pub decay: Decay,
    /// The instructions to use; the machine's best when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Kernel>,
}

/// Settings that only recurrent networks have.
const RECURRENT: [&str; 2] = ["units", "pool"];
/// Settings that only convolutions have.
const CNN: [&str; 3] = ["filters", "kernel_size", "padding"];

impl Settings {
    /// The defaults of a family.
    pub fn of(model: Kind) -> Self {
        let Optimiser { rule, learning_rate, betas, epsilon, weight_decay, clip_norm, warmup, decay } =
            Optimiser::default();
        let lstm = Self {
            model,
            vocabulary: 10_000,
            min_count: 2,
            length: 100,
            cut: Cut::Head,
            embedding: 128,
            update: Update::Rows,
            units: vec![64, 32],
            pool: Pool::Last,
            filters: vec![128, 128],
            kernel_size: 5,
            padding: Padding::Same,
            dense: vec![16],
            dropout: 0.3,
            epochs: 50,
            batch_size: 32,
            validation: 0.1,
            patience: 3,
            label_smoothing: 0.0,
            class_weight: ClassWeight::default(),
            rule,
            learning_rate,
            betas,
            epsilon,
            weight_decay,
            clip_norm,
            warmup,
            decay,
            kernel: None,
        };
        match model {
            Kind::Lstm => lstm,
            Kind::Bilstm => Self {
                vocabulary: 50_000,
                embedding: 100,
                units: vec![64, 64],
                dense: vec![],
                batch_size: 256,
                ..lstm
            },
            Kind::Cnn => {
                Self { vocabulary: 50_000, embedding: 100, dense: vec![64], batch_size: 256, ..lstm }
            }
        }
    }

    /// The defaults of a family with `given` in place of some.
    ///
    /// # Errors
    /// A name that the family has not, a value of another type or outside its range.
    pub fn with(model: Kind, given: &Map<String, Value>) -> Result<Self, SettingError> {
        let mut all = Self::of(model).to_map();
        let known: Vec<String> = all.keys().filter(|key| *key != "model").cloned().collect();
        for (key, value) in given.iter().filter(|(key, _)| *key != "model") {
            if !(all.contains_key(key) || key == "kernel") {
                let known = known.join(", ");
                let got = format!("`{key}`, which a {} does not have; it has {known}", model.name());
                return Err(SettingError::new("neural", "a table of the model's own settings", got));
            }
            all.insert(key.clone(), value.clone());
        }
        // What the family does not use, it has at its default.
        let unused = serde_json::to_value(Self::of(model)).unwrap_or_default();
        for key in model.others() {
            all.insert((*key).to_owned(), unused[*key].clone());
        }
        let settings: Self = serde_json::from_value(Value::Object(all)).map_err(|e| {
            SettingError::new("neural", "a table of settings of the right types", format!("wrong: {e}"))
        })?;
        settings.check()?;
        Ok(settings)
    }

    /// The settings that the family uses, by name.
    pub fn to_map(&self) -> Map<String, Value> {
        let Ok(Value::Object(mut all)) = serde_json::to_value(self) else { return Map::new() };
        self.model.others().iter().for_each(|key| drop(all.shift_remove(*key)));
        all
    }

    fn check(&self) -> Result<(), SettingError> {
        let at_least = |name, least: usize, most: usize, x: usize| match (least..=most).contains(&x) {
            true => Ok(()),
            false => Err(SettingError::new(name, "above 0, and small enough for memory", x)),
        };
        const WIDE: usize = 1 << 14;
        at_least("neural.vocabulary", 1, 1 << 26, self.vocabulary)?;
        at_least("neural.min_count", 1, usize::MAX, self.min_count)?;
        at_least("neural.length", 1, 1 << 16, self.length)?;
        at_least("neural.embedding", 1, WIDE, self.embedding)?;
        at_least("neural.kernel_size", 1, 1 << 10, self.kernel_size)?;
        at_least("neural.batch_size", 1, 1 << 20, self.batch_size)?;
        at_least("neural.epochs", 1, 1 << 20, self.epochs as usize)?;
        let layers = [("neural.units", &self.units), ("neural.filters", &self.filters)];
        for (name, layers) in layers.into_iter().chain([("neural.dense", &self.dense)]) {
            at_least(name, usize::from(name != "neural.dense"), 64, layers.len())?;
            layers.iter().try_for_each(|&n| at_least(name, 1, WIDE, n))?;
        }
        for (name, x) in [
            ("neural.dropout", self.dropout),
            ("neural.validation", self.validation),
            ("neural.label_smoothing", self.label_smoothing),
        ] {
            if !(0.0..1.0).contains(&x) {
                return Err(SettingError::new(name, "0 or more and below 1", x));
            }
        }
        if let Some(kernel) = self.kernel.filter(|kernel| !kernel.available()) {
            return Err(SettingError::new("neural.kernel", "one that this processor has", kernel));
        }
        self.optimiser().check()
    }

    /// The instructions that training uses: those named, or the machine's best.
    pub fn kernel(&self) -> Kernel {
        self.kernel.filter(|kernel| kernel.available()).unwrap_or_else(Kernel::detect)
    }

    pub(crate) fn optimiser(&self) -> Optimiser {
        Optimiser {
            rule: self.rule,
            learning_rate: self.learning_rate,
            betas: self.betas,
            epsilon: self.epsilon,
            weight_decay: self.weight_decay,
            clip_norm: self.clip_norm,
            warmup: self.warmup,
            decay: self.decay,
        }
    }

    pub(crate) fn recurrent(&self) -> RecurrentSettings {
        RecurrentSettings {
            units: self.units.clone(),
            bidirectional: self.model == Kind::Bilstm,
            pool: self.pool,
            dense: self.dense.clone(),
            dropout: self.dropout,
        }
    }

    pub(crate) fn cnn(&self) -> CnnSettings {
        CnnSettings {
            filters: self.filters.clone(),
            kernel_size: self.kernel_size,
            padding: self.padding,
            dense: self.dense.clone(),
            dropout: self.dropout,
        }
    }
}

impl Kind {
    /// As a plan names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lstm => "lstm",
            Self::Bilstm => "bilstm",
            Self::Cnn => "cnn",
        }
    }

    /// Settings that only other families have.
    fn others(self) -> &'static [&'static str] {
        match self {
            Self::Lstm | Self::Bilstm => &CNN,
            Self::Cnn => &RECURRENT,
        }
    }
}

impl Cut {
    /// Which of `len` tokens are kept when there may be `most`: stretches of the text, in order.
    pub fn kept(self, len: usize, most: usize) -> [std::ops::Range<usize>; 2] {
        if len <= most {
            return [0..len, len..len];
        }
        match self {
            Self::Head => [0..most, len..len],
            Self::Tail => [len - most..len, len..len],
            Self::Both => [0..most.div_ceil(2), len - most / 2..len],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(model: Kind, given: Value) -> Result<Settings, SettingError> {
        let Value::Object(given) = given else { panic!("a table") };
        Settings::with(model, &given)
    }

    #[test]
    fn given_settings_stand_in_place_of_the_familys_own() {
        let settings = with(Kind::Bilstm, json!({ "units": [8], "learning_rate": 0.01 })).unwrap();
        assert_eq!((settings.units, settings.learning_rate, settings.embedding), (vec![8], 0.01, 100));
        for kind in [Kind::Lstm, Kind::Bilstm, Kind::Cnn] {
            let settings = Settings::of(kind);
            assert_eq!(Settings::with(kind, &settings.to_map()).unwrap(), settings);
        }
    }

    #[test]
    fn settings_of_another_family_and_wrong_ones_are_refused() {
        for (kind, given, says) in [
            (Kind::Cnn, json!({ "units": [8] }), "`units`, which a cnn does not have"),
            (Kind::Lstm, json!({ "filters": [8] }), "`filters`, which a lstm does not have"),
            (Kind::Lstm, json!({ "learning_rat": 1 }), "learning_rate"),
            (Kind::Lstm, json!({ "units": [] }), "neural.units"),
            (Kind::Lstm, json!({ "units": [0] }), "neural.units"),
            (Kind::Lstm, json!({ "dropout": 1.0 }), "neural.dropout"),
            (Kind::Lstm, json!({ "dropout": "much" }), "invalid type"),
            (Kind::Lstm, json!({ "learning_rate": -1 }), "neural.learning_rate"),
        ] {
            let error = with(kind, given.clone()).unwrap_err().to_string();
            assert!(error.contains(says), "{given}: {error}");
        }
    }

    #[test]
    fn a_long_text_is_cut_by_its_rule() {
        for (cut, want) in [(Cut::Head, [0..3, 7..7]), (Cut::Tail, [4..7, 7..7]), (Cut::Both, [0..2, 6..7])] {
            assert_eq!(cut.kept(7, 3), want);
            assert_eq!(cut.kept(3, 3), [0..3, 3..3]);
        }
    }
}
