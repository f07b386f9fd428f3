//! Every setting of a run: what a plan file holds and `--set` changes.

use std::path::PathBuf;

use sentimeter_corpus::{Keep, SplitKind, SplitPlan};
use sentimeter_model::features::{self, sampling::Sampling};
use sentimeter_model::{logistic, neural};
use sentimeter_text::language::Language;
use sentimeter_text::{Body, Recipe};
use serde::{Deserialize, Serialize};

use crate::ExperimentError;
use crate::mix::{MixPlan, Source};
use crate::pretrained;
use crate::search::SearchPlan;

/// The settings of a run; every key may be left out, unknown ones are errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// Splits, folds and sampling draw from it.
    pub seed: u64,
    /// The kind of model.
    #[serde(skip_serializing_if = "is_default")]
    pub model: ModelKind,
    /// The languages that the model is made for: texts in others are answered only when asked to. Empty:
    /// nothing is said, and every text is answered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<Language>,
    /// How text is cleaned.
    pub recipe: RecipePlan,
    /// Which n-grams become features.
    pub features: features::Settings,
    /// How the classifier learns.
    pub logistic: logistic::Settings,
    /// How a network learns, in place of the defaults of its kind.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub neural: serde_json::Map<String, serde_json::Value>,
    /// What is done about imbalance.
    pub sampling: SamplingPlan,
    /// What is kept out to measure on.
    pub split: SplitPlan,
    /// How probabilities are calibrated.
    pub calibration: CalibrationPlan,
    /// How the model is stored.
    #[serde(skip_serializing_if = "is_default")]
    pub storage: StoragePlan,
    /// The folder that files of sources are relative to, itself relative to the plan's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// How sources are put together.
    #[serde(skip_serializing_if = "is_default")]
    pub mix: MixPlan,
    /// Data sets to learn from, where the command names none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// Data sets to measure on; no text of theirs is learned from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<Source>,
    /// What `sentimeter search` tries. It is no setting of a model: it is not written with the others, and
    /// training does not look at it.
    #[serde(skip_serializing)]
    pub search: Option<SearchPlan>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The kinds of model that can be trained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// TF-IDF and logistic regression.
    #[default]
    Logistic,
    /// LSTM layers.
    Lstm,
    /// Bidirectional LSTM layers.
    Bilstm,
    /// Convolutions.
    Cnn,
}

impl ModelKind {
    /// As a plan names it.
    pub fn name(self) -> &'static str {
        self.network().map_or("logistic", neural::Kind::name)
    }

    /// The family of networks; `None` for logistic regression.
    pub fn network(self) -> Option<neural::Kind> {
        match self {
            Self::Logistic => None,
            Self::Lstm => Some(neural::Kind::Lstm),
            Self::Bilstm => Some(neural::Kind::Bilstm),
            Self::Cnn => Some(neural::Kind::Cnn),
        }
    }
}

/// A preset's name, or the steps themselves, or those of each language.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecipePlan {
    /// `tweet-en`, `en`, `fr`, `ar`, `auto`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Steps in order, in place of a preset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<sentimeter_text::Step>>,
    /// Steps of each language, in place of a preset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto: Option<sentimeter_text::Auto>,
}

/// `[sampling]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SamplingPlan {
    /// Over- or undersampling, or SMOTE.
    pub kind: Sampling,
}

/// Whether probabilities are calibrated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CalibrationKind {
    /// As the model gives them.
    None,
    /// One temperature for each language that is detected, learned out of fold; networks learn one for all.
    Languages,
    /// One temperature, learned out of fold.
    #[default]
    Temperature,
}

/// `[calibration]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalibrationPlan {
    /// Whether and how.
    pub kind: CalibrationKind,
    /// Models trained beside the final one, each without one fold, at least 2.
    pub folds: u8,
}

/// `[storage]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoragePlan {
    /// What each weight of a linear model takes.
    pub weights: Precision,
}

/// What a stored weight takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Four bytes.
    #[default]
    F32,
    /// One byte: a file of a third of the size, which is measured as it is stored.
    Int8,
}

