//! `sentimeter audit`: who changed what, and whether the log is whole.

use std::io::{self, Write};
use std::process::ExitCode;

use sentimeter_store::Blocking;

use super::print_json;
use crate::args::{AuditAction, AuditArgs, Global};
use crate::recording;

pub(crate) fn run(global: &Global, args: &AuditArgs) -> anyhow::Result<ExitCode> {
    let store = Blocking::open(&global.home, &recording::database(global)?)?;
    match &args.action {
        AuditAction::Verify { head } => {
            let found = store.run(|s| s.verify_audit(head.as_deref()))?;
            if global.json {
                print_json(&found)?;
            }
            if let Some((_, why)) = &found.fault {
                anyhow::bail!("the audit log was changed: {why}");
            }
            if !global.json {
                writeln!(io::stdout(), "{} entries, whole; head {}", found.entries, found.head)?;
            }
        }
        AuditAction::Export => {
            let mut out = io::BufWriter::new(io::stdout().lock());
            let mut last = 0;
            loop {
                let page = store.run(|s| s.audit_entries(last))?;
                let Some(end) = page.last() else { break };
                last = end.number;
                for entry in &page {
                    serde_json::to_writer(&mut out, entry).map_err(io::Error::from)?;
                    out.write_all(b"\n")?;
                }
            }
            out.flush()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
