//! The folds of a search, and whether they can be learned from and measured on.

use sentimeter_corpus::SplitKind;

use super::settings::SearchPlan;
use super::work::Fold;
use crate::prepare::Prepared;
use crate::{ExperimentError, Plan};

/// The folds of the training part, the same for every candidate; what they lack goes to `notes`.
pub(super) fn folds(
    plan: &Plan,
    settings: &SearchPlan,
    prepared: &Prepared,
    truth: &[u16],
    notes: &mut Vec<String>,
) -> Result<Vec<Fold>, ExperimentError> {
    let count = settings.folds;
    let fold_of = prepared.folds(count, plan.seed);
    let wrong = |why: String| Err(ExperimentError::Data { why });
    let mut folds = Vec::new();
    for number in 0..settings.measured() {
        let (held, train): (Vec<u32>, Vec<u32>) =
            (0..truth.len() as u32).partition(|&row| fold_of[row as usize] == number);
        let classes = |rows: &[u32]| {
            let mut found = vec![0_usize; prepared.labels.len()];
            rows.iter().for_each(|&row| found[usize::from(truth[row as usize])] += 1);
            found
        };
        let name = number + 1;
        if held.is_empty() {
            return wrong(format!(
                "fold {name} of {count} is empty: {} rows to learn from are too few; set search.folds lower",
                truth.len()
            ));
        }
        let learned = classes(&train);
        if let [class] = (0..learned.len()).filter(|&class| learned[class] > 0).collect::<Vec<_>>()[..] {
            return wrong(format!(
                "without fold {name} of {count} only rows labelled {:?} are left to learn from: the other \
                 labels' rows all lie in that fold; add rows, or set search.folds to another number",
                prepared.labels[class]
            ));
        }
        for (class, &rows) in classes(&held).iter().enumerate() {
            if rows > 0 {
                continue;
            }
            let label = &prepared.labels[class];
            let all = truth.iter().filter(|&&y| usize::from(y) == class).count();
            let told = format!("fold {name} of {count} holds no row labelled {label:?} ({all} in all)");
            if settings.metric.wants_all_classes() {
                return wrong(format!(
                    "{told}, and {} is undefined without; set search.folds lower or search.metric to another",
                    settings.metric.name()
                ));
            }
            notes.push(format!("{told}: its score is that of the other labels"));
        }
        folds.push(Fold { train, held });
    }
    if plan.split.kind == SplitKind::Group || plan.split.kind == SplitKind::Time {
        notes.push(format!(
            "the test part is split by {}, the folds are not: texts of one {0} may stand on both sides of a fold",
            if plan.split.kind == SplitKind::Group { "author" } else { "time" }
        ));
    }
    Ok(folds)
}
