//! HTML character references and literal `\uXXXX` escapes become the characters they stand for.

use crate::trace::{Desk, Trace, Untraced};
use memchr::memchr2;
use std::borrow::Cow;

/// Longest name in [`NAMED`], in bytes.
const LONGEST: usize = 8;

/// What a browser makes of `&#128;`..`&#159;`: windows-1252, not the C1 controls
/// (HTML Living Standard, 13.2.5.80, numeric character reference end state).
const C1: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}',
    '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}',
    '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}',
    '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

/// The character reference that `rest` begins with (`rest` starts at the `&`), and its length in
/// bytes. `&amp;lt;` counts as one reference to `<`: text that passed through two exporters is
/// escaped twice, and nobody means the literal `&lt;` in a tweet.
fn reference(rest: &str) -> Option<(char, usize)> {
    let (c, len) = once(rest.as_bytes(), 1)?;
    if c == '&'
        && let Some((inner, more)) = once(rest.as_bytes(), len)
    {
        return Some((inner, more));
    }
    Some((c, len))
}

/// The reference whose body starts at `from` (just after the ampersand), and where it ends.
fn once(bytes: &[u8], from: usize) -> Option<(char, usize)> {
    let body = &bytes[from..];
    if body.first() == Some(&b'#') {
        return numeric(&body[1..]).map(|(c, len)| (c, from + 1 + len));
    }
    let len = body.iter().take(LONGEST + 1).take_while(|b| b.is_ascii_alphanumeric()).count();
    let name = &body[..len];
    let closed = body.get(len) == Some(&b';');
    // Without the semicolon only the four that every escaper writes, as browsers do.
    let letters = name.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let name = if closed { name } else { &name[..letters] };
    if !closed && !matches!(name, b"amp" | b"lt" | b"gt" | b"quot") {
        return None;
    }
    let found = NAMED.binary_search_by(|(n, _)| n.as_bytes().cmp(name)).ok()?;
    Some((NAMED[found].1, from + name.len() + usize::from(closed)))
}

/// The digits after `&#`, and how many bytes they take with the semicolon.
fn numeric(body: &[u8]) -> Option<(char, usize)> {
    let hex = matches!(body.first(), Some(b'x' | b'X'));
    let (radix, skip) = if hex { (16, 1) } else { (10, 0) };
    let digits = &body[skip..];
    let len = digits.iter().take(9).take_while(|b| char::from(**b).is_digit(radix)).count();
    if len == 0 || len > 8 {
        return None;
    }
    let code = digits[..len]
        .iter()
        .fold(0u32, |n, b| n.saturating_mul(radix) + char::from(*b).to_digit(radix).unwrap_or(0));
    let c = match code {
        0 => char::REPLACEMENT_CHARACTER,
        128..=159 => C1[code as usize - 128],
        _ => char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    Some((c, skip + len + usize::from(digits.get(len) == Some(&b';'))))
}

/// The literal escape `\uXXXX` that `rest` begins with (six ASCII characters; twelve for a surrogate
/// pair), and its length. SemEval 2013 was published with these.
fn escape(rest: &str) -> Option<(char, usize)> {
    let high = unit(rest.as_bytes())?;
    if let Some(c) = char::from_u32(high) {
        return Some((c, 6));
    }
    let low = unit(rest.as_bytes().get(6..)?)?;
    if high < 0xdc00 && (0xdc00..0xe000).contains(&low) {
        let c = char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))?;
        return Some((c, 12));
    }
    None
}

fn unit(bytes: &[u8]) -> Option<u32> {
    if bytes.len() < 6 || &bytes[..2] != b"\\u" {
        return None;
    }
    bytes[2..6].iter().try_fold(0, |n, b| Some(n * 16 + char::from(*b).to_digit(16)?))
}

/// The step: references and escapes on the desk become characters.
pub(crate) fn apply<T: Trace>(desk: &mut Desk<T>) {
    let Some(first) = memchr2(b'&', b'\\', desk.page.text.as_bytes()) else {
        return;
    };
    desk.rewrite(|page, next| {
        let (mut kept, mut at) = (0, first);
        loop {
            let rest = &page.text[at..];
            match at_start(rest) {
                Some((c, len)) => {
                    next.keep(page, kept..at);
                    kept = at + len;
                    next.replace(page, at..kept, c.encode_utf8(&mut [0; 4]));
                    at = kept;
                }
                None => at += 1,
            }
            match memchr2(b'&', b'\\', &page.text.as_bytes()[at..]) {
                Some(more) => at += more,
                None => break,
            }
        }
        next.keep(page, kept..page.text.len());
    });
}

