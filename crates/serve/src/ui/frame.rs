//! What every page has around it.

use std::fmt::Write as _;

use super::assets;
use super::strings::Strings;
use super::strings::house::House;

/// A page's entry in the header: its address, and its name.
type Entry = (&'static str, fn(&Strings) -> &'static str);

/// The entries, in their order.
const ENTRIES: [Entry; 8] = [
    ("/", |t| t.analyse),
    ("/batch", |t| t.desk().batch),
    ("/insights", |t| t.desk().insights),
    ("/review", |t| t.house.review),
    ("/models", |t| t.house.models),
    ("/experiments", |t| t.house.experiments),
    ("/data", |t| t.house.data),
    ("/settings", |t| t.house.settings),
];

/// What every page has around it.
pub(crate) struct Frame {
    pub(crate) t: &'static Strings,
    pub(crate) h: &'static House,
    /// What links keep: the language, where it was chosen.
    pub(crate) query: String,
    /// Of the assets.
    pub(crate) version: &'static str,
    pub(crate) title: String,
    /// The page's own address, without its query.
    pub(crate) path: String,
    /// What forms carry.
    pub(crate) csrf: String,
    /// Who signed in.
    pub(crate) who: Option<String>,
}

/// An entry of the header.
pub(crate) struct Link {
    pub(crate) path: &'static str,
    pub(crate) name: &'static str,
    pub(crate) here: bool,
}

impl Frame {
    pub(crate) fn new(
        t: &'static Strings,
        chosen: bool,
        path: &str,
        csrf: String,
        who: Option<String>,
    ) -> Self {
        Self {
            t,
            h: t.house,
            query: if chosen { format!("?lang={}", t.lang) } else { String::new() },
            version: assets::version(),
            title: String::new(),
            path: path.to_owned(),
            csrf,
            who,
        }
    }

    /// The header's entries.
    pub(crate) fn links(&self) -> Vec<Link> {
        let of = |(path, name): &Entry| {
            let below = self.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
            Link { path, name: name(self.t), here: self.path == *path || (*path != "/" && below) }
        };
        ENTRIES.iter().map(of).collect()
    }

    /// An address of ours with `pairs` in its query, and the language.
    pub(crate) fn to(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let mut address = path.to_owned();
        let lang = self.query.strip_prefix("?lang=").map(|lang| ("lang", lang));
        for (at, (name, value)) in pairs.iter().copied().chain(lang).enumerate() {
            address.push(if at == 0 { '?' } else { '&' });
            address += name;
            address.push('=');
            address += &escaped(value);
        }
        address
    }

    /// Where one signs in, to come back here.
    pub(crate) fn door(&self) -> String {
        let next = if self.path == "/sign-in" { "/" } else { &self.path };
        self.to("/sign-in", &[("next", next)])
    }

    /// `said` as markup, with what stands in backticks as code.
    pub(crate) fn coded(&self, said: &str) -> String {
        let mut whole = String::new();
        for (at, part) in said.split('`').enumerate() {
            let (open, close) = if at % 2 == 1 { ("<code>", "</code>") } else { ("", "") };
            whole += open;
            for c in part.chars() {
                match c {
                    '<' => whole += "&lt;",
                    '>' => whole += "&gt;",
                    '&' => whole += "&amp;",
                    '"' => whole += "&quot;",
                    c => whole.push(c),
                }
            }
            whole += close;
        }
        whole
    }
}

/// `value` as part of a path or a query.
pub(crate) fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/@:".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// A moment as people write it, in UTC, to the minute.
pub(crate) fn moment(time: i64) -> String {
    let stamp = jiff::Timestamp::from_millisecond(time).unwrap_or_default();
    stamp.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M").to_string()
}

/// How long it took: `0.4 s`, `3 m 20 s`, `2 h 5 m`.
pub(crate) fn span(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) as f64 / 1000.0;
    match seconds {
        s if s < 100.0 => format!("{s:.1} s"),
        s if s < 6000.0 => format!("{:.0} m {:.0} s", (s / 60.0).floor(), s % 60.0),
        s => format!("{:.0} h {:.0} m", (s / 3600.0).floor(), (s % 3600.0 / 60.0).floor()),
    }
}

/// As many digits as tell.
pub(crate) fn figure(value: f64) -> String {
    match value {
        v if v == v.trunc() && v.abs() < 1e15 => format!("{v}"),
        v if (1e-3..1e6).contains(&v.abs()) => format!("{v:.4}"),
        v => format!("{v:.3e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(path: &str, chosen: bool) -> Frame {
        Frame::new(Strings::accepted("fr"), chosen, path, String::new(), None)
    }

    #[test]
    fn the_entry_of_a_page_is_that_of_its_section() {
        for (path, want) in [
            ("/", Some("/")),
            ("/models", Some("/models")),
            ("/models/a", Some("/models")),
            ("/modelsx", None),
        ] {
            let here = frame(path, false).links().into_iter().find(|link| link.here).map(|link| link.path);
            assert_eq!(here, want, "{path}");
        }
    }

    #[test]
    fn addresses_keep_the_language_and_escape_the_rest() {
        assert_eq!(frame("/", false).to("/x", &[]), "/x");
        assert_eq!(frame("/", true).to("/x", &[("a", "é&=#\" ")]), "/x?a=%C3%A9%26%3D%23%22%20&lang=fr");
        assert_eq!(frame("/models/a", true).door(), "/sign-in?next=/models/a&lang=fr");
        assert_eq!(frame("/", false).coded("a `b<c` & d"), "a <code>b&lt;c</code> &amp; d");
        assert_eq!(
            (figure(3.0), figure(0.81234), figure(1e-9)),
            ("3".into(), "0.8123".into(), "1.000e-9".into())
        );
    }
}