impl Default for Plan {
    /// The better default: see `plans/default.toml`, which a test keeps equal to this.
    fn default() -> Self {
        Self {
            seed: 0,
            model: ModelKind::default(),
            languages: Vec::new(),
            neural: serde_json::Map::new(),
            recipe: RecipePlan { preset: Some("auto".to_owned()), ..RecipePlan::default() },
            features: features::Settings {
                words: Some([1, 2]),
                chars: Some([3, 5]),
                min_df: features::Frequency::Count(2),
                max_features: 500_000,
                sublinear_tf: true,
                ..features::Settings::default()
            },
            logistic: logistic::Settings { c: 1.5, ..logistic::Settings::default() },
            sampling: SamplingPlan::default(),
            split: SplitPlan::default(),
            calibration: CalibrationPlan::default(),
            storage: StoragePlan::default(),
            search: None,
            root: None,
            mix: MixPlan::default(),
            sources: Vec::new(),
            tests: Vec::new(),
        }
    }
}

impl Default for CalibrationPlan {
    fn default() -> Self {
        Self { kind: CalibrationKind::default(), folds: 5 }
    }
}

impl Plan {
    /// The plan of a TOML file's text, with `key=value` settings over it.
    ///
    /// Keys are dotted (`features.min_df`), values are TOML; a bare word is a string.
    ///
    /// # Errors
    /// Broken TOML, unknown keys, values of another type, settings out of range.
    pub fn from_toml(text: &str, set: &[String]) -> Result<Self, ExperimentError> {
        let wrong = |e: toml::de::Error| ExperimentError::Plan { why: e.to_string() };
        // Once as it stands: its own mistakes are then shown with their line.
        let _: Self = toml::from_str(text).map_err(wrong)?;
        let mut given: toml::Table = toml::from_str(text).map_err(wrong)?;
        for setting in set {
            apply(&mut given, setting)?;
        }
        let plan = Self::over_defaults(given)?;
        plan.check()?;
        Ok(plan)
    }

