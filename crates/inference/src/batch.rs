//! Threads that score batches.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::Histogram;
use tracing::Span;

use crate::queue::{Job, Queue, Refusal};
use crate::score::{Scored, Wanted, score, with_scratch};
use crate::telemetry::{self, TRACE};

/// What one thread does until the queue is closed and empty.
pub(crate) fn work(queue: &Queue, most: usize, patience: Duration) {
    let (sizes, seconds, waits) = (
        metrics::histogram!(telemetry::BATCH_TEXTS),
        metrics::histogram!(telemetry::BATCH_SECONDS),
        metrics::histogram!(telemetry::QUEUE_SECONDS),
    );
    while let Some(taken) = queue.take(most, patience) {
        let jobs = wanted_still(taken.jobs, &waits);
        if !jobs.is_empty() {
            let begun = Instant::now();
            sizes.record(jobs.iter().map(|job| job.range.len()).sum::<usize>() as f64);
            answer(jobs);
            seconds.record(begun.elapsed().as_secs_f64());
        }
        if taken.later {
            queue.done();
        }
    }
}

/// The jobs that somebody waits for, in time; the others are told so.
fn wanted_still(jobs: Vec<Job>, waits: &Histogram) -> Vec<Job> {
    let now = Instant::now();
    let mut live = Vec::with_capacity(jobs.len());
    for mut job in jobs {
        job.waits = Span::none(); // ends here
        waits.record(now.duration_since(job.since).as_secs_f64());
        if job.reply.is_closed() {
            metrics::counter!(telemetry::CANCELLED).increment(1);
        } else if job.deadline <= now {
            // Who gave up a moment ago is not waiting.
            drop(job.reply.send(Err(Refusal::Late)));
        } else {
            live.push(job);
        }
    }
    live
}

/// Scores the jobs together; should the model panic, each by itself, so that one text's fault is its own.
fn answer(jobs: Vec<Job>) {
    match scored(&jobs) {
        Ok(mut all) => {
            for job in jobs {
                let rest = all.split_off(job.range.len());
                drop(job.reply.send(Ok(std::mem::replace(&mut all, rest))));
            }
        }
        Err(refusal) => {
            let alone = jobs.len() == 1;
            for job in jobs {
                let one = if alone { Err(refusal) } else { scored(std::slice::from_ref(&job)) };
                drop(job.reply.send(one));
            }
        }
    }
}

fn scored(jobs: &[Job]) -> Result<Vec<Arc<Scored>>, Refusal> {
    let Some(first) = jobs.first() else { return Ok(Vec::new()) };
    // One for each request of the batch: they end together.
    let of = |job: &Job| {
        let parent = job.asked.id();
        parent.map(|_| {
            let (own, texts) = (job.range.len(), jobs.iter().map(|job| job.range.len()).sum::<usize>());
            tracing::debug_span!(target: TRACE, parent: &job.asked, "score", texts = own as i64, batch = texts as i64)
        })
    };
    let _scoring: Vec<Span> = jobs.iter().filter_map(of).collect();
    let texts: Vec<(&str, Wanted)> =
        jobs.iter().flat_map(|job| job.texts().iter().map(|text| (text.as_str(), job.wanted))).collect();
    // The scratch of a panic is dropped with it; the model itself never changes.
    catch_unwind(AssertUnwindSafe(|| with_scratch(|scratch| score(&first.live, &texts, scratch))))
        .map_err(|_| Refusal::Failed)
}