/// `raw` with every reference and escape replaced; borrowed when there is nothing to look at.
pub(crate) fn unescape(raw: &str) -> Cow<'_, str> {
    if memchr2(b'&', b'\\', raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut desk = Desk::<Untraced>::default();
    desk.begin(raw);
    apply(&mut desk);
    Cow::Owned(desk.page.text)
}

/// The reference or escape that `rest` begins with.
fn at_start(rest: &str) -> Option<(char, usize)> {
    if rest.starts_with('&') { reference(rest) } else { escape(rest) }
}

/// The 252 named references of HTML 4.01 (all of Latin-1, Greek, arrows, mathematics) and the names
/// of ASCII punctuation that HTML 5 added; sorted by name.
#[rustfmt::skip]
static NAMED: [(&str, char); 284] = [
    ("AElig", 'Æ'), ("Aacute", 'Á'), ("Acirc", 'Â'), ("Agrave", 'À'), ("Alpha", '\u{391}'),
    ("Aring", 'Å'), ("Atilde", 'Ã'), ("Auml", 'Ä'), ("Beta", '\u{392}'), ("Ccedil", 'Ç'),
    ("Chi", '\u{3a7}'), ("Dagger", '\u{2021}'), ("Delta", '\u{394}'), ("ETH", 'Ð'), ("Eacute", 'É'),
    ("Ecirc", 'Ê'), ("Egrave", 'È'), ("Epsilon", '\u{395}'), ("Eta", '\u{397}'), ("Euml", 'Ë'),
    ("Gamma", '\u{393}'), ("Iacute", 'Í'), ("Icirc", 'Î'), ("Igrave", 'Ì'), ("Iota", '\u{399}'),
    ("Iuml", 'Ï'), ("Kappa", '\u{39a}'), ("Lambda", '\u{39b}'), ("Mu", '\u{39c}'),
    ("NewLine", '\n'), ("Ntilde", 'Ñ'), ("Nu", '\u{39d}'), ("OElig", 'Œ'), ("Oacute", 'Ó'),
    ("Ocirc", 'Ô'), ("Ograve", 'Ò'), ("Omega", '\u{3a9}'), ("Omicron", '\u{39f}'), ("Oslash", 'Ø'),
    ("Otilde", 'Õ'), ("Ouml", 'Ö'), ("Phi", '\u{3a6}'), ("Pi", '\u{3a0}'), ("Prime", '\u{2033}'),
    ("Psi", '\u{3a8}'), ("Rho", '\u{3a1}'), ("Scaron", 'Š'), ("Sigma", '\u{3a3}'), ("THORN", 'Þ'),
    ("Tab", '\t'), ("Tau", '\u{3a4}'), ("Theta", '\u{398}'), ("Uacute", 'Ú'), ("Ucirc", 'Û'),
    ("Ugrave", 'Ù'), ("Upsilon", '\u{3a5}'), ("Uuml", 'Ü'), ("Xi", '\u{39e}'), ("Yacute", 'Ý'),
    ("Yuml", 'Ÿ'), ("Zeta", '\u{396}'), ("aacute", 'á'), ("acirc", 'â'), ("acute", '´'),
    ("aelig", 'æ'), ("agrave", 'à'), ("alefsym", '\u{2135}'), ("alpha", '\u{3b1}'), ("amp", '&'),
    ("and", '\u{2227}'), ("ang", '\u{2220}'), ("apos", '\''), ("aring", 'å'), ("ast", '*'),
    ("asymp", '\u{2248}'), ("atilde", 'ã'), ("auml", 'ä'), ("bdquo", '\u{201e}'),
    ("beta", '\u{3b2}'), ("brvbar", '¦'), ("bull", '\u{2022}'), ("cap", '\u{2229}'),
    ("ccedil", 'ç'), ("cedil", '¸'), ("cent", '¢'), ("check", '\u{2713}'), ("chi", '\u{3c7}'),
    ("circ", 'ˆ'), ("clubs", '\u{2663}'), ("colon", ':'), ("comma", ','), ("commat", '@'),
    ("cong", '\u{2245}'), ("copy", '©'), ("crarr", '\u{21b5}'), ("cup", '\u{222a}'),
    ("curren", '¤'), ("dArr", '\u{21d3}'), ("dagger", '\u{2020}'), ("darr", '\u{2193}'),
    ("deg", '°'), ("delta", '\u{3b4}'), ("diams", '\u{2666}'), ("divide", '÷'), ("dollar", '$'),
    ("eacute", 'é'), ("ecirc", 'ê'), ("egrave", 'è'), ("empty", '\u{2205}'), ("emsp", '\u{2003}'),
    ("ensp", '\u{2002}'), ("epsilon", '\u{3b5}'), ("equals", '='), ("equiv", '\u{2261}'),
    ("eta", '\u{3b7}'), ("eth", 'ð'), ("euml", 'ë'), ("euro", '\u{20ac}'), ("excl", '!'),
    ("exist", '\u{2203}'), ("female", '\u{2640}'), ("fnof", 'ƒ'), ("forall", '\u{2200}'),
    ("frac12", '½'), ("frac14", '¼'), ("frac34", '¾'), ("frasl", '\u{2044}'), ("gamma", '\u{3b3}'),
    ("ge", '\u{2265}'), ("grave", '`'), ("gt", '>'), ("hArr", '\u{21d4}'), ("harr", '\u{2194}'),
    ("hearts", '\u{2665}'), ("hellip", '\u{2026}'), ("hyphen", '\u{2010}'), ("iacute", 'í'),
    ("icirc", 'î'), ("iexcl", '¡'), ("igrave", 'ì'), ("image", '\u{2111}'), ("infin", '\u{221e}'),
    ("int", '\u{222b}'), ("iota", '\u{3b9}'), ("iquest", '¿'), ("isin", '\u{2208}'), ("iuml", 'ï'),
    ("kappa", '\u{3ba}'), ("lArr", '\u{21d0}'), ("lambda", '\u{3bb}'), ("lang", '\u{2329}'),
    ("laquo", '«'), ("larr", '\u{2190}'), ("lbrace", '{'), ("lceil", '\u{2308}'),
    ("ldquo", '\u{201c}'), ("le", '\u{2264}'), ("lfloor", '\u{230a}'), ("lowast", '\u{2217}'),
    ("lowbar", '_'), ("loz", '\u{25ca}'), ("lpar", '('), ("lrm", '\u{200e}'),
    ("lsaquo", '\u{2039}'), ("lsqb", '['), ("lsquo", '\u{2018}'), ("lt", '<'), ("macr", '¯'),
    ("male", '\u{2642}'), ("mdash", '\u{2014}'), ("micro", 'µ'), ("middot", '·'),
    ("minus", '\u{2212}'), ("mu", '\u{3bc}'), ("nabla", '\u{2207}'), ("nbsp", '\u{a0}'),
    ("ndash", '\u{2013}'), ("ne", '\u{2260}'), ("ni", '\u{220b}'), ("not", '¬'),
    ("notin", '\u{2209}'), ("nsub", '\u{2284}'), ("ntilde", 'ñ'), ("nu", '\u{3bd}'), ("num", '#'),
    ("oacute", 'ó'), ("ocirc", 'ô'), ("oelig", 'œ'), ("ograve", 'ò'), ("oline", '\u{203e}'),
    ("omega", '\u{3c9}'), ("omicron", '\u{3bf}'), ("oplus", '\u{2295}'), ("or", '\u{2228}'),
    ("ordf", 'ª'), ("ordm", 'º'), ("oslash", 'ø'), ("otilde", 'õ'), ("otimes", '\u{2297}'),
    ("ouml", 'ö'), ("para", '¶'), ("part", '\u{2202}'), ("percnt", '%'), ("period", '.'),
    ("permil", '\u{2030}'), ("perp", '\u{22a5}'), ("phi", '\u{3c6}'), ("phone", '\u{260e}'),
    ("pi", '\u{3c0}'), ("piv", '\u{3d6}'), ("plus", '+'), ("plusmn", '±'), ("pound", '£'),
    ("prime", '\u{2032}'), ("prod", '\u{220f}'), ("prop", '\u{221d}'), ("psi", '\u{3c8}'),
    ("quest", '?'), ("quot", '"'), ("rArr", '\u{21d2}'), ("radic", '\u{221a}'),
    ("rang", '\u{232a}'), ("raquo", '»'), ("rarr", '\u{2192}'), ("rbrace", '}'),
    ("rceil", '\u{2309}'), ("rdquo", '\u{201d}'), ("real", '\u{211c}'), ("reg", '®'),
    ("rfloor", '\u{230b}'), ("rho", '\u{3c1}'), ("rlm", '\u{200f}'), ("rpar", ')'),
    ("rsaquo", '\u{203a}'), ("rsqb", ']'), ("rsquo", '\u{2019}'), ("sbquo", '\u{201a}'),
    ("scaron", 'š'), ("sdot", '\u{22c5}'), ("sect", '§'), ("semi", ';'), ("shy", '\u{ad}'),
    ("sigma", '\u{3c3}'), ("sigmaf", '\u{3c2}'), ("sim", '\u{223c}'), ("sol", '/'),
    ("spades", '\u{2660}'), ("star", '\u{2606}'), ("starf", '\u{2605}'), ("sub", '\u{2282}'),
    ("sube", '\u{2286}'), ("sum", '\u{2211}'), ("sup", '\u{2283}'), ("sup1", '¹'), ("sup2", '²'),
    ("sup3", '³'), ("supe", '\u{2287}'), ("szlig", 'ß'), ("tau", '\u{3c4}'), ("there4", '\u{2234}'),
    ("theta", '\u{3b8}'), ("thetasym", '\u{3d1}'), ("thinsp", '\u{2009}'), ("thorn", 'þ'),
    ("tilde", '˜'), ("times", '×'), ("trade", '\u{2122}'), ("uArr", '\u{21d1}'), ("uacute", 'ú'),
    ("uarr", '\u{2191}'), ("ucirc", 'û'), ("ugrave", 'ù'), ("uml", '¨'), ("upsih", '\u{3d2}'),
    ("upsilon", '\u{3c5}'), ("uuml", 'ü'), ("weierp", '\u{2118}'), ("xi", '\u{3be}'),
    ("yacute", 'ý'), ("yen", '¥'), ("yuml", 'ÿ'), ("zeta", '\u{3b6}'), ("zwj", '\u{200d}'),
    ("zwnj", '\u{200c}'),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(raw: &str, want: &str) {
        assert_eq!(unescape(raw), want, "{raw:?}");
    }

    #[test]
    fn the_table_is_sorted_and_no_name_is_too_long() {
        assert!(NAMED.windows(2).all(|w| w[0].0 < w[1].0));
        assert_eq!(NAMED.iter().map(|(n, _)| n.len()).max(), Some(LONGEST));
    }

    #[test]
    fn references() {
        check("nothing here", "nothing here");
        check("&lt;3 you &amp; me", "<3 you & me");
        check("&amp;lt;3", "<3");
        check("&amp;amp;lt;3", "&lt;3");
        check("caf&eacute; &hellip;", "café …");
        check("&#39;&#x1F600;&#X27;", "'\u{1F600}'");
        check("&#146;t &#0; &#55296;", "\u{2019}t \u{fffd} \u{fffd}");
        check("AT&T &bogus; & &; &#; &#x;", "AT&T &bogus; & &; &#; &#x;");
        check("a &lt3 b &amp c &eacute d", "a <3 b & c &eacute d");
        check("&#99999999; &#999999999;", "\u{fffd} &#999999999;");
    }

    #[test]
    fn escapes() {
        check(r"I\u2019m\u002c ok", "I\u{2019}m, ok");
        check(r"\ud83d\ude00", "\u{1F600}");
        check(r"\ud83d alone \ude00 \u12 \u", r"\ud83d alone \ude00 \u12 \u");
    }

    proptest! {
        #[test]
        fn any_text_is_accepted(raw in r"(&|amp;|lt|;|#|x|[0-9]|\\u|d8|\PC){0,40}") {
            prop_assert!(unescape(&raw).len() <= raw.len() + 2);
        }
    }
}
