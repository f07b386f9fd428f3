//! The leading candidates while a search runs: a live table on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use sentimeter_experiment::search::{FoldScore, Outline, RoundScores, SearchEvents};
use sentimeter_model::{Hooks, Progress};

/// Lines of the table.
const LINES: usize = 5;

/// Between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_secs(5);

/// Shows a search on standard error.
pub(crate) struct Leaders {
    quiet: bool,
    /// On a terminal alone.
    table: Option<Table>,
    names: Vec<String>,
    score: String,
    /// Mean and standard error of the candidates that are done with the round, the best first.
    board: Vec<(f64, f64, usize)>,
    round: usize,
    done: usize,
    resumed: usize,
    total: usize,
    start: Instant,
    last: Instant,
}

struct Table {
    all: MultiProgress,
    bar: ProgressBar,
    head: ProgressBar,
    lines: Vec<ProgressBar>,
}

impl Leaders {
    /// Nothing is shown when `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        let now = Instant::now();
        Self {
            quiet,
            table: None,
            names: Vec::new(),
            score: String::new(),
            board: Vec::new(),
            round: 0,
            done: 0,
            resumed: 0,
            total: 0,
            start: now,
            last: now,
        }
    }

    /// Clears the table.
    pub(crate) fn finish(&mut self) {
        if let Some(table) = self.table.take() {
            // What cannot be cleared is no reason to fail.
            let _ = table.all.clear();
        }
    }

    /// The leaders, as lines.
    fn lines(&self) -> impl Iterator<Item = String> {
        self.board.iter().take(LINES).enumerate().map(|(i, (mean, error, candidate))| {
            format!("{:>4}  {mean:.4} ± {error:.4}  {}", i + 1, self.names[*candidate])
        })
    }

    /// Seconds left, should the rest go as what was done here; none before anything was.
    fn left(&self) -> Option<f64> {
        let here = self.done - self.resumed;
        let each = self.start.elapsed().as_secs_f64() / here as f64;
        (here > 0).then(|| each * (self.total.saturating_sub(self.done)) as f64)
    }

    fn show(&mut self) {
        if self.quiet {
            return;
        }
        if let Some(table) = &self.table {
            let left = self.left().map_or(String::new(), |left| format!("{left:.0} s left"));
            table.bar.set_position(self.done as u64);
            table.bar.set_message(left);
            table.head.tick();
            for (line, text) in table.lines.iter().zip(self.lines()) {
                line.set_message(crate::terminal::line(&text).into_owned());
            }
        } else if self.last.elapsed() >= PAUSE {
            self.last = Instant::now();
            let left = self.left().map_or(String::new(), |left| format!(", {left:.0} s left"));
            let (done, total) = (self.done, self.total);
            let best = self.lines().next().map_or(String::new(), |line| format!("; leading: {}", &line[6..]));
            note!("search: {done} of {total} fold scores{left}{best}");
        }
    }
}

fn table(total: u64, score: &str) -> Table {
    let all = MultiProgress::new();
    let bar = all.add(ProgressBar::new(total));
    if let Ok(style) = ProgressStyle::with_template("    search {wide_bar} {human_pos}/{human_len} {msg}") {
        bar.set_style(style);
    }
    let style =
        ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let head = all.add(ProgressBar::new_spinner().with_style(style.clone()));
    head.set_message(format!("rank  {score} ± standard error"));
    let line = || all.add(ProgressBar::new_spinner().with_style(style.clone()));
    let lines = (0..LINES).map(|_| line()).collect();
    Table { all, bar, head, lines }
}

impl Hooks for Leaders {
    fn progress(&mut self, _: &Progress) -> ControlFlow<()> {
        // Cleaning is a small part of a search, and the table says where that stands.
        self.show();
        ControlFlow::Continue(())
    }
}

impl SearchEvents for Leaders {
    fn begun(&mut self, outline: &Outline<'_>) {
        self.names = outline.candidates.iter().map(|candidate| candidate.name()).collect();
        self.score = outline.metric.score_name();
        (self.done, self.resumed, self.total) = (outline.resumed, outline.resumed, outline.scores);
        self.start = Instant::now();
        if self.quiet {
            return;
        }
        let rounds = match outline.rounds {
            [_] => String::new(),
            rounds => {
                let each = rounds.iter().map(|round| match round.one_in {
                    1 => format!("{} on all", round.candidates),
                    one_in => format!("{} on one in {one_in}", round.candidates),
                });
                format!(", in rounds: {} texts of a fold", each.collect::<Vec<_>>().join(", "))
            }
        };
        let resumed = match outline.resumed {
            0 => String::new(),
            n => format!("; {n} of {} fold scores are there already", outline.scores),
        };
        note!(
            "{} candidates, {} folds, compared by {}{rounds}{resumed}",
            self.names.len(),
            outline.folds,
            self.score
        );
        if std::io::stderr().is_terminal() {
            self.table = Some(table(outline.scores as u64, &self.score));
        }
    }

    fn scored(&mut self, _: &FoldScore) -> ControlFlow<()> {
        self.done += 1;
        self.show();
        ControlFlow::Continue(())
    }

    fn finished(&mut self, candidate: usize, scores: &RoundScores) {
        if scores.round != self.round {
            self.round = scores.round;
            self.board.clear();
        }
        if let Some(mean) = scores.mean {
            let at = self.board.partition_point(|&(other, _, _)| other >= mean);
            self.board.insert(at, (mean, scores.standard_error.unwrap_or(0.0), candidate));
        }
        self.show();
    }
}

impl Drop for Leaders {
    fn drop(&mut self) {
        self.finish();
    }
}
