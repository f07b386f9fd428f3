//! The command line, as a person types it.

mod embed;
mod models;
mod runs;
mod serve;

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use sentimeter_corpus::{Format, LabelMap, Limits, Quote, ReadOptions};

pub(crate) use embed::EmbedArgs;
pub(crate) use models::{
    ModelsAction, ModelsArgs, ModelsImportArgs, ModelsPromoteArgs, ModelsRegisterArgs, ModelsShowArgs,
};
pub(crate) use runs::{RunsAction, RunsArgs, RunsListArgs, RunsReproduceArgs};
pub(crate) use serve::{
    AuditAction, AuditArgs, DataAction, DataArgs, KeepArg, KeysAction, KeysArgs, LogFormat, ServeArgs,
};

/// What `--version` prints; `-V` is the number alone. WordNet's licence travels with its lists.
const WITH_LICENCE: &str =
    concat!(env!("CARGO_PKG_VERSION"), "\n\n", include_str!("../../text/assets/wordnet/LICENSE"));

/// Measures what people feel in what they write: labelled feedback becomes a trained, measured,
/// saved model that scores new text.
#[derive(Debug, Parser)]
#[command(name = "sentimeter", version, long_version = WITH_LICENCE, propagate_version = true, infer_subcommands = true)]
#[command(after_help = "Start with: sentimeter predict \"what a lovely day\"\n\
                        then:       sentimeter train --data examples/feedback.csv\n\n\
                        Lemmas come from WordNet 3.0, Copyright 2006 by Princeton University; its licence is\n\
                        printed by: sentimeter licenses")]
pub(crate) struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Where data sets and models are kept
    #[arg(long, global = true, env = "SENTIMETER_HOME", default_value = ".sentimeter", value_name = "DIR")]
    pub home: PathBuf,
    /// Where runs and models are recorded: postgres://USER:PASSWORD@HOST/DATABASE [default: SQLite in the home]
    #[arg(long, global = true, env = "SENTIMETER_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// An MLflow server that runs are sent to as well [default: MLFLOW_TRACKING_URI]
    #[arg(long, global = true, hide_env_values = true, value_name = "URL")]
    pub mlflow_uri: Option<String>,
    /// Answer in JSON on standard output; everything else goes to standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more; twice, more still
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Worker threads; results do not depend on it [default: one a core]
    #[arg(long, global = true, env = "SENTIMETER_THREADS", value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read labelled (or unlabelled) texts in any usual format into an immutable data set
    Import(ImportArgs),
    /// List, show or delete imported data sets
    Datasets(DatasetsArgs),
    /// Look at a data set: what is in it, what is wrong with it, as a page with plots
    Profile(ProfileArgs),
    /// Learn a model from labelled texts, measure it on texts it never saw, and save it
    Train(TrainArgs),
    /// Try settings against each other by cross-validation, and learn a model by the best of them
    Search(SearchArgs),
    /// Learn word vectors from unlabelled texts, for networks to start from
    Embed(EmbedArgs),
    /// List, show, compare, export or reproduce what was trained
    Runs(RunsArgs),
    /// Register, promote, roll back, show, export or import models by name and version
    Models(ModelsArgs),
    /// Measure a model on labelled texts
    Evaluate(EvaluateArgs),
    /// Score texts: from the command line, a file or standard input
    Predict(PredictArgs),
    /// Answer over HTTP: an interface for programs, pages for people
    Serve(ServeArgs),
    /// What is known of a person: export it, erase it
    Data(DataArgs),
    /// Make, list or revoke keys to the server
    Keys(KeysArgs),
    /// Who changed what on the server, and whether that log is whole
    Audit(AuditArgs),
    /// Write the home to one file: records, models, data sets, reports; others may work meanwhile
    Backup(BackupArgs),
    /// Put a backup back into a home
    Restore(RestoreArgs),
    /// Print a shell's completion script
    Completions(CompletionsArgs),
    /// Print the licences of what this program contains
    Licenses,
    /// Print the manual page
    #[command(hide = true)]
    Man,
}

