//! The interface's description, made from the code, and the pages that show it.

use axum::Router;
use serde::Serialize;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::Ref;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{
    agreement, datasets, health, hooks, insights, items, jobs, keys, labels, legacy, models, predict,
    reports, runs,
};
use crate::app::App;
use crate::problem::{FieldError, ItemProblem, Problem};

/// The answer to one text, or to many.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = PredictResponse)]
#[allow(dead_code)] // for the interface's description
pub(crate) enum Predicted<'a> {
    /// To `text`.
    #[schema(title = "One")]
    One(predict::Prediction<'a>),
    /// To `texts`.
    #[schema(title = "Batch")]
    Batch(predict::Batch<'a>),
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sentimeter",
        description = "What people feel in what they write. Errors are problem documents (RFC 9457); every answer \
                       has an X-Request-Id. On loopback predicting and reporting need no key; everything else, and \
                       everything anywhere else, wants `Authorization: Bearer KEY`.",
        license(name = "MIT OR Apache-2.0"),
    ),
    paths(
        predict::predict, legacy::predict, reports::report, reports::list, reports::review,
        items::add, items::list, hooks::hook, insights::insights,
        jobs::create, jobs::list, jobs::show, jobs::remove, jobs::cancel, jobs::result,
        agreement::agreement, labels::next, labels::give, models::list, models::show, models::promote, models::roll_back,
        runs::list, runs::compare, runs::show, datasets::list, keys::list, keys::create, keys::revoke, keys::audit,
        health::healthz, health::readyz, health::metrics
    ),
    components(schemas(Problem, FieldError, ItemProblem, predict::PredictItem, items::ItemRequest)),
    tags(
        (name = "predict", description = "What a text says"),
        (name = "reports", description = "Wrong answers, texts without a label, and what reviewers make of them"),
        (name = "items", description = "Feedback that is kept: scored as it comes in, searched, exported"),
        (name = "jobs", description = "Files that are scored, behind everything else"),
        (name = "models", description = "What is registered, and which version answers"),
        (name = "runs", description = "What was trained, with what, and what came of it"),
        (name = "data", description = "What was imported"),
        (name = "keys", description = "Who may ask for what, and who changed what"),
        (name = "operation", description = "For those who run the server"),
    ),
    modifiers(&Keys),
)]
struct Description;

struct Keys;

impl Modify for Keys {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        if let Some(components) = openapi.components.as_mut() {
            components.add_security_scheme("key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        }
        // Whatever else a server may have to say (a head that is too long, a host that is not ours), it says so.
        for item in openapi.paths.paths.values_mut() {
            let all = [&mut item.get, &mut item.post, &mut item.delete];
            for operation in all.into_iter().flatten() {
                let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
                let response = ResponseBuilder::new()
                    .description("Anything else that stands against it")
                    .content("application/problem+json", problem)
                    .build();
                operation.responses.responses.insert("default".to_owned(), response.into());
            }
        }
    }
}

/// The interface's description, OpenAPI 3.1.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut description = Description::openapi();
    env!("CARGO_PKG_VERSION").clone_into(&mut description.info.version);
    description
}

/// `/openapi.json`, and `/docs` that shows it. Nothing comes from anywhere else.
pub(crate) fn docs() -> Router<App> {
    // The validator's badge would be fetched from elsewhere.
    let config = Config::new(["/openapi.json"]).validator_url("none");
    SwaggerUi::new("/docs").config(config).url("/openapi.json", openapi()).into()
}
