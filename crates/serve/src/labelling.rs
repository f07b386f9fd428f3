//! What reviewers are asked to label: kept items of which the model is least certain, no two alike.

use std::time::Duration;

use sentimeter_corpus::{Corpus, Example, Identities, near_duplicates};
use sentimeter_experiment::ExperimentError;
use sentimeter_experiment::labelling::{Candidate, choose, stand_ins, uncertainty};
use sentimeter_model::Silent;
use sentimeter_store::{Item, ItemFilter, Labelled, Unlabelled};
use sentimeter_text::words;

use crate::app::App;
use crate::problem::Problem;

/// Items that are chosen among: those about which the models that scored them as they came in were least certain.
const POOL: u32 = 1000;

/// Texts with a label or a report that those are compared with, the latest.
const KNOWN: u32 = 20_000;

/// Which items are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// At the most so many.
    pub(crate) count: usize,
    pub(crate) channel: Option<String>,
    pub(crate) language: Option<String>,
    /// Those that others have labelled, in place of those without a label.
    pub(crate) second: bool,
}

/// An item to be labelled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Offered {
    pub(crate) item: Item,
    pub(crate) uncertainty: f64,
    /// What the model that answers now would say.
    pub(crate) suggested: String,
}

/// What `reviewer` should label next, in this order.
pub(crate) async fn next(app: &App, reviewer: &str, wanted: &Wanted) -> Result<Vec<Offered>, Problem> {
    let wait = Duration::from_secs(5).min(app.inner.limits.deadline);
    // It costs about what a question for insights costs; together they are bounded.
    let _turn = match tokio::time::timeout(wait, app.inner.insights.acquire()).await {
        Ok(Ok(turn)) => turn,
        _ => return Err(Problem::busy("others are asking for items to label; try again", 2)),
    };
    let store = &app.inner.store;
    let filter = ItemFilter {
        channel: wanted.channel.clone(),
        language: wanted.language.clone(),
        limit: Some(if wanted.second { wanted.count as u32 } else { POOL }),
        ..ItemFilter::default()
    };
    let found = store.to_label(reviewer, &filter, wanted.second).await?;
    let mut pool = judged(app, found).await?;
    if wanted.second {
        pool.sort_by(|a, b| b.uncertainty.total_cmp(&a.uncertainty));
        return Ok(pool);
    }
    let known = store.corrected_texts(KNOWN).await?;
    let count = wanted.count;
    match tokio::task::spawn_blocking(move || most_telling(pool, &known, count)).await {
        Ok(Ok(chosen)) => Ok(chosen),
        Ok(Err(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "items to label cannot be chosen");
            Err(Problem::internal())
        }
        Err(_) => Err(Problem::internal()),
    }
}

/// What the model that answers now makes of the items: it may be another than the one that scored them.
async fn judged(app: &App, found: Vec<Unlabelled>) -> Result<Vec<Offered>, Problem> {
    let live = app.live();
    let (texts, at): (Vec<String>, Vec<usize>) = found
        .iter()
        .enumerate()
        .filter(|(_, one)| one.item.model != live.name())
        .map(|(at, one)| (one.item.text.clone(), at))
        .unzip();
    let mut offered: Vec<Offered> = found
        .into_iter()
        .map(|Unlabelled { item, uncertainty }| Offered { suggested: item.label.clone(), item, uncertainty })
        .collect();
    if !texts.is_empty() {
        let scored = app.inner.engine.score_later(&live, texts.into()).await?;
        for (at, scored) in at.into_iter().zip(scored) {
            offered[at].uncertainty = uncertainty(&scored.probabilities);
            offered[at].suggested = live.model().labels().get(scored.top().0).cloned().unwrap_or_default();
        }
    }
    Ok(offered)
}

/// The method of `profile --label-next`, on what is kept.
fn most_telling(pool: Vec<Offered>, known: &[String], count: usize) -> Result<Vec<Offered>, ExperimentError> {
    let mut corpus = Corpus::new();
    // One label for all: whichever it is, the text has one.
    let labelled = known.iter().map(|text| (text, Some("known")));
    let open = pool.iter().map(|one| (&one.item.text, None));
    let first = known.len();
    for (text, label) in labelled.chain(open) {
        corpus
            .push(Example { text, label, ..Example::default() })
            .expect("one label, and no source or channel: a corpus holds far more");
    }
    let groups = near_duplicates(&Identities::of(&corpus));
    let candidates = stand_ins(&corpus, &groups).into_iter().map(|row| Candidate {
        row,
        uncertainty: pool[row as usize - first].uncertainty,
        class: None,
    });
    let chosen = choose(&corpus, candidates.collect(), &words::recipe(&[]), count, &mut Silent)?;
    let mut pool: Vec<Option<Offered>> = pool.into_iter().map(Some).collect();
    Ok(chosen.into_iter().filter_map(|one| pool[one.row as usize - first].take()).collect())
}

/// Stores a reviewer's label, durably.
pub(crate) async fn label(app: &App, item: &str, label: &str, reviewer: &str) -> Result<Labelled, Problem> {
    let live = app.live();
    let labels = live.model().labels();
    if !labels.iter().any(|one| one == label) {
        return Err(Problem::field("label", format!("is none of the model's labels: {}", labels.join(", "))));
    }
    Ok(app.inner.store.label_item(item, label, reviewer).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(n: usize, uncertainty: f64, text: &str) -> Offered {
        let item = Item {
            number: n as i64,
            id: n.to_string(),
            source: "api".to_owned(),
            external: None,
            time: 0,
            received: 0,
            channel: String::new(),
            language: "en".to_owned(),
            author: None,
            model: "sentiment@1".to_owned(),
            label: "positive".to_owned(),
            confidence: 0.5,
            probabilities: serde_json::json!({}),
            prediction: None,
            text_hash: String::new(),
            text: text.to_owned(),
        };
        Offered { item, uncertainty, suggested: "positive".to_owned() }
    }

    #[test]
    fn what_was_labelled_comes_no_more_nor_does_what_repeats_it() {
        let pool = vec![
            offered(0, 0.9, "the parcel came three days too late"),
            offered(1, 0.8, "The parcel came three days too late!"),
            offered(2, 0.7, "nobody ever answers this phone number"),
            offered(3, 0.6, "a fair price for what one gets here"),
            offered(4, 0.5, "🙂"),
        ];
        let known = ["Nobody ever answers this phone number!!".to_owned()];
        let ids = |count| -> Vec<String> {
            let chosen = most_telling(pool.clone(), &known, count).unwrap();
            chosen.into_iter().map(|one| one.item.id).collect()
        };
        let all = ids(10);
        assert_eq!(all.len(), 3, "{all:?}");
        assert!(!all.contains(&"2".to_owned()), "{all:?}");
        assert_eq!(ids(1), all[..1]);
        assert!(["0", "1"].contains(&all[0].as_str()), "{all:?}");
        assert!(most_telling(Vec::new(), &known, 10).unwrap().is_empty());
    }
}
