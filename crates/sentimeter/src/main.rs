//! Sentimeter measures what people feel in what they write.
//!
//! The binary: arguments become wiring. Each command is one file under `commands/`.
#![cfg_attr(test, allow(clippy::unwrap_used))]

/// A line on standard error. The standard library's own macro panics where nobody listens any more
/// (`sentimeter train … 2>&1 | head`).
macro_rules! note {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "{}", crate::terminal::plain(&format!($($words)*)));
    }};
}

mod args;
mod checkpoint;
mod commands;
mod data;
mod folds;
mod home;
mod interrupt;
mod leaders;
mod mlflow;
mod otlp;
mod output;
mod progress;
mod recording;
mod report;
mod terminal;

use std::io;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use opentelemetry_sdk::trace::SdkTracer;
use sentimeter_serve::inference::telemetry::TRACE;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use args::{Cli, Command, LogFormat};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let traced = match &cli.command {
        Command::Serve(args) => otlp::begin(args.otlp.as_deref()),
        _ => Ok(None),
    };
    let (tracer, told) = match traced {
        Ok(tracer) => (tracer, None),
        Err(error) => (None, Some(error)),
    };
    log(&cli, tracer);
    interrupt::listen();
    let done = told.map_or_else(|| run(&cli), Err);
    otlp::end();
    // Whether it went well or not: what was recorded of it is sent.
    mlflow::end(&cli.global);
    match done {
        Ok(code) => code,
        Err(error) if broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            note!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    if let Some(threads) = cli.global.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .build_global()
            .context("cannot start the worker threads")?;
    }
    let global = &cli.global;
    match &cli.command {
        Command::Import(args) => commands::import::run(global, args),
        Command::Datasets(args) => commands::datasets::run(global, args),
        Command::Profile(args) => commands::profile::run(global, args),
        Command::Train(args) => commands::train::run(global, args),
        Command::Search(args) => commands::search::run(global, args),
        Command::Embed(args) => commands::embed::run(global, args),
        Command::Models(args) => commands::models::run(global, args),
        Command::Runs(args) => commands::runs::run(global, args),
        Command::Evaluate(args) => commands::evaluate::run(global, args),
        Command::Predict(args) => commands::predict::run(global, args),
        Command::Serve(args) => commands::serve::run(global, args),
        Command::Data(args) => commands::data::run(global, args),
        Command::Keys(args) => commands::keys::run(global, args),
        Command::Audit(args) => commands::audit::run(global, args),
        Command::Backup(args) => commands::backup::backup(global, args),
        Command::Restore(args) => commands::backup::restore(global, args),
        Command::Completions(args) => commands::completions::run(args),
        Command::Licenses => commands::completions::licenses(),
        Command::Man => commands::completions::man(),
    }
}

/// Logs go to standard error: standard output is for answers. Spans of requests go to a collector, where one is named.
fn log(cli: &Cli, tracer: Option<SdkTracer>) {
    let level = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    // The rasteriser remarks on every letter that another font has.
    let level = format!("{level},usvg=error,resvg=error");
    let filter = tracing_subscriber::EnvFilter::try_from_env("SENTIMETER_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let json = matches!(&cli.command, Command::Serve(args) if args.log_format == LogFormat::Json);
    match tracer {
        // One filter for all: what it leaves out costs nothing.
        None => tracing_subscriber::registry().with(filter).with(written(json)).init(),
        Some(tracer) => {
            let traces = tracing_opentelemetry::layer()
                .with_tracer(tracer)
                .with_location(false)
                .with_threads(false)
                .with_level(false)
                .with_target(false)
                .with_tracked_inactivity(false)
                .with_context_activation(false)
                .with_filter(Targets::new().with_target(TRACE, LevelFilter::DEBUG));
            tracing_subscriber::registry().with(written(json).with_filter(filter)).with(traces).init();
        }
    }
}

/// How the log is written.
fn written<S>(json: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    // A log that nobody reads is no failure; told of it, the standard library's macro panics.
    let log = tracing_subscriber::fmt::layer().with_writer(io::stderr).log_internal_errors(false);
    if json {
        return log.json().flatten_event(true).boxed();
    }
    let colours = std::env::var_os("NO_COLOR").is_none() && std::io::IsTerminal::is_terminal(&io::stderr());
    log.with_ansi(colours).boxed()
}

/// Whether the reader of our output went away (`sentimeter predict … | head`): that is no failure.
fn broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let Some(io) = cause.downcast_ref::<io::Error>() else { return false };
        // The csv crate wraps what its sink says, and an I/O error's source skips what it wraps.
        let wrapped = match io.get_ref().and_then(|inner| inner.downcast_ref::<csv::Error>()) {
            Some(csv) => matches!(csv.kind(), csv::ErrorKind::Io(e) if e.kind() == io::ErrorKind::BrokenPipe),
            None => false,
        };
        wrapped || io.kind() == io::ErrorKind::BrokenPipe
    })
}
