//! A run as a folder or a zip file, to be taken elsewhere: what was recorded, and every file.
//!
//! `bundle.json` holds the run and its parts; `artifacts/RUN/PATH` their files.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Component, Path, PathBuf};

use sentimeter_store::{
    Artifact, Blocking, Input, Metric, NewRun, Run, RunFilter, RunId, Source, Status, StoreError, Write,
};
use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;

/// The layout that this code writes and reads.
const FORMAT: u32 = 1;

const INDEX: &str = "bundle.json";

/// More of an index than any run has.
const MOST_INDEX: u64 = 1 << 30;

/// Why a run cannot be taken elsewhere, or taken in.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system refused.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// The place is taken.
    #[error("{0} is there already: name another place, or remove it")]
    Taken(PathBuf),
    /// It is no bundle.
    #[error("{path} is no exported {what}: {why}")]
    Foreign {
        /// The file or folder.
        path: PathBuf,
        /// `run` or `model`.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl BundleError {
    fn run(path: &Path, why: String) -> Self {
        Self::Foreign { path: path.to_owned(), what: "run", why }
    }
}

/// A run with everything that was recorded of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The run.
    pub run: Run,
    /// What it read.
    pub inputs: Vec<Input>,
    /// Its settings.
    pub params: Vec<(String, String)>,
    /// Remarks on it.
    pub tags: Vec<(String, String)>,
    /// Its metrics.
    pub metrics: Vec<Measured>,
    /// Its files.
    pub artifacts: Vec<Artifact>,
}

/// A metric's value; JSON has no number for what is not finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    name: String,
    step: i64,
    time: i64,
    value: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl From<Metric> for Measured {
    fn from(Metric { name, step, time, value }: Metric) -> Self {
        let finite = value.is_finite().then_some(value);
        let text = (!value.is_finite()).then(|| value.to_string());
        Self { name, step, time, value: finite, text }
    }
}

impl From<Measured> for Metric {
    fn from(Measured { name, step, time, value, text }: Measured) -> Self {
        let value = value.or_else(|| text.and_then(|text| text.parse().ok())).unwrap_or(f64::NAN);
        Self { name, step, time, value }
    }
}

#[derive(Serialize, Deserialize)]
struct Index {
    format: u32,
    runs: Vec<Record>,
}

/// Everything that was recorded of `run`.
///
/// # Errors
/// A store that cannot be read.
pub fn record(store: &Blocking, run: Run) -> Result<Record, StoreError> {
    let id = run.id.clone();
    Ok(Record {
        inputs: store.run(|s| s.inputs(&id))?,
        params: store.run(|s| s.params(&id))?.into_iter().collect(),
        tags: store.run(|s| s.tags(&id))?.into_iter().collect(),
        metrics: store.run(|s| s.metrics(&id))?.into_iter().map(Measured::from).collect(),
        artifacts: store.run(|s| s.artifacts(&id))?,
        run,
    })
}

/// A run and its parts, the run first.
pub(crate) fn family(store: &Blocking, run: &Run) -> Result<Vec<Record>, BundleError> {
    let mut runs = vec![record(store, run.clone())?];
    let mut at = 0;
    while at < runs.len() {
        let parts = RunFilter { parent: Some(runs[at].run.id.clone()), ..RunFilter::default() };
        for part in store.run(|s| s.runs(&parts))? {
            runs.push(record(store, part)?);
        }
        at += 1;
    }
    Ok(runs)
}

/// Writes a run and its parts to `place`, which must not be there: a zip file where it ends so, else a
/// folder. It is written beside and renamed.
///
/// # Errors
/// A place that is taken or cannot be written; files that are damaged or gone.
pub fn export(store: &Blocking, run: &Run, place: &Path) -> Result<(), BundleError> {
    let runs = family(store, run)?;
    write(place, |bundle| put_runs(store, bundle, runs, place))
}

/// Has a bundle filled beside `place` and gives it its name.
pub(crate) fn write(
    place: &Path,
    fill: impl FnOnce(&mut Writer) -> Result<(), BundleError>,
) -> Result<(), BundleError> {
    if place.exists() {
        return Err(BundleError::Taken(place.to_owned()));
    }
    let cannot = |source| BundleError::Io { doing: "write", path: place.to_owned(), source };
    let folder = place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(cannot)?;
    let beside = tempfile::Builder::new().prefix(".writing-").tempdir_in(folder).map_err(cannot)?;
    let mut bundle = if is_zip(place) {
        let file = File::create(beside.path().join("zip")).map_err(cannot)?;
        Writer::Zip(Box::new(zip::ZipWriter::new(file)))
    } else {
        Writer::Folder(beside.path().join("bundle"))
    };
    fill(&mut bundle)?;
    bundle.finish().map_err(cannot)?;
    let made = beside.path().join(if is_zip(place) { "zip" } else { "bundle" });
    fs::rename(made, place).map_err(cannot)
}

