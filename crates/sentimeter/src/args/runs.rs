//! `sentimeter runs`, as a person types it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `sentimeter runs`. RUN is an id, four or more characters of its beginning or end, a name, or `latest`.
#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// What to do
    #[command(subcommand)]
    pub action: RunsAction,
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsAction {
    /// Runs, newest first
    List(RunsListArgs),
    /// Everything that was recorded of one
    Show {
        /// An id, four or more characters of its beginning or end, a name, or `latest`
        run: String,
    },
    /// Runs side by side: settings that differ, measures, and whether a difference is more than chance
    Compare {
        /// Two or more runs; the others are compared with the first
        #[arg(required = true, num_args = 2.., value_name = "RUN")]
        runs: Vec<String>,
        /// Write a page with plots and its numbers, too
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Write a run with its parts and files to a folder, or to a zip file where the name ends so
    Export {
        /// An id, four or more characters of its beginning or end, a name, or `latest`
        run: String,
        /// The folder or FILE.zip, which must not be there yet
        place: PathBuf,
    },
    /// Take in a run that was exported elsewhere
    Import {
        /// The folder or FILE.zip
        place: PathBuf,
    },
    /// Train again as a run was trained, and say what differs
    Reproduce(RunsReproduceArgs),
    /// Send to the MLflow server what it does not have yet
    Sync {
        /// Send all of these and their parts, whatever was sent before: runs that were recorded without a
        /// server, or that another server has
        #[arg(value_name = "RUN")]
        runs: Vec<String>,
    },
    /// Remove a run, its parts and what was recorded of them
    Delete {
        /// An id, four or more characters of its beginning or end, a name, or `latest`
        run: String,
    },
}

/// `sentimeter runs list`.
#[derive(Debug, Args)]
pub(crate) struct RunsListArgs {
    /// running, finished, failed or killed
    #[arg(long, value_parser = ["running", "finished", "failed", "killed"])]
    pub status: Option<String>,
    /// train, cross-validation, search, candidate, …
    #[arg(long)]
    pub kind: Option<String>,
    /// Part of a name or an id
    #[arg(long)]
    pub name: Option<String>,
    /// Learned from or measured on this data set (NAME or NAME@VERSION)
    #[arg(long, value_name = "NAME")]
    pub data: Option<String>,
    /// Started on this day or later (UTC)
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub since: Option<i64>,
    /// Whose metric is so: accuracy>0.8; may be given several times
    #[arg(long = "where", value_name = "METRIC>VALUE", value_parser = condition)]
    pub conditions: Vec<(String, char, f64)>,
    /// Order by this metric, largest first; with a dash before it (--sort=-log_loss), smallest first
    #[arg(long, value_name = "METRIC", allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// The parts of this run alone
    #[arg(long, value_name = "RUN")]
    pub parent: Option<String>,
    /// Parts of other runs, too
    #[arg(long)]
    pub all: bool,
    /// At the most so many
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub limit: u32,
}

/// `sentimeter runs reproduce`.
#[derive(Debug, Args)]
pub(crate) struct RunsReproduceArgs {
    /// An id, four or more characters of its beginning or end, a name, `latest`, or an exported run
    pub run: String,
    /// Where its data is now, if it is no longer where it was
    #[arg(long, value_name = "NAME|FILE", num_args = 1..)]
    pub data: Vec<String>,
    /// Where its test data is now
    #[arg(long, value_name = "NAME|FILE", num_args = 1..)]
    pub test: Vec<String>,
    /// Keep the model that comes of it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// A day as milliseconds since 1970.
fn day(raw: &str) -> Result<i64, String> {
    let day: jiff::civil::Date = raw.parse().map_err(|_| "wants a day, such as 2026-11-30".to_owned())?;
    let start = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|e| e.to_string())?;
    Ok(start.timestamp().as_millisecond())
}

/// A condition on a metric.
fn condition(raw: &str) -> Result<(String, char, f64), String> {
    let wrong = || "wants METRIC>VALUE or METRIC<VALUE, such as accuracy>0.8".to_owned();
    let at = raw.find(['>', '<']).ok_or_else(wrong)?;
    let (name, rest) = raw.split_at(at);
    let value = rest[1..].trim().parse().map_err(|_| wrong())?;
    let name = name.trim().to_owned();
    if name.is_empty() { Err(wrong()) } else { Ok((name, rest.chars().next().unwrap_or('>'), value)) }
}
