//! What every page has around it.

use std::fmt::Write as _;

use super::assets;
use super::strings::Strings;

/// What every page has around it.
pub(crate) struct Frame {
    pub(crate) t: &'static Strings,
    /// What links keep: the language, where it was chosen.
    pub(crate) query: String,
    /// Of the assets.
    pub(crate) version: &'static str,
    pub(crate) title: String,
    /// The page's own address, without its query.
    pub(crate) path: String,
    /// What forms carry.
    pub(crate) csrf: String,
}

/// An entry of the header.
pub(crate) struct Link {
    pub(crate) path: &'static str,
    pub(crate) name: &'static str,
    pub(crate) here: bool,
}

impl Frame {
    pub(crate) fn new(t: &'static Strings, chosen: bool, path: &str) -> Self {
        Self {
            t,
            query: if chosen { format!("?lang={}", t.lang) } else { String::new() },
            version: assets::version(),
            title: String::new(),
            path: path.to_owned(),
            csrf: String::new(),
        }
    }

    /// The header's entries.
    pub(crate) fn links(&self) -> Vec<Link> {
        let desk = self.t.desk();
        let of = |(path, name): (&'static str, &'static str)| {
            let below = self.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
            Link { path, name, here: self.path == path || (path != "/" && below) }
        };
        [("/", self.t.analyse), ("/batch", desk.batch), ("/insights", desk.insights)].map(of).into()
    }

    /// An address of ours with `pairs` in its query, and the language.
    pub(crate) fn to(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let mut address = path.to_owned();
        let lang = self.query.strip_prefix("?lang=").map(|lang| ("lang", lang));
        for (at, (name, value)) in pairs.iter().copied().chain(lang).enumerate() {
            address.push(if at == 0 { '?' } else { '&' });
            address += name;
            address.push('=');
            for byte in value.bytes() {
                if byte.is_ascii_alphanumeric() || b"-_.~/@:".contains(&byte) {
                    address.push(char::from(byte));
                } else {
                    let _ = write!(address, "%{byte:02X}");
                }
            }
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_the_language_and_escape_the_rest() {
        let french = Strings::accepted("fr");
        assert_eq!(
            Frame::new(french, true, "/").to("/x", &[("a", "é&=#\" ")]),
            "/x?a=%C3%A9%26%3D%23%22%20&lang=fr"
        );
        let links = Frame::new(french, false, "/batch/7").links();
        assert_eq!(
            links.iter().filter(|link| link.here).map(|link| link.path).collect::<Vec<_>>(),
            ["/batch"]
        );
    }
}
