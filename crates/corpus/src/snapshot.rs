//! Snapshots: a corpus as it was, named by its content, never changed.
//!
//! ```text
//! HOME/datasets/NAME/LATEST                        the version last imported
//! HOME/datasets/NAME/VERSION/manifest.json         where it came from, what was found
//! HOME/datasets/NAME/VERSION/rows.jsonl.zst        the rows, in the order of their hashes
//! HOME/datasets/NAME/VERSION/quarantine.jsonl      broken rows with line and reason, if any
//! ```
//!
//! A version is the first 12 hexadecimal digits of a BLAKE3 hash over the rows' hashes, ascending,
//! and the classes' names: the same rows in any order are the same version. A snapshot is written
//! beside its place, synced and renamed, so it is there as a whole or not at all.

mod folders;
mod rows;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::corpus::Corpus;
use crate::options::ReadOptions;
use crate::repeats::DuplicateReport;
use crate::report::ReadReport;

use self::folders::{WRITING, names, remove_abandoned, sync_folder, write_synced};
use self::rows::{Frame, VERSION, canonical, unpack, write_rows};

/// The layout of a snapshot's files that this code writes.
const FORMAT: u32 = 1;

const ROWS_FILE: &str = "rows.jsonl.zst";
const MANIFEST_FILE: &str = "manifest.json";
const QUARANTINE_FILE: &str = "quarantine.jsonl";
const LATEST_FILE: &str = "LATEST";

/// Where a snapshot comes from, as the importer knows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// How the files were read.
    pub options: ReadOptions,
    /// What was found in them. Its broken rows are kept in a file of their own.
    pub report: ReadReport,
    /// How much they repeat and contradict themselves.
    pub duplicates: Option<DuplicateReport>,
}

/// What a snapshot holds and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The layout of the files.
    pub format: u32,
    /// The name that the user gave.
    pub name: String,
    /// Its content's hash.
    pub version: String,
    /// Milliseconds since 1970 when it was first imported.
    pub created: i64,
    /// Number of rows.
    pub rows: u64,
    /// The classes, in canonical order.
    pub labels: Vec<String>,
    /// Rows per class, in the same order.
    pub class_rows: Vec<u64>,
    /// Rows without a class.
    pub unlabelled: u64,
    /// Sizes of the frames of the file of rows, in order.
    frames: Vec<Frame>,
    /// Where it comes from.
    #[serde(flatten)]
    pub provenance: Provenance,
}

impl Manifest {
    /// `NAME@VERSION`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

/// Why a snapshot cannot be stored or opened.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
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
    /// The name cannot be one.
    #[error(
        "{0:?} cannot name a data set: use up to 100 letters, digits, dots, dashes and underscores, not starting with a dot"
    )]
    Name(String),
    /// There is no such snapshot.
    #[error("no data set {reference:?}; {known}")]
    Missing {
        /// What was asked for.
        reference: String,
        /// What there is.
        known: String,
    },
    /// A version's beginning fits several.
    #[error("{reference:?} fits several versions: {versions}; give more digits")]
    Ambiguous {
        /// What was asked for.
        reference: String,
        /// The versions that it fits.
        versions: String,
    },
    /// The files are not what was written.
    #[error("snapshot {reference} is damaged: {found}; delete it and import its files again")]
    Damaged {
        /// Which one.
        reference: String,
        /// What was found.
        found: String,
    },
    /// Written by a newer version of this program.
    #[error("snapshot {reference} has format {found}; this program reads up to {FORMAT}: use a newer one")]
    Newer {
        /// Which one.
        reference: String,
        /// Its format.
        found: u32,
    },
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
    move |source| SnapshotError::Io { doing, path: path.to_owned(), source }
}

/// The snapshots of one home.
#[derive(Debug, Clone)]
pub struct Snapshots {
    root: PathBuf,
}

impl Snapshots {
    /// Those under `home/datasets`; nothing is created yet.
    pub fn at(home: &Path) -> Self {
        Self { root: home.join("datasets") }
    }