    /// This plan with other values of some settings, by dotted key. Not checked: see [`Plan::check`].
    ///
    /// # Errors
    /// Unknown keys, values of another type.
    pub(crate) fn with<'a>(
        &self,
        settings: impl IntoIterator<Item = (&'a str, &'a toml::Value)>,
    ) -> Result<Self, ExperimentError> {
        let mut table =
            toml::Table::try_from(self).map_err(|e| ExperimentError::Plan { why: e.to_string() })?;
        for (key, value) in settings {
            put(&mut table, key, value.clone())
                .map_err(|why| ExperimentError::Plan { why: format!("{key}: {why}") })?;
        }
        table.try_into().map_err(|e: toml::de::Error| ExperimentError::Plan { why: e.message().to_owned() })
    }

    fn over_defaults(given: toml::Table) -> Result<Self, ExperimentError> {
        // A key left out keeps the default of this type, not that of the part that it belongs to.
        let mut table = toml::Table::try_from(Self::default())
            .map_err(|e| ExperimentError::Plan { why: e.to_string() })?;
        if given.contains_key("recipe") {
            table.remove("recipe"); // the default's preset would stand beside given steps
        }
        overlay(&mut table, given);
        table.try_into().map_err(|e: toml::de::Error| ExperimentError::Plan { why: e.to_string() })
    }

    /// The recipe that the plan names or spells out.
    ///
    /// # Errors
    /// A preset that is not there, or more than one of preset, steps and auto.
    pub fn recipe(&self) -> Result<Recipe, ExperimentError> {
        let RecipePlan { preset, steps, auto } = &self.recipe;
        let body = match (preset, steps, auto) {
            (None, Some(steps), None) => Body::Steps(steps.clone()),
            (None, None, Some(auto)) => Body::Auto(auto.clone()),
            (preset, None, None) => {
                let name = preset.as_deref().unwrap_or("auto");
                return Recipe::preset(name).ok_or_else(|| ExperimentError::Plan {
                    why: format!("no recipe `{name}`; there are {}", Recipe::presets().join(", ")),
                });
            }
            _ => {
                return Err(ExperimentError::Plan {
                    why: "[recipe] has more than one of `preset`, `steps` and `auto`: leave one".to_owned(),
                });
            }
        };
        Ok(Recipe { name: None, body })
    }

    /// Names the instructions that a network will be trained with, where the plan leaves them to the machine:
    /// whoever follows the plan elsewhere then gets the same bytes, or is told that the machine cannot.
    pub fn name_kernel(&mut self) {
        if self.model.network().is_some() && !self.neural.contains_key("kernel") {
            let kernel = neural::Kernel::detect().to_string();
            self.neural.insert("kernel".to_owned(), serde_json::Value::String(kernel));
        }
    }

    /// What a run asks of its data beside texts and labels: reading leaves the other columns out. Channels
    /// and languages stay, as reports measure them apart.
    pub fn keep(&self) -> Keep {
        Keep {
            times: self.split.kind == SplitKind::Time,
            authors: self.split.kind == SplitKind::Group,
            origins: false,
        }
    }

    /// Checks every range.
    pub(crate) fn check(&self) -> Result<(), ExperimentError> {
        let wrong = |why: String| Err(ExperimentError::Plan { why });
        self.recipe()?.compile().map_err(|e| ExperimentError::Plan { why: e.to_string() })?;
        self.features.check()?;
        logistic::Logistic::try_from(&self.logistic)?;
        match self.model.network() {
            Some(kind) => {
                pretrained::file(&self.neural)?;
                pretrained::settings(kind, &self.neural)?;
            }
            None if self.neural.is_empty() => {}
            None => {
                let why = "[neural] holds settings of a network, and the model is `logistic`; name one of \
                           `lstm`, `bilstm`, `cnn` with `model` (or --model), or leave [neural] out";
                return wrong(why.to_owned());
            }
        }
        let share = self.split.test_share;
        if !(share > 0.0 && share < 1.0) {
            return wrong(format!("split.test_share is {share}; it must be above 0 and below 1"));
        }
        self.sources.iter().chain(&self.tests).try_for_each(Source::check)?;
        if !self.sources.is_empty() && self.sampling.kind != Sampling::None {
            return wrong(format!(
                "sampling.kind is {:?}, which does not know the weights of [[sources]]; use \"none\" and weights",
                self.sampling.kind
            ));
        }
        if self.calibration.folds < 2 {
            return wrong(format!("calibration.folds is {}; it must be at least 2", self.calibration.folds));
        }
        Ok(())
    }
}

/// Puts the settings of `over` in place of those of `table`, table by table.
fn overlay(table: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(value)) => overlay(below, value),
            (_, value) => drop(table.insert(key, value)),
        }
    }
}

/// Puts `a.b=value` into the table.
fn apply(table: &mut toml::Table, setting: &str) -> Result<(), ExperimentError> {
    let wrong = |why: &str| ExperimentError::Plan { why: format!("--set {setting}: {why}") };
    let (key, value) = setting.split_once('=').ok_or_else(|| wrong("wants key=value"))?;
    let value = value.trim();
    let value: toml::Value = match toml::from_str::<toml::Table>(&format!("v = {value}")) {
        Ok(mut parsed) => parsed.remove("v").ok_or_else(|| wrong("has no value"))?,
        Err(_) => toml::Value::String(value.to_owned()),
    };
    put(table, key, value).map_err(wrong)
}

/// Puts `value` where the dotted `key` says.
fn put(table: &mut toml::Table, key: &str, value: toml::Value) -> Result<(), &'static str> {
    let mut path: Vec<&str> = key.split('.').map(str::trim).collect();
    if path.contains(&"") {
        return Err("has an empty key");
    }
    let last = path.pop().unwrap_or_default();
    let mut at = table;
    for part in path {
        let next = at.entry(part).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        at = next.as_table_mut().ok_or("goes into a setting that has no settings of its own")?;
    }
    // Each stands in place of the other.
    match key.trim() {
        "recipe.steps" | "recipe.preset" | "recipe.auto" => {
            ["preset", "steps", "auto"]
                .iter()
                .filter(|other| **other != last)
                .for_each(|other| drop(at.remove(*other)));
        }
        _ => {}
    }
    at.insert(last.to_owned(), value);
    Ok(())
}
