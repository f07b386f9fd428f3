//! Style, script, pictures and fonts, all inside the program.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::problem::Problem;

/// Name, type and content of each.
const ASSETS: [(&str, &str, &[u8]); 8] = [
    ("app.css", "text/css; charset=utf-8", include_bytes!("../../assets/app.css")),
    ("desk.css", "text/css; charset=utf-8", include_bytes!("../../assets/desk.css")),
    ("app.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/app.js")),
    ("review.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/review.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("../../assets/icon.svg")),
    // The fonts of our reports: `crates/report/assets/fonts/OFL.txt`.
    ("sans.woff2", "font/woff2", include_bytes!("../../../report/assets/fonts/NotoSans-Regular.woff2")),
    ("bold.woff2", "font/woff2", include_bytes!("../../../report/assets/fonts/NotoSans-Bold.woff2")),
    (
        "arabic.woff2",
        "font/woff2",
        include_bytes!("../../../report/assets/fonts/NotoSansArabic-Regular.woff2"),
    ),
];

/// A hash of all of them: part of their addresses, so that they may be kept for ever.
pub(crate) fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let mut hasher = blake3::Hasher::new();
        for (.., content) in ASSETS {
            hasher.update(content);
        }
        hasher.finalize().to_hex()[..12].to_owned()
    });
    &VERSION
}

/// `GET /assets/{name}`.
pub(crate) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some((_, kind, content)) = ASSETS.iter().find(|(known, ..)| *known == name) else {
        return Problem::not_found("there is no such file").into_response();
    };
    let tag = format!("\"{}\"", version());
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|given| given.as_bytes() == tag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (StatusCode::OK, *content).into_response()
    };
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        answer.insert(header::ETAG, tag);
    }
    response
}
