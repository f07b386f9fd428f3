//! `cv_results.csv`: every candidate with scikit-learn's column names.

use std::io::Write;

use super::candidates::shown;
use super::results::{Found, Ranked, RoundScores};
use super::settings::Method;

impl Found {
    /// Writes the columns of scikit-learn's `cv_results_`, a row a candidate (by halving a candidate and
    /// round, with `iter` and `n_resources`). What could not be measured is `nan`.
    ///
    /// # Errors
    /// Whatever `out` says.
    pub fn write_csv(&self, out: impl Write) -> Result<(), csv::Error> {
        let mut out = csv::Writer::from_writer(out);
        let halving = self.method == Method::Halving;
        let keys: Vec<&String> =
            self.candidates.first().map_or(Vec::new(), |c| c.candidate.params.iter().map(|p| &p.0).collect());
        let mut header: Vec<String> = Vec::new();
        if halving {
            header.extend(["iter", "n_resources"].map(str::to_owned));
        }
        header.extend(
            ["mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time"].map(str::to_owned),
        );
        header.extend(keys.iter().map(|key| format!("param_{key}")));
        header.push("params".to_owned());
        header.extend((0..self.folds).map(|fold| format!("split{fold}_test_score")));
        header.extend(["mean_test_score", "std_test_score", "rank_test_score"].map(str::to_owned));
        out.write_record(&header)?;
        let rows = self.rows_of_table();
        for (ranked, round, rank) in rows {
            let mut record: Vec<String> = Vec::new();
            if halving {
                record.extend([round.round.to_string(), round.rows.to_string()]);
            }
            let [fit, score] = round.deviations;
            record.extend([round.fit_seconds, fit, round.score_seconds, score].map(|x| x.to_string()));
            let params = &ranked.candidate.params;
            record.extend(params.iter().map(|(_, value)| shown(value)));
            let object: serde_json::Map<String, serde_json::Value> = params
                .iter()
                .map(|(key, value)| (key.clone(), serde_json::to_value(value).unwrap_or_default()))
                .collect();
            record.push(serde_json::Value::Object(object).to_string());
            let number = |x: Option<f64>| x.map_or("nan".to_owned(), |x| x.to_string());
            record.extend((0..self.folds as usize).map(|fold| number(round.scores.get(fold).copied())));
            record.push(number(round.mean));
            record.push(number(round.deviation()));
            record.push(rank.to_string());
            out.write_record(&record)?;
        }
        out.flush()?;
        Ok(())
    }

    /// Rounds of candidates, earlier rounds first, with a rank in which later rounds go before earlier ones.
    fn rows_of_table(&self) -> Vec<(&Ranked, &RoundScores, usize)> {
        let mut rows: Vec<(&Ranked, &RoundScores, usize)> = self
            .candidates
            .iter()
            .flat_map(|ranked| ranked.rounds.iter().map(move |round| (ranked, round, round.rank)))
            .collect();
        rows.sort_by_key(|(_, round, _)| round.round);
        let mut before = 0;
        let last = rows.last().map_or(0, |(_, round, _)| round.round);
        let counts: Vec<usize> =
            (0..=last).map(|i| rows.iter().filter(|(_, round, _)| round.round == i).count()).collect();
        let mut shift = vec![0; last + 1];
        for (i, &count) in counts.iter().enumerate().rev() {
            shift[i] = before;
            before += count;
        }
        rows.iter_mut().for_each(|(_, round, rank)| *rank += shift[round.round]);
        rows
    }
}

impl RoundScores {
    /// Standard deviation of the scores over their number, as numpy has it.
    fn deviation(&self) -> Option<f64> {
        let (mean, n) = (self.mean?, self.scores.len() as f64);
        Some((self.scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / n).sqrt())
    }
}
