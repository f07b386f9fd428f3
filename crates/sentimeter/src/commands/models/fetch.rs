//! `sentimeter models import models:/…`: a model from an MLflow server.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use anyhow::Context;
use sentimeter_experiment::registry;
use sentimeter_mlflow::{Client, Halt, Reference};
use sentimeter_model::Model;
use serde::Serialize;

use crate::args::{Global, ModelsImportArgs};
use crate::commands::print_json;
use crate::commands::runs::open;
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
    /// `NAME@VERSION` of our own registry, where it was to be registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    registered: Option<String>,
}

pub(super) fn fetch(global: &Global, args: &ModelsImportArgs) -> anyhow::Result<ExitCode> {
    let ModelsImportArgs { what, name, out } = args;
    let reference: Reference = what.parse()?;
    if let Some(name) = name {
        registry::model_name(name)?;
    }
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
    let registered = match name {
        None => None,
        Some(name) => {
            let store = open(global)?;
            let bytes = std::fs::read(&at).with_context(|| format!("cannot read {}", at.display()))?;
            let from = format!("{reference} on {}", settings.server);
            let version = store.run(async |s| {
                let mut found = registry::of_bytes(s, &bytes, &from).await?;
                found.facts.imported = Some(from.clone());
                registry::register(s, &found, name, &super::who(None), |_| Vec::new()).await
            })?;
            Some(version.reference())
        }
    };
    let answer = Answer {
        model: at.display().to_string(),
        digest: digest.to_string(),
        bytes: fetched.size,
        reference: reference.to_string(),
        version: fetched.version,
        run: fetched.run,
        labels: model.labels().to_vec(),
        registered,
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
        if let Some(registered) = &answer.registered {
            writeln!(io::stdout(), "registered as {registered}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