    /// Stores `corpus` as `name`. If the same rows are there already nothing is written, and the
    /// manifest of the first import is given; either way this is then the latest version.
    ///
    /// # Errors
    /// A name that cannot be one; a full disk and its like.
    pub fn save(
        &self,
        name: &str,
        corpus: &Corpus,
        mut provenance: Provenance,
    ) -> Result<Manifest, SnapshotError> {
        check_name(name)?;
        let (order, version) = canonical(corpus);
        let folder = self.root.join(name);
        let place = folder.join(&version);
        if !place.join(MANIFEST_FILE).is_file() {
            fs::create_dir_all(&folder).map_err(io_error("create", &folder))?;
            remove_abandoned(&folder);
            let beside = tempfile::Builder::new()
                .prefix(WRITING)
                .tempdir_in(&folder)
                .map_err(io_error("create a folder in", &folder))?;
            let frames = write_rows(&beside.path().join(ROWS_FILE), corpus, &order)?;
            let bad_rows = std::mem::take(&mut provenance.report.bad_rows);
            if !bad_rows.is_empty() {
                let mut lines = Vec::new();
                for row in &bad_rows {
                    lines.extend(serde_json::to_vec(row).expect("strings and numbers serialise"));
                    lines.push(b'\n');
                }
                write_synced(&beside.path().join(QUARANTINE_FILE), &lines)?;
            }
            let class_rows: Vec<u64> = corpus.class_counts().iter().map(|&n| n as u64).collect();
            let manifest = Manifest {
                format: FORMAT,
                name: name.to_owned(),
                version: version.clone(),
                created: now(),
                rows: corpus.len() as u64,
                labels: corpus.labels().to_vec(),
                unlabelled: corpus.len() as u64 - class_rows.iter().sum::<u64>(),
                class_rows,
                frames,
                provenance,
            };
            write_synced(&beside.path().join(MANIFEST_FILE), &to_json(&manifest))?;
            sync_folder(beside.path())?;
            match fs::rename(beside.path(), &place) {
                Ok(()) => {
                    // Moved away: there is nothing left to clean up.
                    let _ = beside.keep();
                }
                // Another process stored the same rows meanwhile; ours is cleaned up.
                Err(_) if place.join(MANIFEST_FILE).is_file() => {}
                Err(e) => return Err(io_error("write", &place)(e)),
            }
        }
        self.point(&folder, &version)?;
        self.manifest(&format!("{name}@{version}"))
    }

    fn point(&self, folder: &Path, version: &str) -> Result<(), SnapshotError> {
        let latest = folder.join(LATEST_FILE);
        let mut file = tempfile::Builder::new()
            .prefix(".latest-")
            .tempfile_in(folder)
            .map_err(io_error("write", &latest))?;
        file.write_all(version.as_bytes()).map_err(io_error("write", &latest))?;
        file.as_file().sync_all().map_err(io_error("write", &latest))?;
        file.persist(&latest).map_err(|e| io_error("write", &latest)(e.error))?;
        sync_folder(folder)
    }

    /// The manifest of `NAME` (its latest version) or `NAME@VERSION`; a version's beginning suffices.
    ///
    /// # Errors
    /// No such snapshot, several that fit, or a damaged manifest.
    pub fn manifest(&self, reference: &str) -> Result<Manifest, SnapshotError> {
        let path = self.resolve(reference)?.join(MANIFEST_FILE);
        let bytes = fs::read(&path).map_err(io_error("read", &path))?;
        let damaged = |e: serde_json::Error| SnapshotError::Damaged {
            reference: reference.to_owned(),
            found: format!("its manifest does not parse ({e})"),
        };
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let Version { format } = serde_json::from_slice(&bytes).map_err(damaged)?;
        if format > FORMAT {
            return Err(SnapshotError::Newer { reference: reference.to_owned(), found: format });
        }
        serde_json::from_slice(&bytes).map_err(damaged)
    }

