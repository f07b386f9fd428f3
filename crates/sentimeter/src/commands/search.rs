//! `sentimeter search`: which settings are best, and the model that they make.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use sentimeter_corpus::ReadOptions;
use sentimeter_experiment::examine::{Subject, examine};
use sentimeter_experiment::recorder::{Curve, File, Recording};
use sentimeter_experiment::search::{Begin, Found, Journal, Ranked, Work, search};
use sentimeter_experiment::{Dropped, Plan, Trained, train};
use sentimeter_model::metrics::Metrics;
use sentimeter_store::Status;
use serde::Serialize;

use super::print_json;
use super::train::peak_memory_mb;
use crate::args::{Global, SearchArgs};
use crate::leaders::Leaders;
use crate::output::Output;
use crate::progress::Shown;
use crate::{data, home, recording, report};

/// The table of all candidates, in the results folder.
const TABLE: &str = "cv_results.csv";

/// What an unfinished search is taken up from, in the results folder.
const JOURNAL: &str = "unfinished.jsonl";

/// Candidates that the terminal's table shows; the others are in the file.
const SHOWN: usize = 15;

/// What `--json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    found: &'a Found,
    /// Settings of the best candidate, as `--set` takes them.
    set: Vec<String>,
    /// The table of all candidates.
    table: String,
    /// The model of the best candidate, learned from the whole training part.
    model: Winner<'a>,
    seconds: Seconds,
    /// The run's id and name, where it is recorded.
    run: Option<recording::Named>,
    /// `NAME@VERSION`, where its model was registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    registered: Option<String>,
}

/// The refitted winner.
#[derive(Serialize)]
struct Winner<'a> {
    path: String,
    digest: String,
    bytes: u64,
    rows: usize,
    test_rows: usize,
    features: usize,
    dropped: Dropped,
    iterations: u32,
    converged: bool,
    metrics: &'a Metrics,
    page: Option<String>,
}

/// Where the time went.
#[derive(Clone, Copy, Serialize)]
struct Seconds {
    read: f64,
    search: f64,
    refit: f64,
    total: f64,
}

pub(crate) fn run(global: &Global, args: &SearchArgs) -> anyhow::Result<ExitCode> {
    let start = Instant::now();
    let text = std::fs::read_to_string(&args.plan)
        .with_context(|| format!("cannot read the plan {}", args.plan.display()))?;
    let plan =
        Plan::from_toml(&text, &args.set).with_context(|| format!("in the plan {}", args.plan.display()))?;
    anyhow::ensure!(
        plan.sources.is_empty() && plan.tests.is_empty(),
        "a search looks at one data set, and the plan names [[sources]] or [[tests]]: take them out and name \
         data with --data (train --cross-validate measures a plan with sources)"
    );
    let options = args.read.options();
    data::refuse_idle(global, args.data.iter().chain(&args.test), &options)?;
    let options = ReadOptions { keep: plan.keep(), ..options };
    let recording = recording::begin_search(global, args, &plan, &text, &options)?;
    let answered = choose(global, args, &plan, &options, start, &recording);
    recording::end(recording, answered)
}