/// Puts runs and their files into a bundle.
pub(crate) fn put_runs(
    store: &Blocking,
    bundle: &mut Writer,
    runs: Vec<Record>,
    place: &Path,
) -> Result<(), BundleError> {
    let cannot = |source| BundleError::Io { doing: "write", path: place.to_owned(), source };
    for record in &runs {
        for artifact in &record.artifacts {
            let bytes = store.blobs().read(&artifact.hash)?;
            let name = inside(&record.run.id, &artifact.path).ok_or_else(|| {
                BundleError::run(place, format!("{:?} would lead out of it", artifact.path))
            })?;
            bundle.put(&name, &bytes).map_err(cannot)?;
        }
    }
    let index = serde_json::to_vec_pretty(&Index { format: FORMAT, runs }).map_err(io::Error::from);
    bundle.put(INDEX, &index.map_err(cannot)?).map_err(cannot)
}

/// Takes a run and its parts in from `place`, under the ids that they have; what is there already is
/// completed. Gives the run.
///
/// # Errors
/// No bundle, or one whose files are not what it says.
pub fn import(store: &Blocking, place: &Path) -> Result<Run, BundleError> {
    let mut bundle = open(place, "run")?;
    take_runs(store, &mut bundle, place)
}

/// Opens a folder or a zip file that holds an exported `what`.
pub(crate) fn open(place: &Path, what: &'static str) -> Result<Reader, BundleError> {
    if place.is_dir() {
        return Ok(Reader::Folder(place.to_owned()));
    }
    let cannot = |source| BundleError::Io { doing: "read", path: place.to_owned(), source };
    let file = File::open(place).map_err(cannot)?;
    let archive = zip::ZipArchive::new(file);
    let foreign = |why: zip::result::ZipError| BundleError::Foreign {
        path: place.to_owned(),
        what,
        why: why.to_string(),
    };
    Ok(Reader::Zip(Box::new(archive.map_err(foreign)?)))
}

/// Takes in the runs of a bundle; gives the first.
pub(crate) fn take_runs(store: &Blocking, bundle: &mut Reader, place: &Path) -> Result<Run, BundleError> {
    let foreign = |why: String| BundleError::run(place, why);
    let index = bundle.get(INDEX, MOST_INDEX).map_err(|e| foreign(format!("its {INDEX}: {e}")))?;
    let mut index: Index = serde_json::from_slice(&index).map_err(|e| foreign(e.to_string()))?;
    if index.format > FORMAT {
        return Err(foreign(format!("its format is {}, this program reads up to {FORMAT}", index.format)));
    }
    let first = index.runs.first_mut().ok_or_else(|| foreign("it holds no run".to_owned()))?;
    // The winner of a search may have come without the search.
    if let Some(parent) = &first.run.parent
        && matches!(store.run(|s| s.run(parent)), Err(StoreError::Missing { .. }))
    {
        first.run.parent = None;
    }
    let first = first.run.id.clone();
    for record in index.runs {
        for artifact in &record.artifacts {
            let name = inside(&record.run.id, &artifact.path)
                .ok_or_else(|| foreign(format!("{:?} leads out of it", artifact.path)))?;
            let bytes =
                bundle.get(&name, artifact.size).map_err(|e| foreign(format!("its file {name}: {e}")))?;
            if store.blobs().put(Source::Bytes(&bytes))?.hash != artifact.hash {
                return Err(foreign(format!("its file {name} is damaged")));
            }
        }
        let all = writes(record);
        store.run(|s| s.apply(&all))?;
    }
    Ok(store.run(|s| s.run(&first))?)
}

fn writes(record: Record) -> Vec<Write> {
    let Record { run, inputs, params, tags, metrics, artifacts } = record;
    let id = || run.id.clone();
    let new = NewRun {
        id: id(),
        name: run.name.clone(),
        parent: run.parent.clone(),
        kind: run.kind.clone(),
        started: run.started,
        origin: run.origin.clone(),
        plan: run.plan.clone(),
        seed: run.seed,
        kernel: run.kernel.clone(),
    };
    // One that ran when it was exported does not run here.
    let status = if run.status == Status::Running { Status::Killed } else { run.status };
    let at = run.ended.unwrap_or(run.heartbeat);
    vec![
        Write::Start(Box::new(new)),
        Write::Inputs { run: id(), inputs },
        Write::Data { run: id(), data_hash: run.data_hash.clone(), split_hash: run.split_hash.clone() },
        Write::Params { run: id(), params },
        Write::Tags { run: id(), tags },
        Write::Metrics { run: id(), metrics: metrics.into_iter().map(Metric::from).collect() },
        Write::Artifacts { run: id(), artifacts },
        Write::Finish { run: id(), status, at, error: run.error.clone() },
    ]
}

fn is_zip(place: &Path) -> bool {
    place.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"))
}