    /// The rows of `NAME` or `NAME@VERSION` and its manifest. The rows are hashed again: what opens
    /// is what was stored.
    ///
    /// # Errors
    /// No such snapshot, several that fit, or damage.
    pub fn open(&self, reference: &str) -> Result<(Corpus, Manifest), SnapshotError> {
        let manifest = self.manifest(reference)?;
        let path = self.root.join(&manifest.name).join(&manifest.version).join(ROWS_FILE);
        let damaged = |found: String| SnapshotError::Damaged { reference: manifest.reference(), found };
        let mut file = File::open(&path).map_err(io_error("read", &path))?;
        let mut corpus = Corpus::with_labels(manifest.labels.clone());
        // A few frames at a time: neither the packed nor the unpacked file is in memory as a whole.
        for frames in manifest.frames.chunks(rayon::current_num_threads() * 2) {
            let mut packed = Vec::with_capacity(frames.len());
            for frame in frames {
                let mut bytes = Vec::new();
                (&mut file).take(frame.packed).read_to_end(&mut bytes).map_err(io_error("read", &path))?;
                packed.push((bytes, *frame));
            }
            let parts: Vec<Result<Corpus, String>> =
                packed.par_iter().map(|(bytes, frame)| unpack(bytes, *frame, &manifest.labels)).collect();
            for part in parts {
                corpus
                    .append(&part.map_err(damaged)?)
                    .map_err(|l| damaged(format!("too many classes, such as {l:?}")))?;
            }
        }
        let (_, version) = canonical(&corpus);
        if version != manifest.version || corpus.len() as u64 != manifest.rows {
            return Err(damaged(format!("its rows hash to {version}")));
        }
        Ok((corpus, manifest))
    }

    /// The manifests of all snapshots, by name, then by age.
    ///
    /// # Errors
    /// A folder that cannot be read, or a damaged manifest.
    pub fn list(&self) -> Result<Vec<Manifest>, SnapshotError> {
        let mut all = Vec::new();
        for name in names(&self.root)? {
            for version in versions(&self.root.join(&name))? {
                all.push(self.manifest(&format!("{name}@{version}"))?);
            }
        }
        all.sort_by(|a, b| (&a.name, a.created, &a.version).cmp(&(&b.name, b.created, &b.version)));
        Ok(all)
    }

    /// Deletes one version (`NAME@VERSION`), or with `NAME` alone all of them. Gives the references
    /// of what is gone.
    ///
    /// # Errors
    /// No such snapshot, or a folder that cannot be removed.
    pub fn delete(&self, reference: &str) -> Result<Vec<String>, SnapshotError> {
        let (name, version) = split_reference(reference)?;
        let folder = self.root.join(name);
        let gone = match version {
            Some(_) => vec![version_of(&self.resolve(reference)?)],
            None => versions(&folder)?,
        };
        if gone.is_empty() {
            return Err(self.missing(reference));
        }
        for version in &gone {
            // Out of sight first: nobody opens a snapshot that is half deleted.
            let place = folder.join(version);
            let trash = folder.join(format!(".deleting-{version}-{}", std::process::id()));
            fs::rename(&place, &trash).map_err(io_error("delete", &place))?;
            fs::remove_dir_all(&trash).map_err(io_error("delete", &trash))?;
        }
        match self.newest(name)? {
            Some(version) if self.latest(&folder).is_none() => self.point(&folder, &version)?,
            Some(_) => {}
            None => {
                let latest = folder.join(LATEST_FILE);
                if latest.is_file() {
                    fs::remove_file(&latest).map_err(io_error("delete", &latest))?;
                }
                // Another process may be writing into it; then it stays.
                let _ = fs::remove_dir(&folder);
            }
        }
        Ok(gone.into_iter().map(|version| format!("{name}@{version}")).collect())
    }

    /// Whether `reference` looks like one and names a snapshot that is there.
    pub fn contains(&self, reference: &str) -> bool {
        self.resolve(reference).is_ok()
    }

    /// The file of broken rows of a snapshot, if it has one.
    ///
    /// # Errors
    /// No such snapshot, or several that fit.
    pub fn quarantine(&self, reference: &str) -> Result<Option<PathBuf>, SnapshotError> {
        let path = self.resolve(reference)?.join(QUARANTINE_FILE);
        Ok(path.is_file().then_some(path))
    }

