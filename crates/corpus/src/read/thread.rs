//! A ticket's thread in one cell: what the customer said in it.

/// Who speaks in threads and is not the customer, lower-cased.
pub(crate) const NOT_CUSTOMERS: [&str; 11] = [
    "agent",
    "admin",
    "support",
    "staff",
    "internal",
    "note",
    "system",
    "bot",
    "conseiller",
    "موظف",
    "الموظف",
];

/// Appends the customer's messages of `thread` to `out`, a line each.
///
/// A message starts on a line like `2026-06-04 18:40 Requester: text` or `Agent : text` and runs to
/// the next such line. What stands before the first one is the customer's. A thread exported as
/// JSON is left alone: who speaks there has no common name.
pub(crate) fn customers_words(thread: &str, out: &mut String) {
    if thread.trim_start().starts_with(['[', '{']) {
        return;
    }
    let mut customer = true;
    for line in thread.lines() {
        let said = match speaker(line) {
            Some((who, said)) => {
                customer = !NOT_CUSTOMERS.contains(&who.to_lowercase().as_str());
                said
            }
            None => line,
        };
        if customer && !said.trim().is_empty() {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(said.trim());
        }
    }
}

/// Who speaks on a line that starts a message, and what is said on it: one word before a colon,
/// with nothing but a date before that.
fn speaker(line: &str) -> Option<(&str, &str)> {
    let start = line.find(|c: char| c.is_alphabetic() && c != 'T')?;
    let date = &line[..start];
    if date.chars().any(char::is_alphabetic) && !date.ends_with(char::is_whitespace) {
        return None;
    }
    let (who, said) = line[start..].split_once(':')?;
    let who = who.trim_end();
    (!who.is_empty() && who.chars().all(char::is_alphabetic)).then_some((who, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agents_words_are_left_out() {
        let mut out = "Subject".to_owned();
        let thread = "2026-06-02 10:14 Agent: Please try\nthe supply.\n2026-06-04 18:40 Requester: Tried it.\nThank you!\n\
                      Agent : le virement part.\nMarie: Toujours rien !\n2026-06-09 الموظف: نعتذر";
        customers_words(thread, &mut out);
        assert_eq!(out, "Subject\nTried it.\nThank you!\nToujours rien !");
        let mut out = String::new();
        customers_words("Where is it? I wrote: hurry", &mut out);
        assert_eq!(out, "Where is it? I wrote: hurry");
        customers_words(r#"[{"author": "x", "body": "y"}]"#, &mut out);
        assert_eq!(out, "Where is it? I wrote: hurry");
    }

    proptest::proptest! {
        #[test]
        fn any_thread_is_accepted(thread in "[a-zTé: \n0-9-]{0,60}|.{0,60}") {
            customers_words(&thread, &mut String::new());
        }
    }
}