/// Everything between the run's start and its end.
fn choose(
    global: &Global,
    args: &SearchArgs,
    plan: &Plan,
    options: &ReadOptions,
    start: Instant,
    recording: &Recording,
) -> anyhow::Result<ExitCode> {
    let path = home::model_place(global, args.out.as_deref())?;
    let results = args.results.clone().unwrap_or_else(|| report::place(global, "search", &path));
    report::make_folder(&results)?;
    let begin = match (args.resume, args.restart) {
        (true, _) => Begin::Resume,
        (_, true) => Begin::Restart,
        _ => Begin::Anew,
    };
    let mut journal = Journal::open(&results.join(JOURNAL), begin)?;

    let mut progress = Shown::new(global.quiet);
    let corpus = data::load(global, &args.data, options, &mut progress)?;
    let test = match &args.test[..] {
        [] => None,
        names => Some(data::load(global, names, options, &mut progress)?),
    };
    recording.inputs(recording::inputs(global, [&args.data, &args.test], &corpus, test.as_ref()));
    let read = start.elapsed().as_secs_f64();

    let searching = Instant::now();
    let mut leaders = Leaders::new(global.quiet);
    let mut candidates = recording::Candidates::new(&mut leaders, recording);
    let found = search(plan, &corpus, test.as_ref(), Some(&mut journal), &mut candidates);
    if found.is_ok() {
        candidates.finish();
    }
    leaders.finish();
    let found = found?;
    let searched = searching.elapsed().as_secs_f64();

    let refitting = Instant::now();
    let best = &found.winner().candidate;
    let mut curve = Curve::new(&mut progress);
    let trained = train(&best.plan, &corpus, test.as_ref(), &mut curve)?;
    let curve = curve.into_metrics();
    progress.finish();
    let table = results.join(TABLE);
    write_table(&table, &found)?;
    let (digest, file) = home::save_model(&path, &trained.model)?;
    let bytes = file.len() as u64;
    recording.files(vec![File::copied(TABLE, &table)]);
    let (tested, data) = match &test {
        Some(test) => (test, report::data_name(&args.test)),
        None => (&corpus, format!("the part of {} that was kept out", report::data_name(&args.data))),
    };
    let sizes = [bytes as f64, peak_memory_mb()];
    recording::trained(recording, &trained, tested, curve.clone(), None, sizes);
    // A run of its own, with the winner's plan: that is what can be reproduced.
    let winner = recording::refit(recording, &best.plan, options)?;
    winner.inputs(recording::inputs(global, [&args.data, &args.test], &corpus, test.as_ref()));
    winner.files(vec![File::of(recording::MODEL, file)]);
    recording::trained(&winner, &trained, tested, curve, None, sizes);
    let page = if args.no_report {
        None
    } else {
        let notes = [vec![told(&found)], trained.notes.clone()].concat();
        let examined = examine(&Subject {
            model: &trained.model,
            name: &report::model_name(&path),
            digest: &digest.to_string(),
            data: &data,
            corpus: tested,
            answers: &trained.answers,
            metrics: &trained.metrics,
            notes: &notes,
            learning_curve: None,
        });
        let written = report::write(&results, &examined)?;
        recording.files(recording::report_files(&results, &written));
        winner.files(recording::report_files(&results, &written));
        Some(report::tell(global, &written.page))
    };
    let registered = recording::register(global, &args.record, &winner)?;
    winner.finish_later(Status::Finished, None);
    // Everything that it stood for has its name by now.
    journal.finish();
    drop(journal);
    let seconds = Seconds {
        read,
        search: searched,
        refit: refitting.elapsed().as_secs_f64(),
        total: start.elapsed().as_secs_f64(),
    };
    if !global.quiet {
        found.notes.iter().for_each(|note| note!("{note}"));
    }
    warn(&found, &trained);
    let Trained { rows, test_rows, dropped, iterations, converged, .. } = trained;
    let answer = Answer {
        found: &found,
        set: best.settings(),
        table: table.display().to_string(),
        model: Winner {
            path: path.display().to_string(),
            digest: digest.to_string(),
            bytes,
            rows,
            test_rows,
            features: trained.model.features(),
            dropped,
            iterations,
            converged,
            metrics: &trained.metrics,
            page,
        },
        seconds,
        run: recording::named(recording),
        registered,
    };
    if global.json {
        print_json(&answer)?;
    } else {
        print(&mut io::stdout().lock(), &answer)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn warn(found: &Found, trained: &Trained) {
    let short = found.candidates.iter().filter(|ranked| ranked.last().unconverged > 0).count();
    if short > 0 {
        tracing::warn!(
            "{short} of {} candidates were stopped above their tolerance on some fold; raise logistic.max_iterations",
            found.candidates.len()
        );
    }
    if !trained.converged {
        tracing::warn!(
            "the optimiser stopped after {} iterations above its tolerance; raise logistic.max_iterations",
            trained.iterations
        );
    }
}

fn write_table(path: &Path, found: &Found) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let output = Output::create(path).with_context(cannot)?;
    let mut out = BufWriter::new(output.file().with_context(cannot)?);
    found.write_csv(&mut out).with_context(cannot)?;
    out.flush().with_context(cannot)?;
    drop(out);
    output.finish().with_context(cannot)
}

/// What the search chose, in one sentence.
fn told(found: &Found) -> String {
    let (best, row) = (found.winner(), found.winner().last());
    format!(
        "chosen from {} candidates by {} over {} folds of the training part: {} ({})",
        found.candidates.len(),
        found.metric.score_name(),
        found.folds,
        best.candidate.name(),
        mean(row.mean, row.standard_error),
    )
}

fn mean(mean: Option<f64>, error: Option<f64>) -> String {
    let error = error.map_or(String::new(), |error| format!(" ± {error:.4}"));
    mean.map_or("failed".to_owned(), |mean| format!("{mean:.4}{error}"))
}

fn print(out: &mut impl Write, answer: &Answer<'_>) -> io::Result<()> {
    let found = answer.found;
    let ranking = found.ranking();
    writeln!(
        out,
        "rank  {:<19} {:>8} {:>8} {:>9}  settings",
        format!("{} ± error", found.metric.score_name()),
        "fit s",
        "score s",
        "features"
    )?;
    for ranked in ranking.iter().take(SHOWN) {
        row(out, found, ranked)?;
    }
    if ranking.len() > SHOWN {
        writeln!(out, "      and {} more in {}", ranking.len() - SHOWN, answer.table)?;
    }
    let Work { cleaned, counted, selected, fitted, resumed } = found.work;
    let taken = if resumed > 0 { format!(", {resumed} taken up") } else { String::new() };
    writeln!(
        out,
        "{} candidates on {} folds of {} texts: cleaned {cleaned} times, counted {counted}, selected {selected}, \
         fitted {fitted}{taken}",
        found.candidates.len(),
        found.folds,
        found.rows,
    )?;
    if found.frugal == found.best {
        writeln!(out, "within one standard error of the best there is none with fewer features")?;
    } else {
        let frugal = &found.candidates[found.frugal];
        let row = frugal.last();
        writeln!(
            out,
            "within one standard error of the best, with {:.0} features: {} ({})",
            row.features,
            frugal.candidate.name(),
            mean(row.mean, row.standard_error)
        )?;
    }
    writeln!(out, "\nbest: {}\n\n{}", answer.set.join(" "), answer.model.metrics)?;
    writeln!(
        out,
        "learned from {} texts, measured on {} that no candidate saw; {} features, {} iterations\n\
         {:.1} s in all (read {:.1}, search {:.1}, refit and report {:.1})\ntable {}\nmodel {} ({:.1} MB, {})",
        answer.model.rows,
        answer.model.test_rows,
        answer.model.features,
        answer.model.iterations,
        answer.seconds.total,
        answer.seconds.read,
        answer.seconds.search,
        answer.seconds.refit,
        answer.table,
        answer.model.path,
        answer.model.bytes as f64 / 1e6,
        &answer.model.digest[..12],
    )?;
    if let Some(run) = &answer.run {
        writeln!(out, "run {} ({})", run.name, run.id)?;
    }
    match &answer.registered {
        Some(registered) => writeln!(out, "registered as {registered}"),
        None => Ok(()),
    }
}

fn row(out: &mut impl Write, found: &Found, ranked: &Ranked) -> io::Result<()> {
    let row = ranked.last();
    let rows = if found.rounds.len() > 1 { format!("  (of {} texts)", row.rows) } else { String::new() };
    let why = row.error.as_ref().map_or(String::new(), |why| format!("  failed: {why}"));
    writeln!(
        out,
        "{:>4}  {:<19} {:>8.3} {:>8.3} {:>9.0}  {}{rows}{why}",
        ranked.rank,
        mean(row.mean, row.standard_error),
        row.fit_seconds,
        row.score_seconds,
        row.features,
        ranked.candidate.name(),
    )
}
