//! What was read joins the corpus, and what was found in it the report.

use std::collections::BTreeMap;

use crate::corpus::Corpus;
use crate::error::CorpusError;
use crate::label;
use crate::report::{FileReport, ReadReport};

use super::plan::{MAX_LABELS, Part};
use super::{Origin, Reading};

impl Reading<'_> {
    /// Adds a part to the corpus and its counts to the report.
    pub(super) fn absorb(
        &mut self,
        part: Part,
        file: &mut FileReport,
        origin: &Origin<'_>,
    ) -> Result<(), CorpusError> {
        const MAX_RAW: usize = 1000;
        let too_many = |example: &str| CorpusError::NotLabels {
            path: origin.name.clone(),
            limit: MAX_LABELS,
            example: example.to_owned(),
        };
        if self.options.map.is_none() && part.labels.len() > MAX_LABELS {
            return Err(too_many(&part.labels[MAX_LABELS].raw));
        }
        self.corpus.append(&part.corpus).map_err(|label| too_many(&label))?;
        if self.options.map.is_none() && self.corpus.labels().len() > MAX_LABELS {
            return Err(too_many(&self.corpus.labels()[MAX_LABELS]));
        }
        for label in part.labels {
            let count = |map: &mut BTreeMap<String, u64>| {
                let known = map.len() < MAX_RAW || map.contains_key(&label.raw);
                let name = if known { label.raw.clone() } else { "(others)".to_owned() };
                *map.entry(name).or_default() += label.rows;
            };
            count(&mut file.raw_labels);
            if self.report.label_map.len() < MAX_RAW {
                self.report.label_map.insert(label.raw.clone(), label.class.clone());
            }
            if label.class.is_none() {
                count(&mut file.unmapped);
            }
        }
        for (class, rows) in part.corpus.labels().iter().zip(part.corpus.class_counts()) {
            *file.classes.entry(class.clone()).or_default() += rows as u64;
        }
        file.rows += part.rows;
        file.kept += part.corpus.len() as u64;
        file.bad += part.bad_rows.len() as u64;
        file.unlabelled += part.unlabelled;
        file.empty += part.empty;
        file.skipped += part.skipped;
        file.too_long += part.too_long;
        file.bad_times += part.bad_times;
        file.recoded_lines += part.recoded_lines;
        file.damaged += part.damaged;
        file.double_encoded += part.double_encoded;
        file.mended += part.mended;
        let room = ReadReport::MAX_BAD_ROWS.saturating_sub(self.report.bad_rows.len());
        self.report.bad_rows.extend(part.bad_rows.into_iter().take(room));
        let limit = self.options.limits.rows;
        if self.corpus.len() as u64 > limit {
            return Err(CorpusError::Limit {
                path: origin.name.clone(),
                limit,
                what: "rows",
                option: "max-rows",
            });
        }
        // A file of another kind altogether should not be read to its end before that is said.
        const ENOUGH: u64 = 10_000;
        if file.bad > ENOUGH { self.check_bad(file, origin) } else { Ok(()) }
    }

    fn check_bad(&self, file: &FileReport, origin: &Origin<'_>) -> Result<(), CorpusError> {
        if file.bad as f64 <= self.options.max_bad_rows * file.rows as f64 {
            return Ok(());
        }
        let Some(first) = self.report.bad_rows.iter().find(|b| b.file == origin.name) else {
            return Ok(());
        };
        Err(CorpusError::TooManyBad {
            path: origin.name.clone(),
            bad: file.bad,
            rows: file.rows,
            percent: self.options.max_bad_rows * 100.0,
            first: Box::new(first.clone()),
        })
    }

    pub(super) fn close(&mut self, mut file: FileReport, origin: &Origin<'_>) -> Result<(), CorpusError> {
        self.check_bad(&file, origin)?;
        if file.rows == 0 {
            return Err(CorpusError::Empty { path: origin.name.clone() });
        }
        if file.recoded_lines > 0 {
            file.encoding = "UTF-8 and windows-1252".to_owned();
        }
        file.bytes = origin.total;
        file.blake3 = origin.tally.blake3();
        self.report.files.push(file);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(Corpus, ReadReport), CorpusError> {
        if self.options.map.is_some() {
            self.corpus.sort_labels();
        } else if !self.corpus.labels().is_empty() {
            let raw = self.corpus.labels().to_vec();
            let guessed = label::guess(&raw, self.options.format.or(self.format));
            self.corpus.rename_labels(&guessed.classes);
            self.report.label_map = raw.into_iter().zip(guessed.classes).collect();
            self.report.said.push(guessed.said);
            for file in &mut self.report.files {
                for (raw, rows) in std::mem::take(&mut file.classes) {
                    let class = self.report.label_map.get(&raw).cloned().flatten();
                    *file.classes.entry(class.unwrap_or(raw)).or_default() += rows;
                }
            }
        }
        self.report.rows = self.report.files.iter().map(|f| f.rows).sum();
        self.report.kept = self.corpus.len() as u64;
        let counts = self.corpus.class_counts();
        self.report.classes =
            self.corpus.labels().iter().cloned().zip(counts.into_iter().map(|n| n as u64)).collect();
        Ok((self.corpus, self.report))
    }
}
