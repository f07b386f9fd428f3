//! `sentimeter models`, as a person types it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `sentimeter models`. A model is named NAME@VERSION, NAME@ALIAS, or NAME: its champion, or its only version.
#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    /// What to do
    #[command(subcommand)]
    pub action: ModelsAction,
}

/// What to do with models.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelsAction {
    /// All registered models; with a name, its versions
    List {
        /// A registered model
        name: Option<String>,
    },
    /// The card of a version: data, intended use, measures, limits, where it comes from
    Show(ModelsShowArgs),
    /// Make the model of a run, or a model file, a version of a registered model
    Register(ModelsRegisterArgs),
    /// Point an alias at a version; one that is worse than the champion is refused
    Promote(Box<ModelsPromoteArgs>),
    /// Put back what an alias pointed at before; twice, what was there before that
    Rollback {
        /// A registered model
        name: String,
        /// Which alias
        #[arg(long, default_value = "champion")]
        alias: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Delete a version; what is known of it stays
    Delete {
        /// NAME@VERSION
        reference: String,
        /// Even where an alias points at it: the alias goes too
        #[arg(long)]
        force: bool,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Write a version with its card and its run to a folder, or to a zip file where the name ends so
    Export {
        /// NAME@VERSION, NAME@ALIAS or NAME
        reference: String,
        /// The folder or FILE.zip, which must not be there yet
        place: PathBuf,
    },
    /// Take in a version that was exported elsewhere, or fetch a model from an MLflow server
    Import(ModelsImportArgs),
}

/// `sentimeter models show`.
#[derive(Debug, Args)]
pub(crate) struct ModelsShowArgs {
    /// NAME@VERSION, NAME@ALIAS or NAME
    pub reference: String,
    /// What was done to the model, by whom, when and why, in place of the card
    #[arg(long, conflicts_with_all = ["html", "out"])]
    pub history: bool,
    /// Write the card as a page
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the card as Markdown (card.md) and as a page (index.html)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `sentimeter models register`.
#[derive(Debug, Args)]
pub(crate) struct ModelsRegisterArgs {
    /// A model file; or a run: its id, four or more characters of its beginning or end, its name, or `latest`
    #[arg(value_name = "RUN|FILE")]
    pub what: String,
    /// The registered model, which is made if there is none of this name
    #[arg(long, default_value = "sentiment")]
    pub name: String,
    /// What the model is for: stands on the card of every version
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Promote it at once, by the usual rule
    #[arg(long)]
    pub alias: Option<String>,
    /// Under which terms its data may be used, beside what the plan's sources say; may be given several times
    #[arg(long, value_name = "TEXT")]
    pub licence: Vec<String>,
}

/// `sentimeter models promote`.
#[derive(Debug, Args)]
pub(crate) struct ModelsPromoteArgs {
    /// NAME@VERSION or NAME@ALIAS
    pub reference: String,
    /// The alias that will point at it; only the champion is compared with
    #[arg(long, default_value = "champion", value_name = "ALIAS")]
    pub to: String,
    /// How much worse than the champion is let through
    #[arg(long, default_value_t = 0.005, value_parser = margin, value_name = "DIFFERENCE")]
    pub margin: f64,
    /// What is compared: macro_f1, accuracy, mcc, log_loss, …
    #[arg(long, default_value = "macro_f1")]
    pub metric: String,
    /// Labelled texts that neither learned from: both are measured on them. Needed where they were not measured on
    /// the same test rows when they were trained
    #[arg(long, value_name = "NAME|FILE", num_args = 1..)]
    pub data: Vec<String>,
    /// Promote it against the rule
    #[arg(long, requires = "reason")]
    pub force: bool,
    /// Why
    #[arg(long)]
    pub reason: Option<String>,
    #[command(flatten)]
    pub read: super::ReadArgs,
}

/// `sentimeter models import`.
#[derive(Debug, Args)]
pub(crate) struct ModelsImportArgs {
    /// What `models export` wrote; or on an MLflow server models:/NAME@ALIAS, models:/NAME/VERSION, models:/m-ID or
    /// runs:/RUN/FOLDER
    #[arg(value_name = "FILE|models:/…")]
    pub what: String,
    /// Register it under this name [default: the name that it had; a model from MLflow is registered only with it]
    #[arg(long)]
    pub name: Option<String>,
    /// Where a model from MLflow goes [default: models/NAME.safetensors in the home]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// A difference that is let through.
fn margin(raw: &str) -> Result<f64, String> {
    let number = raw.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
    number.ok_or_else(|| "wants a number from 0".to_owned())
}
