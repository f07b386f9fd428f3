//! What a store promises, on each database: SQLite in memory, SQLite in a file, a real PostgreSQL.

#![allow(clippy::unwrap_used)]

mod corrections;
mod items;
mod labels;
mod outbox;
mod postgres;
mod registry;
mod runs;
mod serving;
mod together;

use std::path::Path;
use std::pin::Pin;

use sentimeter_store::{Blocking, Database, Store};

type Check = fn(Store) -> Pin<Box<dyn Future<Output = ()>>>;

/// Every check, by its name.
macro_rules! checks {
    ($($module:ident: $($check:ident),+;)+) => {
        const CHECKS: &[(&str, Check)] = &[$($(
            (concat!(stringify!($module), "_", stringify!($check)), |store| Box::pin($module::$check(store))),
        )+)+];

        mod sqlite {
            $(mod $module {
                $(#[test]
                fn $check() {
                    crate::on_sqlite(|store| Box::pin(crate::$module::$check(store)));
                })+
            })+
        }
    };
}

checks! {
    runs: a_run_from_start_to_end, events_are_all_or_none_and_may_come_twice, numbers_that_are_none_come_back,
        runs_are_found_as_people_name_them, lists_are_filtered, many_values_in_one_go, killed_runs_revive,
        deleting_takes_parts_along, any_text_comes_back;
    outbox: entries_are_sent_in_order, what_fails_waits_and_holds_its_run_back, a_lost_claim_acknowledges_nothing,
        forgetting_spares_what_waits;
    registry: versions_are_numbered_and_found, aliases_move_with_their_story, deleting_spares_what_is_live,
        every_change_is_in_the_audit_log_too;
    corrections: corrections_are_stored_once_and_reviewed, pages_follow_each_other;
    items: items_are_stored_once_and_added_up, items_are_found_by_what_is_known_of_them,
        words_are_found_whole_with_accents_or_without,
        an_author_is_known_and_erased_everywhere;
    labels: items_are_labelled_and_left_to_others, the_least_certain_come_first, labels_go_with_their_items;
    serving: predictions_are_stored_once, keys_open_until_they_are_revoked, every_change_is_in_the_audit_log,
        many_at_once_make_one_chain, a_first_key_is_made_once;
    together: many_writers_lose_nothing, two_senders_share_the_outbox, many_starts_make_one_key;
}

fn run(home: &Path, database: &Database, check: Check) {
    let store = Blocking::open(home, database).unwrap();
    store.run(|store| check(store.clone()));
}

fn on_sqlite(check: Check) {
    let home = tempfile::tempdir().unwrap();
    run(home.path(), &Database::Memory, check);
    run(home.path(), &Database::Home, check);
}

#[test]
fn on_postgres() {
    let Some(postgres) = postgres::Postgres::start() else { return };
    for (name, check) in CHECKS {
        eprintln!("{name}");
        let home = tempfile::tempdir().unwrap();
        let url = postgres.database(name);
        let database = Database::from_url(Some(&url)).unwrap();
        run(home.path(), &database, *check);
        if *name == "items_words_are_found_whole_with_accents_or_without" {
            let plan = postgres.ask(
                name,
                "SET enable_seqscan = off; EXPLAIN SELECT id FROM items WHERE sentimeter_words(text) @@ \
                 plainto_tsquery('simple', sentimeter_plain('decu'))",
            );
            assert!(plan.contains("items_by_words"), "{plan}");
        }
        // A second opening finds what the first has made.
        Blocking::open(home.path(), &database).unwrap().run(Store::ping).unwrap();
    }
    let nowhere = Database::Postgres("postgres://tester:secret@127.0.0.1:1/nothing".to_owned());
    let home = tempfile::tempdir().unwrap();
    let error = Blocking::open(home.path(), &nowhere).unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1/nothing") && !error.contains("secret"), "{error}");
}
