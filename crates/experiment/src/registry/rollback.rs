//! The former champion comes back.
//!
//! The events of an alias are a stack: whoever promotes puts a version on top, whoever rolls back takes
//! the top away. Two rollbacks go two promotions back; a promotion after a rollback goes on from there.

use std::collections::BTreeSet;

use sentimeter_store::{RegistryEvent, Store, Version, Who, Write};
use serde_json::Value;

use super::RegistryError;

/// The action of an event that puts a former version back.
pub(super) const ROLLBACK: &str = "rollback";

/// The versions below the one that `alias` points at, as the events tell; the last is the former one.
fn stack(events: &[RegistryEvent], alias: &str) -> Vec<i64> {
    let mut stack = Vec::new();
    for event in events.iter().filter(|event| event.alias.as_deref() == Some(alias)) {
        let Some(version) = event.version else { continue }; // taken away; what was below stays
        if event.action == ROLLBACK {
            while stack.last().is_some_and(|top| *top != version) {
                stack.pop();
            }
        }
        if stack.last() != Some(&version) {
            stack.push(version);
        }
    }
    stack
}

/// Where a rollback of `alias`, which points at `current`, leads: the version before it that is not
/// among `deleted`.
pub fn former(
    events: &[RegistryEvent],
    alias: &str,
    current: Option<i64>,
    deleted: &BTreeSet<i64>,
) -> Option<i64> {
    let mut stack = stack(events, alias);
    while let Some(top) = stack.pop() {
        if Some(top) != current && !deleted.contains(&top) {
            return Some(top);
        }
    }
    None
}

/// The version that a rollback of `alias` would put back, and the one that stands there.
///
/// # Errors
/// No such model, or no former version.
pub async fn former_version(
    store: &Store,
    model: &str,
    alias: &str,
) -> Result<(Version, Option<i64>), RegistryError> {
    let versions = store.versions(model).await?;
    if versions.is_empty() {
        store.find_version(model).await?; // says what there is
    }
    let current = store.aliases(model).await?.into_iter().find(|a| a.alias == alias).map(|a| a.version);
    let events = store.registry_events(model).await?;
    let deleted = versions.iter().filter(|v| v.deleted.is_some()).map(|v| v.version).collect();
    let target = former(&events, alias, current, &deleted)
        .and_then(|target| versions.into_iter().find(|version| version.version == target))
        .ok_or_else(|| RegistryError::NoFormer { model: model.to_owned(), alias: alias.to_owned() })?;
    Ok((target, current))
}

/// Puts the former version of `alias` back, as [`former_version`] found it. `also` is written in the same
/// transaction.
///
/// # Errors
/// An alias that somebody else has moved meanwhile.
pub async fn roll_back(
    store: &Store,
    (target, current): (&Version, Option<i64>),
    alias: &str,
    who: &Who,
    also: &[Write],
) -> Result<(), RegistryError> {
    let what = (target.of.model.as_str(), alias, target.version);
    store.set_alias_with(what, current, (who, ROLLBACK, &Value::Null), also).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(action: &str, version: Option<i64>) -> RegistryEvent {
        RegistryEvent {
            id: 0,
            time: 0,
            who: Who::default(),
            action: action.to_owned(),
            model: "m".to_owned(),
            version,
            alias: Some("champion".to_owned()),
            previous: None,
            detail: Value::Null,
        }
    }

    fn back(events: &[RegistryEvent], current: i64) -> Option<i64> {
        former(events, "champion", Some(current), &BTreeSet::new())
    }

    #[test]
    fn twice_goes_two_back_and_a_promotion_goes_on_from_there() {
        let mut events: Vec<_> = [1, 2, 3].map(|v| event("promote", Some(v))).into();
        assert_eq!(back(&events, 3), Some(2));
        events.push(event("rollback", Some(2)));
        assert_eq!(back(&events, 2), Some(1));
        let mut on = events.clone();
        on.push(event("promote", Some(4)));
        assert_eq!(back(&on, 4), Some(2), "3 was rolled back from");
        events.push(event("rollback", Some(1)));
        assert_eq!(back(&events, 1), None);
        // Taken away: what stood there last comes back.
        let taken = [event("promote", Some(1)), event("promote", Some(2)), event("unalias", None)];
        assert_eq!(former(&taken, "champion", None, &BTreeSet::new()), Some(2));
        // Deleted ones are passed over, and another alias has its own story.
        let three: Vec<_> = [1, 2, 3].map(|v| event("promote", Some(v))).into();
        assert_eq!(former(&three, "champion", Some(3), &BTreeSet::from([2])), Some(1));
        assert_eq!(former(&three, "challenger", None, &BTreeSet::new()), None);
    }

    proptest! {
        /// What a person would do with a pile of cards.
        #[test]
        fn it_is_a_stack(steps in prop::collection::vec(prop::option::of(1_i64..5), 0..40)) {
            let (mut pile, mut events): (Vec<i64>, Vec<RegistryEvent>) = (Vec::new(), Vec::new());
            for step in steps {
                match step {
                    Some(version) if pile.last() != Some(&version) => {
                        pile.push(version);
                        events.push(event("promote", Some(version)));
                    }
                    Some(_) => {}
                    None => {
                        let current = pile.last().copied();
                        let found = former(&events, "champion", current, &BTreeSet::new());
                        if pile.len() > 1 {
                            pile.pop();
                            prop_assert_eq!(found, pile.last().copied());
                            events.push(event("rollback", found));
                        } else {
                            prop_assert_eq!(found, None);
                        }
                    }
                }
            }
        }
    }
}