/// A file's name in a bundle; `None` where its path would lead out of it.
pub(crate) fn inside(run: &RunId, path: &str) -> Option<String> {
    (leads_inside(run.as_str()) && leads_inside(path)).then(|| format!("artifacts/{run}/{path}"))
}

/// Whether a path stays in the folder that it is relative to.
pub(crate) fn leads_inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// A bundle that is being written.
pub(crate) enum Writer {
    Folder(PathBuf),
    Zip(Box<zip::ZipWriter<File>>),
}

impl Writer {
    /// Adds a file.
    pub(crate) fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                fs::create_dir_all(path.parent().unwrap_or(folder))?;
                fs::write(path, bytes)
            }
            Self::Zip(zip) => {
                let large = bytes.len() > (1 << 31);
                zip.start_file(name, SimpleFileOptions::default().large_file(large))?;
                zip.write_all(bytes)
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Folder(_) => Ok(()),
            Self::Zip(zip) => zip.finish()?.sync_all(),
        }
    }
}

/// A bundle that is being read.
pub(crate) enum Reader {
    Folder(PathBuf),
    Zip(Box<zip::ZipArchive<File>>),
}

impl Reader {
    /// A file of at most `most` bytes.
    pub(crate) fn get(&mut self, name: &str, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = match self {
            Self::Folder(folder) => File::open(folder.join(name))?.take(most + 1).read_to_end(&mut bytes)?,
            Self::Zip(zip) => zip.by_name(name)?.take(most + 1).read_to_end(&mut bytes)?,
        };
        if read as u64 > most {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("is longer than {most} bytes")));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use sentimeter_store::Database;

    use super::*;

    fn store() -> (tempfile::TempDir, Blocking) {
        let home = tempfile::tempdir().unwrap();
        let store = Blocking::open(home.path(), &Database::Home).unwrap();
        (home, store)
    }

    #[test]
    fn a_run_goes_out_and_comes_in_elsewhere() {
        let (home, store) = store();
        let run = NewRun::new("search");
        let part = NewRun { parent: Some(run.id.clone()), ..NewRun::new("candidate") };
        let blob = store.blobs().put(Source::Bytes(b"hello")).unwrap();
        let file = |path: &str| Artifact {
            path: path.to_owned(),
            hash: blob.hash.clone(),
            size: 5,
            media: "text/plain".to_owned(),
        };
        let metric = |step, value| Metric { name: "loss".to_owned(), step, time: 1, value };
        let all = [
            Write::Start(Box::new(run.clone())),
            Write::Start(Box::new(part.clone())),
            Write::Metrics {
                run: part.id.clone(),
                metrics: vec![metric(0, 0.1 + 0.2), metric(1, f64::NAN), metric(2, f64::INFINITY)],
            },
            Write::Artifacts { run: run.id.clone(), artifacts: vec![file("a/b.txt"), file("c")] },
            Write::Finish {
                run: run.id.clone(),
                status: Status::Failed,
                at: 9,
                error: Some("why".to_owned()),
            },
        ];
        store.run(|s| s.apply(&all)).unwrap();
        let found = store.run(|s| s.run(&run.id)).unwrap();
        for name in ["out", "out.zip"] {
            let place = home.path().join(name);
            export(&store, &found, &place).unwrap();
            assert!(matches!(export(&store, &found, &place), Err(BundleError::Taken(_))));
            let (_elsewhere, other) = self::store();
            let came = import(&other, &place).unwrap();
            assert_eq!(Run { heartbeat: 0, ..came }, Run { heartbeat: 0, ..found.clone() });
            import(&other, &place).unwrap();
            assert_eq!(
                other.run(|s| s.artifacts(&run.id)).unwrap(),
                store.run(|s| s.artifacts(&run.id)).unwrap()
            );
            assert_eq!(other.blobs().read(&blob.hash).unwrap(), b"hello");
            let metrics = other.run(|s| s.metrics(&part.id)).unwrap();
            assert!(
                metrics[0].value == 0.1 + 0.2 && metrics[1].value.is_nan() && metrics[2].value.is_infinite()
            );
            assert_eq!(
                other.run(|s| s.run(&part.id)).unwrap().status,
                Status::Killed,
                "it does not run here"
            );
        }
        // A file that was changed on the way is refused.
        let changed = home.path().join("out").join("artifacts").join(run.id.as_str()).join("c");
        fs::write(changed, "jello").unwrap();
        let (_elsewhere, other) = self::store();
        let said = import(&other, &home.path().join("out")).unwrap_err().to_string();
        assert!(said.contains("is damaged"), "{said}");
        assert!(import(&other, home.path()).is_err() && import(&other, Path::new("/nowhere.zip")).is_err());
    }

    #[test]
    fn names_do_not_lead_out() {
        let run = RunId::at(1);
        for path in ["../x", "/etc/passwd", "a/../../b", "", "."] {
            assert_eq!(inside(&run, path), None, "{path}");
        }
        assert!(inside(&run, "report/figures/a.svg").is_some());
    }
}