/// How files are read; what is not given is guessed, and said.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Reading files (what is not given is guessed, and said)")]
pub(crate) struct ReadArgs {
    /// csv, tsv, jsonl, json, parquet, excel, lines, text-label, label-text, sentiment140,
    /// tweeteval, semeval, airline, helpdesk, reviews or survey
    #[arg(long)]
    pub format: Option<Format>,
    /// Column of the text, by name or by number from 1; several are joined
    #[arg(long, value_name = "COL", allow_hyphen_values = true)]
    pub text: Vec<String>,
    /// Column of the label, or =VALUE for every row
    #[arg(long, value_name = "COL", allow_hyphen_values = true)]
    pub label: Option<String>,
    /// Where the file's name states the label: "train_{label}.txt"
    #[arg(long, value_name = "PATTERN")]
    pub label_from_name: Option<String>,
    /// What labels mean: "0=negative,4=positive", "1..2=negative,3=neutral,4..5=positive"
    #[arg(long, value_name = "RULES", allow_hyphen_values = true)]
    pub map: Option<LabelMap>,
    /// Column of the source's id
    #[arg(long, value_name = "COL")]
    pub id: Option<String>,
    /// Column of the time
    #[arg(long, value_name = "COL")]
    pub time: Option<String>,
    /// Column of the author
    #[arg(long, value_name = "COL")]
    pub author: Option<String>,
    /// Column of the channel, or the channel itself: social, ticket, review, survey, …
    #[arg(long, value_name = "COL|NAME")]
    pub channel: Option<String>,
    /// Column of the language, or the language itself: en, fr, ar
    #[arg(long, value_name = "COL|CODE")]
    pub language: Option<String>,
    /// Whether the first row names the columns
    #[arg(long, value_name = "yes|no", num_args = 0..=1, default_missing_value = "yes", value_parser = yes)]
    pub header: Option<bool>,
    /// What stands between two fields: one character, or "tab"
    #[arg(long, value_name = "CHAR", value_parser = delimiter, allow_hyphen_values = true)]
    pub delimiter: Option<char>,
    /// Whether " quotes fields: auto, on, off, or line (quotes that never reach over a line's end)
    #[arg(long, default_value = "auto", value_name = "HOW")]
    pub quote: Quote,
    /// utf-8, latin1, windows-1252, utf-16le, …
    #[arg(long)]
    pub encoding: Option<String>,
    /// Mend texts that were encoded twice ("Ã©" for "é")
    #[arg(long, value_name = "yes|no", num_args = 0..=1, default_value = "no",
          default_missing_value = "yes", value_parser = yes)]
    pub mend: bool,
    /// Share of broken rows past which reading stops
    #[arg(long, default_value_t = 0.01, value_name = "SHARE", value_parser = share::<f64>)]
    pub max_bad_rows: f64,
    /// Characters of a text past which its row is broken [default: 1 million]
    #[arg(long, value_name = "N")]
    pub max_chars: Option<NonZeroUsize>,
    /// Bytes of a file, unpacked, past which reading stops [default: 64 GiB]
    #[arg(long, value_name = "N")]
    pub max_bytes: Option<NonZeroU64>,
    /// Rows of all files past which reading stops [default: 100 million]
    #[arg(long, value_name = "N")]
    pub max_rows: Option<NonZeroU64>,
    /// Bytes of a record past which an open quote was not meant as one [default: 8 MiB]
    #[arg(long, value_name = "N")]
    pub max_record_bytes: Option<NonZeroUsize>,
    /// Bytes of a file that must be in memory as a whole, as workbooks must [default: 1 GiB]
    #[arg(long, value_name = "N")]
    pub max_whole_bytes: Option<NonZeroU64>,
}

fn delimiter(raw: &str) -> Result<char, String> {
    let mut chars = raw.chars();
    match (raw, chars.next(), chars.next()) {
        ("tab" | "\\t", ..) => Ok('\t'),
        (_, Some(c), None) => Ok(c),
        _ => Err("wants one character, or `tab`".to_owned()),
    }
}

/// A number from 0 to 1.
fn share<T: std::str::FromStr + PartialOrd + From<u8>>(raw: &str) -> Result<T, String> {
    let number = raw.parse::<T>().ok().filter(|n| (T::from(0)..=T::from(1)).contains(n));
    number.ok_or_else(|| "wants a number from 0 to 1".to_owned())
}

fn yes(raw: &str) -> Result<bool, String> {
    match raw {
        "yes" | "true" | "on" => Ok(true),
        "no" | "false" | "off" => Ok(false),
        _ => Err("wants yes or no".to_owned()),
    }
}

