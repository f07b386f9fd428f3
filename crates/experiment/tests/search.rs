//! A search shares work between candidates and folds, and finds what fresh work would have found.
#![allow(clippy::unwrap_used)]

mod feedback;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

use feedback::{corpus, feedback, rows, shuffled, small as plan};
use sentimeter_corpus::{Corpus, Identities};
use sentimeter_experiment::search::{
    Begin, FoldScore, Found, Journal, Outcome, Outline, RoundScores, SearchEvents, search,
};
use sentimeter_experiment::{ExperimentError, Plan, prepare, train};
use sentimeter_model::calibration::Calibration;
use sentimeter_model::features::{Counts, Tfidf, Tokens, Weighed, sampling};
use sentimeter_model::logistic::Logistic;
use sentimeter_model::metrics::{Options, measure};
use sentimeter_model::{Fit, Hooks, Probs, Progress, Silent, Targets, Training};

/// Listens, and stops after so many fold scores.
struct Ear {
    stop_after: usize,
    scores: Vec<FoldScore>,
    finished: usize,
    resumed: usize,
}

impl Ear {
    fn new() -> Self {
        Self { stop_after: usize::MAX, scores: Vec::new(), finished: 0, resumed: 0 }
    }
}

impl Hooks for Ear {
    fn progress(&mut self, _: &Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl SearchEvents for Ear {
    fn begun(&mut self, outline: &Outline<'_>) {
        self.resumed = outline.resumed;
    }

    fn scored(&mut self, score: &FoldScore) -> ControlFlow<()> {
        self.scores.push(score.clone());
        if self.scores.len() >= self.stop_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn finished(&mut self, _: usize, _: &RoundScores) {
        self.finished += 1;
    }
}

/// 24 combinations, as in the benchmark.
const GRID: [&str; 6] = [
    "search.space.recipe.preset=['tweet-en', 'en']",
    "search.space.features.words=[[1, 1], [1, 2]]",
    "search.space.features.max_features=[300, 0]",
    "search.space.logistic.c=[0.5, 1.0, 4.0]",
    "search.metric=log_loss",
    "search.folds=5",
];

fn run(plan: &Plan, data: &Corpus) -> Found {
    search(plan, data, None, None, &mut Ear::new()).unwrap()
}

fn fails(plan: &Plan, data: &Corpus) -> String {
    search(plan, data, None, None, &mut Ear::new()).unwrap_err().to_string()
}

fn threads<T: Send>(n: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap().install(work)
}

/// All that a search found but for times and counters.
fn answers(found: &Found) -> Vec<(usize, String, Vec<u64>, f64)> {
    let bits = |scores: &[f64]| scores.iter().map(|score| score.to_bits()).collect();
    let of = |r: &sentimeter_experiment::search::Ranked| {
        (r.rank, r.candidate.name(), bits(&r.last().scores), r.last().features)
    };
    found.candidates.iter().map(of).collect()
}

/// The score of one fold, from nothing but its own texts, by the public pieces alone.
fn fresh(plan: &Plan, data: &Corpus, train: &[(u32, u16)], held: &[(u32, u16)], labels: &[String]) -> f64 {
    let analyzer = plan.recipe().unwrap().compile().unwrap();
    let texts: Vec<&str> = train.iter().chain(held).map(|&(row, _)| data.text(row as usize)).collect();
    let read = |n: usize| Tokens::read(&analyzer, n, |i| texts[i], &mut Silent).unwrap();
    let alone = Counts::new(read(train.len()), &plan.features).unwrap();
    let own: Vec<u32> = (0..train.len() as u32).collect();
    let (chosen, _) = Tfidf::fit(&alone, &own, &plan.features).unwrap();

    let counts = Counts::new(read(texts.len()), &plan.features).unwrap();
    let (tfidf, weighed) = match plan.sampling.kind {
        sampling::Sampling::Smote => unreachable!("not in these plans"),
        _ => Tfidf::fit_compact(&counts, &own, &plan.features).unwrap(),
    };
    assert_eq!(tfidf.vocabulary(&counts), chosen.vocabulary(&alone), "held texts bring no feature");
    assert_eq!(tfidf.idf(), chosen.idf(), "and change no frequency");

    let truth: Vec<u16> = train.iter().map(|&(_, class)| class).collect();
    let (weighed, truth) = match plan.sampling.kind {
        sampling::Sampling::Over => {
            let rows = sampling::over(&truth, labels.len(), plan.seed);
            (weighed.select(&rows), rows.iter().map(|&r| truth[r as usize]).collect())
        }
        _ => (weighed, truth),
    };
    let mut sizes = vec![0; labels.len()];
    truth.iter().for_each(|&class| sizes[usize::from(class)] += 1);
    let by_class = plan.logistic.class_weight.resolve(labels, &sizes).unwrap();
    let weights: Vec<f64> = truth.iter().map(|&class| by_class[usize::from(class)]).collect();
    let logistic = Logistic::try_from(&plan.logistic).unwrap();
    let (targets, classes, weights) = (Targets::Hard(&truth), labels.len(), Some(&weights[..]));
    let solution = match &weighed {
        Weighed::Sparse(rows) => logistic.fit(&Training { rows, targets, classes, weights }, &mut Silent),
        Weighed::Factored(rows) => {
            logistic.fit_factored(&Training { rows, targets, classes, weights }, &mut Silent)
        }
    }
    .unwrap();
    let others: Vec<u32> = (train.len() as u32..texts.len() as u32).collect();
    let logits = solution.logits(&tfidf.weigh(&counts, &others));
    let probs = Probs::from_logits(&logits, classes, Calibration::None);
    let truth: Vec<u16> = held.iter().map(|&(_, class)| class).collect();
    let options = Options { bootstrap: 0, ..Options::default() };
    -measure(&truth, probs.values(), labels, &options).unwrap().log_loss
}

#[test]
fn shared_work_is_fresh_work_to_the_bit() {
    let data = feedback();
    let plan = plan(&[
        "search.space.recipe.preset=['tweet-en', 'auto']",
        "search.space.features.words=[[1, 1], [1, 3]]",
        "search.space.features.chars=[[], [2, 3]]",
        "search.space.features.min_df=[1, 3]",
        "search.space.features.max_features=[200]",
        "search.space.features.sublinear_tf=[false, true]",
        "search.space.logistic.c=[0.3, 3.0]",
        "search.space.logistic.class_weight=['none', {negative = 2.0}]",
        "search.space.sampling.kind=['none', 'over']",
        "search.metric=log_loss",
        "search.folds=3",
    ]);
    // Of 256 combinations some are drawn; what they share differs from draw to draw.
    let drawn = Plan {
        search: plan.search.clone().map(|search| sentimeter_experiment::search::SearchPlan {
            method: sentimeter_experiment::search::Method::Random,
            candidates: Some(40),
            ..search
        }),
        ..plan
    };
    let found = run(&drawn, &data);
    let prepared = prepare(&drawn, &data, None).unwrap();
    let fold_of = prepared.folds(3, drawn.seed);
    let mut compared = 0;
    for ranked in &found.candidates {
        for fold in 0..3 {
            let side = |inside: bool| -> Vec<(u32, u16)> {
                let rows = prepared.train.iter().zip(&fold_of);
                rows.filter(|(_, of)| (**of == fold) == inside).map(|(r, _)| (r.row, r.class)).collect()
            };
            let want = fresh(&ranked.candidate.plan, &data, &side(false), &side(true), &prepared.labels);
            let got = ranked.last().scores[fold as usize];
            assert_eq!(
                got.to_bits(),
                want.to_bits(),
                "{} fold {fold}: {got} {want}",
                ranked.candidate.name()
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 120);
}

#[test]
fn a_folds_score_is_that_of_training_on_its_files() {
    let data = feedback();
    let plan = plan(&[
        "calibration.kind=none",
        "search.folds=4",
        "search.space.logistic.c=[0.5, 2.0]",
        "search.space.features.words=[[1, 1], [1, 2]]",
    ]);
    let found = run(&plan, &data);
    let prepared = prepare(&plan, &data, None).unwrap();
    let fold_of = prepared.folds(4, plan.seed);
    for ranked in &found.candidates {
        for fold in 0..4 {
            let side = |inside: bool| {
                let rows = prepared.train.iter().zip(&fold_of);
                let own: Vec<u32> =
                    rows.filter(|(_, of)| (**of == fold) == inside).map(|(r, _)| r.row).collect();
                data.select(&own)
            };
            let (learned, held) = (side(false), side(true));
            let common = Identities::of(&held);
            let names = Identities::of(&learned);
            assert!(names.hashes().iter().all(|hash| !common.contains(*hash)), "no text on both sides");
            let trained = train(&ranked.candidate.plan, &learned, Some(&held), &mut Silent).unwrap();
            assert_eq!(trained.metrics.accuracy, ranked.last().scores[fold as usize]);
        }
    }
}

#[test]
fn counters_prove_what_was_shared() {
    let mut ear = Ear::new();
    let found = search(&plan(&GRID), &feedback(), None, None, &mut ear).unwrap();
    let work = found.work;
    assert_eq!((work.cleaned, work.counted, work.selected, work.fitted), (2, 4, 2 * 2 * 2 * 5, 24 * 5));
    assert_eq!((ear.scores.len(), ear.finished, found.candidates.len()), (120, 24, 24));
    assert!(found.candidates.iter().all(|ranked| ranked.last().scores.len() == 5));
    assert_eq!(found.winner().rank, 1);
    let best = found.winner().last().mean.unwrap();
    assert!(found.candidates.iter().all(|ranked| ranked.last().mean.unwrap() <= best));
}

#[test]
fn threads_the_order_of_rows_and_other_candidates_do_not_matter() {
    let data = feedback();
    let want = answers(&run(&plan(&GRID), &data));
    for n in [1, 2, 3] {
        assert_eq!(answers(&threads(n, || run(&plan(&GRID), &data))), want, "{n} threads");
    }
    for seed in 0..2 {
        assert_eq!(answers(&run(&plan(&GRID), &shuffled(&data, seed))), want, "shuffled by {seed}");
    }
    let mut fewer = GRID;
    fewer[1] = "search.space.features.words=[[1, 2]]";
    fewer[3] = "search.space.logistic.c=[4.0, 1.0]";
    for (_, name, scores, _) in answers(&run(&plan(&fewer), &data)) {
        assert!(want.iter().any(|(_, other, same, _)| *other == name && *same == scores), "{name}");
    }
}

#[test]
fn an_interrupted_search_is_taken_up_and_ends_alike() {
    let (data, plan) = (feedback(), plan(&GRID));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let open = |begin| Journal::open(&path, begin).unwrap();
    let want = run(&plan, &data);

    let mut ear = Ear { stop_after: 47, ..Ear::new() };
    search(&plan, &data, None, Some(&mut open(Begin::Anew)), &mut ear).unwrap_err();
    assert!(Journal::open(&path, Begin::Resume).is_ok(), "nobody holds it any more");
    let refused = |plan: &Plan, data: &Corpus, begin, parts: &[&str]| {
        let error =
            search(plan, data, None, Some(&mut open(begin)), &mut Ear::new()).unwrap_err().to_string();
        parts.iter().for_each(|part| assert!(error.contains(part), "{error}"));
    };
    refused(&plan, &data, Begin::Anew, &["47 of 120", "--resume", "--restart"]);
    let mut other = plan.clone();
    other.features.min_df = sentimeter_model::features::Frequency::Count(3);
    refused(&other, &data, Begin::Resume, &["the plan changed", "--restart"]);
    let mut other = plan.clone();
    other.search.as_mut().unwrap().folds = 4;
    refused(&other, &data, Begin::Resume, &["the plan changed"]);
    let most: Vec<u32> = (1..data.len() as u32).collect();
    refused(&plan, &data.select(&most), Begin::Resume, &["the data changed"]);

    // The last line was being written when the process was killed.
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, &text[..text.len() - 20]).unwrap();
    let mut ear = Ear::new();
    // Shuffled rows are the same data.
    let found = search(&plan, &shuffled(&data, 5), None, Some(&mut open(Begin::Resume)), &mut ear).unwrap();
    assert_eq!((ear.resumed, found.work.resumed, found.work.fitted, ear.scores.len()), (46, 46, 74, 74));
    assert_eq!(answers(&found), answers(&want));
    assert_eq!((found.best, found.frugal), (want.best, want.frugal));
    assert_eq!(ear.finished, 24, "those that were done before, too");

    let mut ear = Ear::new();
    let again = search(&plan, &data, None, Some(&mut open(Begin::Resume)), &mut ear).unwrap();
    assert_eq!((again.work.resumed, again.work.fitted, again.work.cleaned), (120, 0, 0), "all is known");
    assert_eq!(answers(&again), answers(&want));
    let restarted = search(&plan, &data, None, Some(&mut open(Begin::Restart)), &mut Ear::new()).unwrap();
    assert_eq!(restarted.work.fitted, 120);
    open(Begin::Resume).finish();
    assert!(!Path::new(&path).exists());
}

#[test]
fn a_journal_belongs_to_one_process_and_to_searches() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let held = Journal::open(&path, Begin::Anew).unwrap();
    let busy = Journal::open(&path, Begin::Resume).unwrap_err().to_string();
    assert!(busy.contains("another search"), "{busy}");
    drop(held);
    for (text, part) in [("[1, 2]\n", "line 1"), ("\u{0}\u{1}\n", "line 1")] {
        std::fs::write(&path, text).unwrap();
        let mut journal = Journal::open(&path, Begin::Resume).unwrap();
        let error = search(&plan(&GRID), &feedback(), None, Some(&mut journal), &mut Ear::new()).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn halving_learns_from_few_rows_first_and_from_all_at_last() {
    let mut set = GRID.to_vec();
    set.extend(["search.method=halving", "search.min_rows=20"]);
    let data = feedback();
    let found = run(&plan(&set), &data);
    let rounds: Vec<(usize, u64)> = found.rounds.iter().map(|r| (r.candidates, r.one_in)).collect();
    assert_eq!(rounds, [(24, 9), (8, 3), (3, 1)]);
    let in_round = |i: usize| found.candidates.iter().filter(|ranked| ranked.rounds.len() > i).count();
    assert_eq!([0, 1, 2].map(in_round), [24, 8, 3]);
    assert_eq!((found.work.cleaned, found.work.fitted), (2, (24 + 8 + 3) * 5), "counts are kept");
    assert_eq!(found.work.counted, 4);
    // Who goes on was among the best of the round before.
    for i in 0..2 {
        let on = |r: &&sentimeter_experiment::search::Ranked| r.rounds.len() > i + 1;
        let mean = |r: &sentimeter_experiment::search::Ranked| r.rounds[i].mean.unwrap();
        let worst_on = found.candidates.iter().filter(on).map(mean).fold(f64::INFINITY, f64::min);
        let stayed = found.candidates.iter().filter(|r| r.rounds.len() == i + 1);
        assert!(stayed.map(mean).all(|mean| mean <= worst_on));
    }
    assert_eq!(found.winner().rounds.len(), 3);
    // The last round is that of a grid: all rows, the same folds.
    let grid = run(&plan(&GRID), &data);
    for ranked in found.candidates.iter().filter(|ranked| ranked.rounds.len() == 3) {
        let same = grid.candidates.iter().find(|r| r.candidate == ranked.candidate);
        assert_eq!(same.map(|r| &r.last().scores), Some(&ranked.last().scores));
    }
    let places: BTreeSet<usize> = found.candidates.iter().map(|ranked| ranked.rank).collect();
    assert_eq!(places.first(), Some(&1));
    assert!(found.candidates.iter().all(|r| (r.rank <= 3) == (r.rounds.len() == 3)));
    assert_eq!(answers(&found), answers(&run(&plan(&set), &shuffled(&data, 3))));
}

#[test]
fn candidates_that_cannot_be_learned_by_come_last_and_say_why() {
    let found = run(&plan(&["search.space.features.min_df=[1, 400]", "search.folds=3"]), &feedback());
    let [first, last] = &found.candidates[..] else { panic!("two") };
    assert_eq!((first.rank, last.rank), (1, 2));
    assert_eq!((first.last().mean.is_some(), last.last().mean), (true, None));
    assert!(last.last().error.as_ref().unwrap().contains("lower min_df"), "{last:?}");
    let none = fails(&plan(&["search.space.features.min_df=[400, 401]"]), &feedback());
    assert!(none.contains("none of the 2 candidates") && none.contains("min_df"), "{none}");
}

#[test]
fn data_that_folds_cannot_be_made_of_get_a_sentence() {
    let space = "search.space.logistic.c=[1.0, 2.0]";
    let all = feedback();
    let few: Vec<(&str, Option<&str>)> =
        rows(&all).into_iter().filter(|row| row.1 != Some("neutral")).collect();
    let (negative, positive): (Vec<_>, Vec<_>) = few.into_iter().partition(|row| row.1 == Some("negative"));
    // Both rows of the second class come into the training part; with two folds each holds one.
    let lonely = corpus(negative.iter().copied().chain(positive.iter().copied().take(1)));
    let test = corpus(negative.iter().copied().skip(140).chain(positive.iter().copied().skip(100)));
    let on_two = |metric: &str, data: &Corpus, folds: &str| {
        let plan = plan(&[space, metric, folds]);
        search(&plan, data, Some(&test), None, &mut Ear::new())
    };
    let error = on_two("search.metric=accuracy", &lonely, "search.folds=2").unwrap_err().to_string();
    assert!(
        error.contains("only rows labelled \"negative\" are left") && error.contains("search.folds"),
        "{error}"
    );
    let three = corpus(negative.iter().copied().chain(positive.iter().copied().take(3)));
    let error = on_two("search.metric=roc_auc", &three, "search.folds=5").unwrap_err().to_string();
    assert!(
        error.contains("holds no row labelled \"positive\" (3 in all)") && error.contains("roc_auc"),
        "{error}"
    );
    let found = on_two("search.metric=accuracy", &three, "search.folds=5").unwrap();
    assert!(found.notes.iter().any(|note| note.contains("positive")), "{:?}", found.notes);
    let error = fails(&plan(&[space, "search.folds=1000"]), &all);
    assert!(error.contains("is empty") && error.contains("search.folds"), "{error}");
    let error = fails(&plan(&[space, "search.folds=1"]), &all);
    assert!(error.contains("search.folds is 1"), "{error}");
    let error = fails(&plan(&[]), &all);
    assert!(error.contains("[search.space]"), "{error}");
    let one = corpus(negative.iter().copied());
    assert!(fails(&plan(&[space]), &one).contains("fewer than two labels"));
}

#[test]
fn the_table_has_the_columns_of_scikit_learn() {
    let found = run(&plan(&GRID), &feedback());
    let mut csv = Vec::new();
    found.write_csv(&mut csv).unwrap();
    let mut table = csv::Reader::from_reader(&csv[..]);
    let header: Vec<String> = table.headers().unwrap().iter().map(str::to_owned).collect();
    for name in [
        "mean_fit_time",
        "std_fit_time",
        "mean_score_time",
        "std_score_time",
        "param_recipe.preset",
        "param_features.words",
        "param_logistic.c",
        "params",
        "split0_test_score",
        "split4_test_score",
        "mean_test_score",
        "std_test_score",
        "rank_test_score",
    ] {
        assert!(header.iter().any(|column| column == name), "{name} {header:?}");
    }
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 24);
    let at = |row: &csv::StringRecord, name: &str| -> f64 {
        row[header.iter().position(|column| column == name).unwrap()].parse().unwrap()
    };
    for (row, ranked) in rows.iter().zip(&found.candidates) {
        let scores: Vec<f64> = (0..5).map(|i| at(row, &format!("split{i}_test_score"))).collect();
        assert_eq!(scores, ranked.last().scores);
        assert!((scores.iter().sum::<f64>() / 5.0 - at(row, "mean_test_score")).abs() < 1e-12);
        assert_eq!(at(row, "rank_test_score") as usize, ranked.rank);
        assert_eq!(at(row, "param_logistic.c"), ranked.candidate.plan.logistic.c);
    }
    let failed = run(&plan(&["search.space.features.min_df=[1, 400]"]), &feedback());
    let mut csv = Vec::new();
    failed.write_csv(&mut csv).unwrap();
    assert!(String::from_utf8(csv).unwrap().contains(",nan,nan,2\n"));
}

#[test]
fn the_metric_decides_and_less_loss_is_better() {
    for metric in [
        "accuracy",
        "macro_f1",
        "weighted_f1",
        "macro_recall",
        "roc_auc",
        "pr_auc",
        "log_loss",
        "brier",
        "mcc",
    ] {
        let metric = format!("search.metric={metric}");
        let mut set: [&str; 6] = GRID;
        set[4] = &metric;
        let found = run(&plan(&set), &feedback());
        let ranking = found.ranking();
        let means: Vec<f64> = ranking.iter().map(|ranked| ranked.last().mean.unwrap()).collect();
        assert!(means.windows(2).all(|pair| pair[0] >= pair[1]), "{metric}: {means:?}");
        assert_eq!(found.metric.negated(), means.iter().all(|&mean| mean < 0.0), "{metric}");
        let one = found.candidates.iter().find(|r| r.candidate.plan.logistic.c == 1.0).unwrap();
        if metric.ends_with("log_loss") {
            assert!((one.last().also["log_loss"] + one.last().mean.unwrap()).abs() < 1e-12);
        }
    }
    let unknown = Plan::from_toml("[search]\nmetric = \"acuracy\"", &[]).unwrap_err().to_string();
    assert!(unknown.contains("acuracy") && unknown.contains("macro_f1"), "{unknown}");
}

#[test]
fn a_plan_with_a_search_trains_as_without() {
    let data = feedback();
    let bytes = |plan: &Plan| train(plan, &data, None, &mut Silent).unwrap().model.to_bytes().unwrap();
    assert!(bytes(&plan(&GRID)) == bytes(&plan(&[])), "the search is no setting of a model");
    let error: ExperimentError = Plan::from_toml("[search]\nmethods = \"grid\"", &[]).unwrap_err();
    assert!(error.to_string().contains("methods") && error.to_string().contains("method"), "{error}");
}

#[test]
fn every_outcome_is_one_or_the_other() {
    let mut ear = Ear::new();
    search(&plan(&["search.space.features.min_df=[1, 400]"]), &feedback(), None, None, &mut ear).unwrap();
    let failed = ear.scores.iter().filter(|score| matches!(score.outcome, Outcome::Failed(_))).count();
    assert_eq!((failed, ear.scores.len()), (5, 10));
}

#[test]
fn the_plans_to_copy_are_searched() {
    for file in ["plans/search.toml", "benches/search.toml"] {
        let path = format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"));
        let plan = Plan::from_toml(&std::fs::read_to_string(path).unwrap(), &[]).unwrap();
        let work = run(&plan, &feedback()).work;
        assert_eq!((work.cleaned, work.counted, work.selected, work.fitted), (2, 4, 40, 120), "{file}");
    }
}

#[test]
fn the_plans_of_networks_to_copy_can_be_followed() {
    for kind in ["lstm", "bilstm", "cnn"] {
        let path = format!("{}/../../plans/search-{kind}.toml", env!("CARGO_MANIFEST_DIR"));
        let small = ["search.candidates=3", "search.min_rows=100", "neural.epochs=1", "neural.length=12"];
        let small: Vec<String> = small.iter().map(|&set| set.to_owned()).collect();
        let plan = Plan::from_toml(&std::fs::read_to_string(path).unwrap(), &small).unwrap();
        let found = run(&plan, &feedback());
        assert_eq!((found.candidates.len(), found.folds), (3, 1), "{kind}");
        assert!(found.candidates.iter().all(|ranked| ranked.rounds[0].error.is_none()), "{kind}: {found:?}");
    }
}
