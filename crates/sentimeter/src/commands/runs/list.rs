//! `sentimeter runs list`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use sentimeter_store::{Blocking, Run, RunFilter, RunId, now};
use serde::Serialize;

use super::{find, moment, span};
use crate::args::{Global, RunsListArgs};
use crate::commands::print_json;
use crate::terminal::line;

/// Metrics that a list shows where runs have them.
const SHOWN: [&str; 3] = ["accuracy", "macro_f1", "log_loss"];

#[derive(Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    run: &'a Run,
    metrics: &'a BTreeMap<String, f64>,
}

pub(super) fn list(global: &Global, store: &Blocking, args: &RunsListArgs) -> anyhow::Result<()> {
    let parent = args.parent.as_ref().map(|name| find(store, name)).transpose()?.map(|run| run.id);
    // What is chosen or ordered by a metric is cut off only after that.
    let by_metric = args.sort.is_some() || !args.conditions.is_empty();
    let filter = RunFilter {
        status: args.status.as_deref().map(str::parse).transpose()?,
        kind: args.kind.clone(),
        top: parent.is_none() && !args.all && args.kind.as_deref() != Some("candidate"),
        parent,
        name: args.name.clone(),
        data: args.data.clone(),
        since: args.since,
        until: None,
        limit: (!by_metric).then_some(args.limit),
    };
    let mut runs = store.run(|s| s.runs(&filter))?;
    let ids: Vec<RunId> = runs.iter().map(|run| run.id.clone()).collect();
    let metrics = store.run(|s| s.last_metrics(&ids))?;
    let of = |run: &Run, name: &str| metrics.get(&run.id).and_then(|all| all.get(name)).copied();
    runs.retain(|run| {
        args.conditions.iter().all(|(name, sign, bound)| {
            of(run, name).is_some_and(|value| if *sign == '>' { value > *bound } else { value < *bound })
        })
    });
    if let Some(sort) = &args.sort {
        let (name, up) = match sort.strip_prefix('-') {
            Some(name) => (name, true),
            None => (sort.as_str(), false),
        };
        runs.retain(|run| of(run, name).is_some_and(|value| !value.is_nan()));
        runs.sort_by(|a, b| {
            let [a, b] = [a, b].map(|run| of(run, name).unwrap_or(f64::NAN));
            if up { a.total_cmp(&b) } else { b.total_cmp(&a) }
        });
    }
    runs.truncate(args.limit as usize);
    let none = BTreeMap::new();
    if global.json {
        let listed: Vec<Listed<'_>> =
            runs.iter().map(|run| Listed { run, metrics: metrics.get(&run.id).unwrap_or(&none) }).collect();
        return print_json(&listed);
    }
    if runs.is_empty() {
        let mut out = io::stdout().lock();
        if filter == (RunFilter { top: true, limit: Some(args.limit), ..RunFilter::default() }) {
            writeln!(
                out,
                "no runs in {}; train one: sentimeter train --data FILE",
                store.store().describe()
            )?;
        } else {
            writeln!(out, "no run is like that; sentimeter runs list --all shows every run")?;
        }
        return Ok(());
    }
    let mut table = vec![vec![
        "run".to_owned(),
        "id".into(),
        "kind".into(),
        "status".into(),
        "started (UTC)".into(),
        "took".into(),
    ]];
    let mut shown: Vec<&str> =
        SHOWN.into_iter().filter(|name| runs.iter().any(|run| of(run, name).is_some())).collect();
    let asked = args.sort.iter().map(|sort| sort.trim_start_matches('-'));
    for name in asked.chain(args.conditions.iter().map(|(name, ..)| name.as_str())) {
        if !shown.contains(&name) {
            shown.push(name);
        }
    }
    table[0].extend(shown.iter().map(|name| (*name).to_owned()));
    for run in &runs {
        let mut row = vec![
            line(&run.name).into_owned(),
            run.id.to_string(),
            line(&run.kind).into_owned(),
            run.status.to_string(),
            moment(run.started),
            span(run.ended.unwrap_or_else(now) - run.started),
        ];
        row.extend(
            shown.iter().map(|name| of(run, name).map_or("–".to_owned(), |value| format!("{value:.4}"))),
        );
        table.push(row);
    }
    print(&mut io::stdout().lock(), &table, 6)?;
    Ok(())
}

/// A table with its columns set apart; those from `numbers` on stand at the right.
pub(crate) fn print(out: &mut impl Write, table: &[Vec<String>], numbers: usize) -> io::Result<()> {
    let columns = table.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|at| {
            table.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    for row in table {
        let mut text = String::new();
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            text += if at == 0 { "" } else { "  " };
            text += &if at >= numbers { format!("{cell:>width$}") } else { format!("{cell:width$}") };
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}