/// A setting of the plan: one line, since lines are what a plan is read by.
fn setting(raw: &str) -> Result<String, String> {
    if raw.contains(['\n', '\r']) {
        return Err("wants one KEY=VALUE on one line; repeat --set for more".to_owned());
    }
    Ok(raw.to_owned())
}

/// A remark on a run.
fn remark(raw: &str) -> Result<(String, String), String> {
    match raw.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("wants NAME=VALUE".to_owned()),
    }
}

impl ReadArgs {
    fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            bytes: self.max_bytes.map_or(usual.bytes, NonZeroU64::get),
            rows: self.max_rows.map_or(usual.rows, NonZeroU64::get),
            text_chars: self.max_chars.map_or(usual.text_chars, NonZeroUsize::get),
            record_bytes: self.max_record_bytes.map_or(usual.record_bytes, NonZeroUsize::get),
            whole_bytes: self.max_whole_bytes.map_or(usual.whole_bytes, NonZeroU64::get),
        }
    }

    /// The reader's options.
    pub(crate) fn options(&self) -> ReadOptions {
        ReadOptions {
            format: self.format,
            text: self.text.clone(),
            label: self.label.clone(),
            label_from_name: self.label_from_name.clone(),
            id: self.id.clone(),
            time: self.time.clone(),
            author: self.author.clone(),
            channel: self.channel.clone(),
            language: self.language.clone(),
            map: self.map.clone(),
            header: self.header,
            delimiter: self.delimiter,
            quote: self.quote,
            encoding: self.encoding.clone(),
            mend: self.mend,
            max_bad_rows: self.max_bad_rows,
            limits: self.limits(),
            ..ReadOptions::default()
        }
    }
}

