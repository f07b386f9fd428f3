//! Every metric's name. The unit is its suffix; Prometheus' conventions.

use std::sync::OnceLock;

use metrics::{Counter, Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// The target of every span that an OpenTelemetry collector is to see: nothing else has it, and nothing of a text is in
/// one. Where nobody collects traces, such a span costs the look at a flag.
pub const TRACE: &str = "sentimeter_trace";

/// Answered requests; labels: `route`, `status`.
pub const REQUESTS: &str = "sentimeter_requests_total";
/// From a request's head to its answer's head, seconds; label: `route`.
pub const REQUEST_SECONDS: &str = "sentimeter_request_seconds";
/// Requests under way.
pub const REQUESTS_NOW: &str = "sentimeter_requests_in_flight";
/// Open connections.
pub const CONNECTIONS: &str = "sentimeter_connections";
/// Requests that were refused, by reason; label: `kind`, the last part of the problem's type.
pub const ERRORS: &str = "sentimeter_errors_total";
/// Answers; labels: `model`, `label` ([`UNSURE`] where it abstained), `language`.
pub const PREDICTIONS: &str = "sentimeter_predictions_total";
/// Jobs that wait to be scored.
pub const QUEUE_JOBS: &str = "sentimeter_queue_jobs";
/// Bytes of text that wait to be scored.
pub const QUEUE_BYTES: &str = "sentimeter_queue_bytes";
/// How long jobs waited, seconds.
pub const QUEUE_SECONDS: &str = "sentimeter_queue_seconds";
/// Jobs whose caller went away before they began.
pub const CANCELLED: &str = "sentimeter_cancelled_total";
/// Texts of a batch.
pub const BATCH_TEXTS: &str = "sentimeter_batch_texts";
/// Wall time of a batch, seconds.
pub const BATCH_SECONDS: &str = "sentimeter_batch_seconds";
/// Lookups; label: `outcome`, `hit` or `miss`.
pub const CACHE: &str = "sentimeter_cache_lookups_total";
/// Times that another model took over.
pub const SWAPS: &str = "sentimeter_model_swaps_total";
/// Predictions that were written to the store.
pub const RECORDED: &str = "sentimeter_predictions_recorded_total";
/// Predictions that were not: more came than could be written.
pub const UNRECORDED: &str = "sentimeter_predictions_unrecorded_total";
/// Reports of wrong answers; label: `source`.
pub const REPORTS: &str = "sentimeter_reports_total";
/// Pieces of feedback that were kept.
pub const ITEMS: &str = "sentimeter_items_total";

/// The `label` of an answer that abstains.
pub const UNSURE: &str = "(unsure)";

/// Upper bounds of latency, seconds: an answer takes tens of microseconds, a batch tens of milliseconds.
const SECONDS: [f64; 14] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Upper bounds of a batch's size.
const TEXTS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

pub(crate) fn predictions(model: &str, label: &str, language: &'static str) -> Counter {
    metrics::counter!(PREDICTIONS, "model" => model.to_owned(), "label" => label.to_owned(), "language" => language)
}

/// This process's metrics.
#[derive(Debug, Clone)]
pub struct Collected(PrometheusHandle);

impl Collected {
    /// All of them, in Prometheus' text format.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds samples away: to be called every second or so, or memory grows with every request.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// Collects this process's metrics from the first call on; `None` where the program that we are part of
/// collects them itself.
pub fn collect() -> Option<Collected> {
    static HANDLE: OnceLock<Option<Collected>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let recorder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
                .and_then(|b| b.set_buckets_for_metric(Matcher::Suffix("_texts".to_owned()), &TEXTS))
                .ok()?
                .build_recorder();
            let handle = recorder.handle();
            metrics::set_global_recorder(recorder).ok()?;
            describe();
            Some(Collected(handle))
        })
        .clone()
}

fn describe() {
    describe_counter!(REQUESTS, "Answered requests");
    describe_histogram!(REQUEST_SECONDS, Unit::Seconds, "From a request's head to its answer's head");
    describe_gauge!(REQUESTS_NOW, "Requests under way");
    describe_gauge!(CONNECTIONS, "Open connections");
    describe_counter!(ERRORS, "Requests that were refused, by reason");
    describe_counter!(PREDICTIONS, "Answers by model, label and language");
    describe_gauge!(QUEUE_JOBS, "Jobs that wait to be scored");
    describe_gauge!(QUEUE_BYTES, Unit::Bytes, "Bytes of text that wait to be scored");
    describe_histogram!(QUEUE_SECONDS, Unit::Seconds, "How long jobs waited");
    describe_counter!(CANCELLED, "Jobs whose caller went away before they began");
    describe_histogram!(BATCH_TEXTS, "Texts of a batch");
    describe_histogram!(BATCH_SECONDS, Unit::Seconds, "Wall time of a batch");
    describe_counter!(CACHE, "Lookups in the cache of answers");
    describe_counter!(SWAPS, "Times that another model took over");
    describe_counter!(RECORDED, "Predictions that were written to the store");
    describe_counter!(UNRECORDED, "Predictions that were not written: more came than could be");
    describe_counter!(ITEMS, "Pieces of feedback that were kept");
    describe_counter!(REPORTS, "Reports of wrong answers");
}