    /// The folder of a snapshot.
    fn resolve(&self, reference: &str) -> Result<PathBuf, SnapshotError> {
        let (name, version) = split_reference(reference)?;
        let folder = self.root.join(name);
        let Some(prefix) = version else {
            let latest = match self.latest(&folder) {
                Some(version) => Some(version),
                None => self.newest(name)?,
            };
            return latest.map(|v| folder.join(v)).ok_or_else(|| self.missing(reference));
        };
        let fitting: Vec<String> = versions(&folder)?.into_iter().filter(|v| v.starts_with(prefix)).collect();
        match fitting.as_slice() {
            [one] => Ok(folder.join(one)),
            [] => Err(self.missing(reference)),
            _ => Err(SnapshotError::Ambiguous {
                reference: reference.to_owned(),
                versions: fitting.join(", "),
            }),
        }
    }

    /// The version that LATEST names, if it is there.
    fn latest(&self, folder: &Path) -> Option<String> {
        let version = fs::read_to_string(folder.join(LATEST_FILE)).ok()?;
        let sound = version.len() == VERSION && version.bytes().all(|b| b.is_ascii_hexdigit());
        (sound && folder.join(&version).join(MANIFEST_FILE).is_file()).then_some(version)
    }

    /// The version imported last, by its manifest.
    fn newest(&self, name: &str) -> Result<Option<String>, SnapshotError> {
        let mut newest = None;
        for version in versions(&self.root.join(name))? {
            let manifest = self.manifest(&format!("{name}@{version}"))?;
            newest = newest.max(Some((manifest.created, version)));
        }
        Ok(newest.map(|(_, version)| version))
    }

    fn missing(&self, reference: &str) -> SnapshotError {
        let names = names(&self.root).unwrap_or_default();
        let known = if names.is_empty() {
            "none has been imported: `sentimeter import FILE --name NAME`".to_owned()
        } else {
            format!("there are {}", names.join(", "))
        };
        SnapshotError::Missing { reference: reference.to_owned(), known }
    }
}

fn check_name(name: &str) -> Result<(), SnapshotError> {
    let sound = !name.is_empty()
        && name.len() <= 100
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if sound { Ok(()) } else { Err(SnapshotError::Name(name.to_owned())) }
}

fn split_reference(reference: &str) -> Result<(&str, Option<&str>), SnapshotError> {
    let (name, version) = match reference.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (reference, None),
    };
    check_name(name)?;
    Ok((name, version))
}

