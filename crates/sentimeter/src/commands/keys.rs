//! `sentimeter keys`: who may ask the server for what.

use std::io::{self, Write};
use std::process::ExitCode;

use sentimeter_store::{Blocking, Key};
use serde::Serialize;

use super::print_json;
use crate::args::{Global, KeysAction, KeysArgs};
use crate::{recording, terminal};

/// A new key, with the secret that is shown this once.
#[derive(Serialize)]
struct Created {
    #[serde(flatten)]
    key: Key,
    secret: String,
}

pub(crate) fn run(global: &Global, args: &KeysArgs) -> anyhow::Result<ExitCode> {
    let store = Blocking::open(&global.home, &recording::database(global)?)?;
    let who = recording::user();
    let mut out = io::stdout().lock();
    match &args.action {
        KeysAction::Create { name, role } => {
            let (key, secret) = store.run(|s| s.create_key(name, *role, &who))?;
            if global.json {
                drop(out);
                print_json(&Created { key, secret })?;
            } else {
                writeln!(out, "{secret}")?;
                note!("key {} ({}, role {}): its secret is shown this once", key.id, key.name, key.role);
            }
        }
        KeysAction::List => {
            let keys = store.run(|s| s.keys())?;
            if global.json {
                drop(out);
                print_json(&keys)?;
            } else {
                for key in &keys {
                    let state = if key.revoked.is_some() { "revoked" } else { "opens" };
                    writeln!(
                        out,
                        "{}  {:<8}  {:<7}  {}",
                        key.id,
                        key.role,
                        state,
                        terminal::line(&key.name)
                    )?;
                }
            }
        }
        KeysAction::Revoke { key } => {
            let key = store.run(|s| s.revoke_key(key, &who))?;
            if global.json {
                drop(out);
                print_json(&key)?;
            } else if !global.quiet {
                note!("key {} ({}) opens nothing any more", key.id, key.name);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
