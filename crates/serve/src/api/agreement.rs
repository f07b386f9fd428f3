//! `GET /v1/reports/agreement`: how well the model and reviewers agree.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use sentimeter_store::Role;
use serde::Serialize;
use utoipa::ToSchema;

use super::refused::Refused;
use super::tagged::tagged;
use crate::app::App;
use crate::house;
use crate::problem::Problem;

/// How well those who judged the same reports agree.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Agreements {
    /// The model with all reviewers, then with each, then reviewers with one another. Reports were called wrong to
    /// begin with: over all answers the model agrees more often.
    pairs: Vec<Pair>,
}

/// Two who judged the same reports.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgreementPair, example = json!({
    "first": "model", "second": "reviewers", "reports": 40,
    "agreement": {"value": 0.7, "low": 0.546, "high": 0.819}, "kappa": {"value": 0.55, "low": 0.33, "high": 0.77}
}))]
pub(crate) struct Pair {
    /// `model`, or a reviewer.
    first: String,
    /// A reviewer, or `reviewers`, which is all of them.
    second: String,
    /// Reports that both have judged.
    reports: u64,
    /// Share of them with the same label.
    agreement: Measured,
    /// Cohen's kappa; null where chance alone gives agreement.
    kappa: Option<Measured>,
}

/// A measure with its 95 % interval.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MeasureWithInterval)]
pub(crate) struct Measured {
    /// The measure.
    value: f64,
    /// The interval's lower end.
    low: f64,
    /// Its upper end.
    high: f64,
}

impl Measured {
    fn of(value: f64, [low, high]: [f64; 2]) -> Self {
        Self { value, low, high }
    }
}

impl From<house::Pair> for Pair {
    fn from(house::Pair { first, second, found }: house::Pair) -> Self {
        Self {
            first: first.unwrap_or_else(|| "model".to_owned()),
            second: second.unwrap_or_else(|| "reviewers".to_owned()),
            reports: found.rows,
            agreement: Measured::of(found.share, found.share_interval),
            kappa: found.kappa.zip(found.kappa_interval).map(|(value, ends)| Measured::of(value, ends)),
        }
    }
}

/// Agreement and Cohen's kappa between the model and reviewers, and between reviewers.
///
/// A rejected report leaves the model's answer standing. Wants a key of role reviewer.
#[utoipa::path(
    get, path = "/v1/reports/agreement", tag = "reports", operation_id = "agreement",
    responses((status = 200, description = "Pair by pair", body = Agreements), (status = 304, description = "As you have it"), Refused),
    security(("key" = []))
)]
pub(crate) async fn agreement(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    app.inner.gate.let_in(&headers, Role::Reviewer, false).await?;
    let pairs = house::agreements(&app).await?.into_iter().map(Pair::from).collect();
    tagged(&headers, &Agreements { pairs })
}