fn version_of(place: &Path) -> String {
    place.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn versions(folder: &Path) -> Result<Vec<String>, SnapshotError> {
    let mut versions = names(folder)?;
    versions.retain(|v| folder.join(v).join(MANIFEST_FILE).is_file());
    Ok(versions)
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("maps have string keys and nothing else can fail")
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::folders::ABANDONED;
    use super::*;
    use crate::corpus::Example;

    fn corpus(rows: &[(&str, &str)]) -> Corpus {
        let mut corpus = Corpus::new();
        for &(text, label) in rows {
            let label = (!label.is_empty()).then_some(label);
            corpus.push(Example { text, label, id: Some("7"), time: Some(5), ..Example::default() }).unwrap();
        }
        corpus.sort_labels();
        corpus
    }

    fn home() -> (tempfile::TempDir, Snapshots) {
        let home = tempfile::tempdir().unwrap();
        let snapshots = Snapshots::at(home.path());
        (home, snapshots)
    }

    #[test]
    fn what_a_killed_import_left_is_removed_a_day_later() {
        let (home, snapshots) = home();
        snapshots.save("a", &corpus(&[("x", "positive")]), Provenance::default()).unwrap();
        let folder = snapshots.root.join("a");
        let (old, new) = (folder.join(".writing-old"), folder.join(".writing-new"));
        for begun in [&old, &new] {
            fs::create_dir(begun).unwrap();
            fs::write(begun.join(ROWS_FILE), b"half").unwrap();
        }
        let yesterday = SystemTime::now() - 2 * ABANDONED;
        File::open(&old).unwrap().set_modified(yesterday).unwrap();
        snapshots.save("a", &corpus(&[("y", "positive")]), Provenance::default()).unwrap();
        assert_eq!((old.exists(), new.exists()), (false, true));
        drop(home);
    }

    #[test]
    fn the_same_rows_are_the_same_version() {
        let (_home, snapshots) = home();
        let one =
            snapshots.save("a", &corpus(&[("x", "positive"), ("y", "")]), Provenance::default()).unwrap();
        let other =
            snapshots.save("a", &corpus(&[("y", ""), ("x", "positive")]), Provenance::default()).unwrap();
        assert_eq!(one, other);
        assert_eq!((one.rows, one.unlabelled, one.version.len()), (2, 1, VERSION));
        let next = snapshots.save("a", &corpus(&[("z", "negative")]), Provenance::default()).unwrap();
        assert_ne!(one.version, next.version);
        assert_eq!(snapshots.manifest("a").unwrap(), next);
        assert_eq!(snapshots.list().unwrap().len(), 2);

        let (back, manifest) = snapshots.open(&one.reference()[..8]).unwrap();
        assert_eq!(manifest, one);
        let mut rows: Vec<_> =
            (0..2).map(|i| (back.text(i), back.label_name(i), back.id(i), back.time(i))).collect();
        rows.sort();
        assert_eq!(rows, [("x", Some("positive"), Some("7"), Some(5)), ("y", None, Some("7"), Some(5))]);

        assert_eq!(snapshots.delete(&next.reference()).unwrap(), [next.reference()]);
        assert_eq!(snapshots.manifest("a").unwrap(), one, "the latest is gone, the other one is there");
        snapshots.delete("a").unwrap();
        assert!(snapshots.list().unwrap().is_empty());
    }

    #[test]
    fn bad_rows_go_to_quarantine() {
        let (_home, snapshots) = home();
        let mut provenance = Provenance::default();
        provenance.report.bad_rows.push(crate::report::BadRow {
            file: "f".into(),
            line: 3,
            reason: "why".into(),
            excerpt: "x".into(),
        });
        snapshots.save("a", &corpus(&[("x", "")]), provenance).unwrap();
        let path = snapshots.quarantine("a").unwrap().unwrap();
        assert!(fs::read_to_string(path).unwrap().contains("\"line\":3"));
        assert!(snapshots.manifest("a").unwrap().provenance.report.bad_rows.is_empty());
    }

    #[test]
    fn damage_and_absence_have_sentences() {
        let (home, snapshots) = home();
        let saved = snapshots
            .save("a", &corpus(&[("x", "positive"), ("y", "negative")]), Provenance::default())
            .unwrap();
        for (reference, want) in
            [("b", "there are a"), ("a@ffff", "no data set"), ("../a", "cannot name"), ("", "cannot name")]
        {
            let error = snapshots.open(reference).unwrap_err().to_string();
            assert!(error.contains(want), "{reference}: {error}");
        }
        let path = home.path().join("datasets/a").join(&saved.version).join(ROWS_FILE);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            fs::write(&path, &flipped).unwrap();
            match snapshots.open("a") {
                Err(SnapshotError::Damaged { .. }) => {}
                // A bit of the frame's header that changes nothing of what it holds.
                Ok((back, _)) => assert_eq!(canonical(&back).1, saved.version),
                Err(other) => panic!("byte {at}: {other}"),
            }
        }
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(matches!(snapshots.open("a"), Err(SnapshotError::Damaged { .. })));
    }

    #[test]
    fn two_writers_agree() {
        let (_home, snapshots) = home();
        let corpus = corpus(&[("x", "positive"), ("y", "negative")]);
        let saved: Vec<Manifest> = (0..16)
            .into_par_iter()
            .map(|_| snapshots.save("a", &corpus, Provenance::default()).unwrap())
            .collect();
        assert!(saved.iter().all(|m| m == &saved[0]));
        assert_eq!(snapshots.list().unwrap().len(), 1);
    }
}