/// `sentimeter import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Files; compressed ones (gzip, zstd, zip) are unpacked on the way
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What the data set is called [default: the first file's name]
    #[arg(long)]
    pub name: Option<String>,
    /// Expectations that the data must meet; exit status 1 and a table where it does not
    #[arg(long, value_name = "EXPECTATIONS.toml")]
    pub check: Option<PathBuf>,
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `sentimeter datasets`.
#[derive(Debug, Args)]
pub(crate) struct DatasetsArgs {
    /// What to do
    #[command(subcommand)]
    pub action: DatasetsAction,
}

/// What to do with data sets.
#[derive(Debug, Subcommand)]
pub(crate) enum DatasetsAction {
    /// All data sets and their versions
    List,
    /// Sources, counts, settings and troubles of one
    Show {
        /// NAME or NAME@VERSION
        name: String,
    },
    /// Remove one version, or with NAME alone all of them
    Delete {
        /// NAME or NAME@VERSION
        name: String,
    },
}

/// `sentimeter profile`.
#[derive(Debug, Args)]
pub(crate) struct ProfileArgs {
    /// A data set, or files in any readable format
    #[arg(required = true, value_name = "NAME|FILE")]
    pub data: Vec<String>,
    /// Another data set or file to compare it with
    #[arg(long, value_name = "NAME|FILE")]
    pub against: Option<String>,
    /// Leave out the choice of a vocabulary, and doubt the labels of a sample alone
    #[arg(long)]
    pub quick: bool,
    /// Where the page, its plots and the exports go [default: reports/profile-NAME in the home]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Choose so many unlabelled texts to label next: the least certain, no two alike
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub label_next: usize,
    /// The model that is uncertain of them: a file, NAME@VERSION or NAME@ALIAS [default: a quick one of the labelled rows]
    #[arg(long, value_name = "MODEL", requires = "label_next")]
    pub model: Option<String>,
    /// Languages that the texts should be in: en, fr, ar [default: that of four rows in five]
    #[arg(long, value_name = "CODE", value_delimiter = ',', value_parser = ["en", "fr", "ar"])]
    pub expect: Vec<String>,
    /// What samples and folds are drawn by
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `sentimeter train`.
#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// Settings; without it the built-in default (plans/default.toml)
    #[arg(value_name = "PLAN.toml")]
    pub plan: Option<PathBuf>,
    /// A data set, or files in any readable format; without it the plan's own sources
    #[arg(long, required_unless_present = "plan", value_name = "NAME|FILE", num_args = 1..)]
    pub data: Vec<String>,
    /// What to measure on; all of --data is then learned from. Without it a part of --data is kept out
    #[arg(long, value_name = "NAME|FILE", num_args = 1..)]
    pub test: Vec<String>,
    /// The kind of model [default: the plan's, which is logistic where it names none]
    #[arg(long, value_parser = ["logistic", "lstm", "bilstm", "cnn"])]
    pub model: Option<String>,
    /// Go on with the training of a network that was interrupted: its checkpoint lies beside the model
    #[arg(long, conflicts_with_all = ["cross_validate", "learning_curve"])]
    pub resume: bool,
    /// Change a setting of the plan: features.min_df=2, recipe.preset=en, logistic.c=1.5, neural.epochs=5, …
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    pub set: Vec<String>,
    /// Learn from accepted corrections by users, too; what is measured on stays as it is
    #[arg(long, conflicts_with_all = ["cross_validate", "learning_curve", "resume"])]
    pub with_feedback: bool,
    /// Where the model goes [default: models/sentiment.safetensors in the home]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Cross-validate with so many folds in place of training a model to keep
    #[arg(long, value_name = "FOLDS", conflicts_with_all = ["test", "out", "report", "learning_curve", "register"])]
    pub cross_validate: Option<u32>,
    /// Write each row with its fold and its out-of-fold probabilities as JSON Lines, to measure other programs on
    #[arg(long, value_name = "FILE", requires = "cross_validate")]
    pub write_folds: Option<PathBuf>,
    /// Where the report on the model goes: a page, its plots, its numbers [default: reports/train-MODEL in the home]
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Write no report
    #[arg(long, conflicts_with = "report")]
    pub no_report: bool,
    /// Draw the words of each class of the data as clouds, which become files of the run (reads every text once more)
    #[arg(long, conflicts_with_all = ["no_record", "cross_validate"])]
    pub word_clouds: bool,
    /// Learn from growing shares of the data too, to see whether more of it would help (takes about twice as long)
    #[arg(long)]
    pub learning_curve: bool,
    #[command(flatten)]
    pub record: RecordArgs,
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `sentimeter search`.
#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Settings, with what to try in its tables search and search.space (plans/search.toml is one to copy)
    #[arg(value_name = "PLAN.toml")]
    pub plan: PathBuf,
    /// A data set, or files in any readable format
    #[arg(long, required = true, value_name = "NAME|FILE", num_args = 1..)]
    pub data: Vec<String>,
    /// What the chosen model is measured on, once; all of --data is then searched and learned from. Without
    /// it a part of --data is kept out of the search
    #[arg(long, value_name = "NAME|FILE", num_args = 1..)]
    pub test: Vec<String>,
    /// Change a setting of the plan: search.folds=10, search.method=random, logistic.tolerance=1e-5, …
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    pub set: Vec<String>,
    /// Where the chosen model goes [default: models/sentiment.safetensors in the home]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Where cv_results.csv and the report on the chosen model go [default: reports/search-MODEL in the home]
    #[arg(long, value_name = "DIR")]
    pub results: Option<PathBuf>,
    /// Write no report on the chosen model
    #[arg(long)]
    pub no_report: bool,
    /// Take up an unfinished search where it was killed; a changed plan or changed data is refused
    #[arg(long)]
    pub resume: bool,
    /// Throw an unfinished search away and begin anew
    #[arg(long, conflicts_with = "resume")]
    pub restart: bool,
    #[command(flatten)]
    pub record: RecordArgs,
    #[command(flatten)]
    pub read: ReadArgs,
}

/// How a command records its run.
#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// What the run is called [default: two words and a number, made up]
    #[arg(long, value_name = "NAME")]
    pub run_name: Option<String>,
    /// A remark on the run: team=support; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = remark)]
    pub tag: Vec<(String, String)>,
    /// Do not record the run
    #[arg(long)]
    pub no_record: bool,
    /// Register the model that comes of it as a version of NAME
    #[arg(long, value_name = "NAME", conflicts_with = "no_record")]
    pub register: Option<String>,
    /// Under which terms the data may be used, for the registered version's card; may be given several times
    #[arg(long, value_name = "TEXT", requires = "register")]
    pub licence: Vec<String>,
}

