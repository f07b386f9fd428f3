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

#[cfg(test)]
mod tests {
    /// Relative luminance of `#rgb` or `#rrggbb` (WCAG 2.2).
    fn luminance(colour: &str) -> f64 {
        let digits = colour.trim_start_matches('#');
        let wide: String = match digits.len() {
            3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
            _ => digits.to_owned(),
        };
        let channel = |at: usize| {
            let v = f64::from(u8::from_str_radix(&wide[at..at + 2], 16).unwrap()) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
    }

    #[test]
    fn colours_stand_out_in_the_light_and_in_the_dark() {
        let css = include_str!("../../assets/app.css");
        let themes: Vec<&str> =
            css.split(":root{").skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        assert_eq!(themes.len(), 2);
        for theme in themes {
            let of = |name: &str| {
                let (_, rest) =
                    theme.split_once(&format!("--{name}:")).unwrap_or_else(|| panic!("no --{name}"));
                luminance(rest.split([';', '\n']).next().unwrap().trim())
            };
            // Text at 4.5 to 1, what surrounds a control or shows the focus at 3 to 1.
            let text = ["ink", "muted", "neg", "neu", "pos"].map(|name| (name, 4.5));
            for (name, least) in text.into_iter().chain([("focus", 3.0), ("control", 3.0)]) {
                for behind in ["desk", "sheet", "track"] {
                    let (a, b) = (of(name), of(behind));
                    let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                    assert!(contrast >= least, "--{name} on --{behind}: {contrast:.2} in {theme}");
                }
            }
            let (a, b) = (of("sheet"), of("ink"));
            assert!((a.max(b) + 0.05) / (a.min(b) + 0.05) >= 4.5, "buttons");
        }
    }
}
