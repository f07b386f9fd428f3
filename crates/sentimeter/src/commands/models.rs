//! `sentimeter models`: models from elsewhere.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use anyhow::Context;
use sentimeter_mlflow::{Client, Halt, Reference};
use sentimeter_model::Model;
use serde::Serialize;

use super::print_json;
use crate::args::{Global, ModelsAction, ModelsArgs};
use crate::output::{Output, folder};
use crate::{interrupt, mlflow};

/// What `--json` prints.
#[derive(Serialize)]
struct Answer {
    model: String,
    digest: String,
    bytes: u64,
    /// What was asked for.
    reference: String,
    /// The version that it was, of a registered model.
    version: Option<String>,
    /// The server's run that made it.
    run: Option<String>,
    labels: Vec<String>,
}

pub(crate) fn run(global: &Global, args: &ModelsArgs) -> anyhow::Result<ExitCode> {
    let ModelsAction::Import { reference, out } = &args.action;
    let reference: Reference = reference.parse()?;
    let Some(settings) = mlflow::settings(global)? else {
        anyhow::bail!(
            "no MLflow server is named: set MLFLOW_TRACKING_URI, or give --mlflow-uri http://HOST:PORT"
        );
    };
    let at = out.clone().unwrap_or_else(|| {
        let name: String = reference
            .name()
            .chars()
            .map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' })
            .collect();
        global.home.join("models").join(format!("{}.safetensors", name.trim_start_matches('.')))
    });
    let cannot = || format!("cannot write model {}", at.display());
    std::fs::create_dir_all(folder(&at)).with_context(cannot)?;
    // Beside its place until it has proved to be a model: a stranger's file replaces nothing.
    let beside = tempfile::NamedTempFile::new_in(folder(&at)).with_context(cannot)?;
    let mut file = BufWriter::new(beside.as_file());
    let fetched = Client::new(&settings, Halt::default())?.fetch_model(&reference, &mut file)?;
    file.flush().with_context(cannot)?;
    drop(file);
    let (model, digest) = Model::open(beside.path())
        .with_context(|| format!("{reference} on {} is not a model of this program", settings.server))?;
    let mut source = std::fs::File::open(beside.path()).with_context(cannot)?;
    interrupt::hold_off(|| -> io::Result<()> {
        let output = Output::create(&at)?;
        io::copy(&mut source, &mut output.file()?)?;
        output.finish()
    })
    .with_context(cannot)?;
    let answer = Answer {
        model: at.display().to_string(),
        digest: digest.to_string(),
        bytes: fetched.size,
        reference: reference.to_string(),
        version: fetched.version,
        run: fetched.run,
        labels: model.labels().to_vec(),
    };
    if global.json {
        print_json(&answer)?;
    } else {
        let version = answer.version.as_ref().map_or(String::new(), |version| format!(", version {version}"));
        writeln!(
            io::stdout(),
            "model {} ({:.1} MB, {}) from {reference}{version}: {}",
            answer.model,
            answer.bytes as f64 / 1e6,
            &answer.digest[..12],
            answer.labels.join(", ")
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
