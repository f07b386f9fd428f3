//! `sentimeter runs`: what was trained, when, with what, and what came of it.

mod compare;
mod list;
mod reproduce;
mod show;
mod sync;

use std::io::{self, Write};
use std::process::ExitCode;

use sentimeter_experiment::bundle;
use sentimeter_experiment::recorder::reap;
use sentimeter_store::{Blocking, Run};

pub(crate) use list::print as table;

use super::print_json;
use crate::args::{Global, RunsAction, RunsArgs};
use crate::recording;

pub(crate) fn run(global: &Global, args: &RunsArgs) -> anyhow::Result<ExitCode> {
    let store = open(global)?;
    let mut out = io::stdout().lock();
    match &args.action {
        RunsAction::List(args) => list::list(global, &store, args)?,
        RunsAction::Show { run } => show::show(global, &store, &find(&store, run)?)?,
        RunsAction::Compare { runs, out } => {
            let runs = runs.iter().map(|name| find(&store, name)).collect::<Result<Vec<_>, _>>()?;
            compare::compare(global, &store, &runs, out.as_deref())?;
        }
        RunsAction::Export { run, place } => {
            let run = find(&store, run)?;
            bundle::export(&store, &run, place)?;
            if global.json {
                print_json(&serde_json::json!({ "run": run.id, "place": place.display().to_string() }))?;
            } else {
                writeln!(out, "run {} ({}) written to {}", run.name, run.id, place.display())?;
            }
        }
        RunsAction::Import { place } => {
            let run = bundle::import(&store, place)?;
            if global.json {
                print_json(&run)?;
            } else {
                writeln!(out, "run {} ({}) taken in from {}", run.name, run.id, place.display())?;
            }
        }
        RunsAction::Sync { runs } => {
            drop(out);
            return sync::sync(global, &store, runs);
        }
        RunsAction::Reproduce(args) => return reproduce::reproduce(global, &store, args),
        RunsAction::Delete { run } => {
            let run = find(&store, run)?;
            store.run(|s| s.delete_run(&run.id))?;
            if global.json {
                print_json(&serde_json::json!({ "deleted": run.id }))?;
            } else {
                writeln!(out, "deleted run {} ({})", run.name, run.id)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The store of the home, runs of processes that are gone marked as killed.
pub(crate) fn open(global: &Global) -> anyhow::Result<Blocking> {
    let store = Blocking::open(&global.home, &recording::database(global)?)?;
    for gone in reap(&store)? {
        tracing::info!("run {gone} is marked as killed: its process is gone");
    }
    Ok(store)
}

/// The run that a person means.
pub(crate) fn find(store: &Blocking, name: &str) -> anyhow::Result<Run> {
    Ok(store.run(|s| s.find_run(name))?)
}

/// A moment as people write it, in UTC, to the second.
pub(crate) fn moment(time: i64) -> String {
    let stamp = jiff::Timestamp::from_millisecond(time).unwrap_or_default();
    stamp.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// How long it took: `0.4 s`, `3 m 20 s`, `2 h 5 m`.
fn span(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) as f64 / 1000.0;
    match seconds {
        s if s < 100.0 => format!("{s:.1} s"),
        s if s < 6000.0 => format!("{:.0} m {:.0} s", (s / 60.0).floor(), s % 60.0),
        s => format!("{:.0} h {:.0} m", (s / 3600.0).floor(), (s % 3600.0 / 60.0).floor()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_for_people() {
        assert_eq!(moment(1_795_271_405_123), "2026-11-21 14:30:05");
        for (time, want) in [(420, "0.4 s"), (200_000, "3 m 20 s"), (7_500_000, "2 h 5 m"), (-5, "0.0 s")] {
            assert_eq!(span(time), want);
        }
    }
}