/// `sentimeter evaluate`.
#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// A model file, NAME@VERSION, NAME@ALIAS or NAME (its champion) [default: the one of SENTIMETER_MODEL, else
    /// the champion of sentiment, else models/sentiment.safetensors in the home, else starter, which is built in]
    #[arg(long, env = "SENTIMETER_MODEL", value_name = "MODEL")]
    pub model: Option<String>,
    /// A data set, or files in any readable format
    #[arg(long, required = true, value_name = "NAME|FILE", num_args = 1..)]
    pub data: Vec<String>,
    /// Write a report: a page, its plots, its numbers [default DIR: reports/evaluate-MODEL in the home]
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    pub report: Option<Option<PathBuf>>,
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `sentimeter predict`.
#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    /// The texts; without any, and without --input, standard input is read, a text a line.
    /// Texts that start with a dash stand behind --
    #[arg(value_name = "TEXT", conflicts_with_all = ["input", "output", "output_format", "format", "text", "label", "label_from_name", "map", "id", "time", "author", "channel", "language", "header", "delimiter", "quote", "encoding", "mend", "max_bad_rows", "max_chars", "max_bytes", "max_rows", "max_record_bytes", "max_whole_bytes"])]
    pub texts: Vec<String>,
    /// A model file, NAME@VERSION, NAME@ALIAS or NAME (its champion) [default: the one of SENTIMETER_MODEL, else
    /// the champion of sentiment, else models/sentiment.safetensors in the home, else starter, which is built in]
    #[arg(long, env = "SENTIMETER_MODEL", value_name = "MODEL")]
    pub model: Option<String>,
    /// A file to score, of any size, in any readable format; - is standard input
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Where the input's rows go, with sentiment, confidence and a probability per class; - is
    /// standard output, the default (with --json as JSON Lines)
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// csv, tsv, jsonl or parquet [default: by the output's name, else as the input]
    #[arg(long, value_name = "FORMAT", value_parser = ["csv", "tsv", "jsonl", "parquet"])]
    pub output_format: Option<String>,
    /// Answer nothing rather than with less confidence: the sentiment is then empty
    #[arg(long, value_name = "P", value_parser = share::<f32>)]
    pub min_confidence: Option<f32>,
    /// Answer texts in languages that the model was not made for, too
    #[arg(long)]
    pub any_language: bool,
    /// Show what each token added (texts on the command line)
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    pub read: ReadArgs,
}

/// `sentimeter backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The file, a zip; one that is there is replaced
    pub file: PathBuf,
}

/// `sentimeter restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The file that `backup` wrote
    pub file: PathBuf,
    /// Replace the records that the home has
    #[arg(long)]
    pub force: bool,
}

/// `sentimeter completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// bash, zsh, fish, elvish or powershell
    pub shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a command as a shell splits them; only double quotes quote.
    fn words(command: &str) -> Vec<String> {
        let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
        for c in command.chars() {
            match c {
                '"' => quoted = !quoted,
                ' ' if !quoted => words.push(std::mem::take(&mut word)),
                c => word.push(c),
            }
        }
        words.push(word);
        words
    }

    #[test]
    fn every_command_of_the_datasets_page_is_one() {
        let page = include_str!("../../../docs/datasets.md");
        let commands: Vec<&str> =
            page.split('`').filter(|code| code.starts_with("sentimeter import")).collect();
        assert!(commands.len() > 25, "{}", commands.len());
        for command in commands {
            Cli::try_parse_from(words(command)).unwrap_or_else(|error| panic!("{command}: {error}"));
        }
    }

    #[test]
    fn texts_behind_two_dashes_start_as_they_like_and_options_stay_options() {
        let cli =
            Cli::try_parse_from(["sentimeter", "predict", "--explain", "--", "- not good", "-1/10"]).unwrap();
        let Command::Predict(args) = cli.command else { panic!("predict is predict") };
        assert_eq!((args.texts.len(), args.explain), (2, true));
        for args in [
            &["predict", "hello", "--format", "csv"][..],
            &["predict", "hello", "--max-chars", "3"],
            &["import", "x.csv", "--max-rows", "0"],
            &["train", "--data", "x.csv", "--set", "seed=1\nseed=2"],
        ] {
            let args = ["sentimeter"].iter().chain(args);
            assert!(Cli::try_parse_from(args.clone()).is_err(), "{:?}", args.collect::<Vec<_>>());
        }
    }
}
