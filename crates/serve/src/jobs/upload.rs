//! A file comes in, straight to disk.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use tokio::sync::mpsc;

use crate::app::App;
use crate::problem::Problem;

/// How long the next piece may take: a sender that is gone holds no file open.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pieces that wait for the disk.
const WAITING: usize = 16;

/// Characters of a file's name.
const NAME: usize = 120;

/// A file that came in. Dropped before it is [kept](Self::keep), it is removed.
pub(crate) struct Received {
    pub(crate) id: String,
    /// What the sender calls it.
    pub(crate) name: String,
    pub(crate) size: u64,
    place: PathBuf,
    kept: bool,
}

impl Received {
    /// Where it lies.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if !self.kept {
            // What is left of it is found by nobody.
            drop(std::fs::remove_dir_all(&self.place));
        }
    }
}

/// What a file may be called where it is shown: its last part, without what a line does not hold.
pub(crate) fn plain(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !c.is_control()).take(NAME).collect();
    let plain = plain.trim();
    if plain.is_empty() || plain.chars().all(|c| c == '.') { "upload".to_owned() } else { plain.to_owned() }
}

/// An ending by what the body says that it is, where its name has none: reading goes by it.
fn ending(headers: &HeaderMap) -> &'static str {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match media.split(';').next().unwrap_or_default().trim() {
        "text/csv" => ".csv",
        "text/tab-separated-values" => ".tsv",
        "application/x-ndjson" | "application/jsonl" | "application/jsonlines" => ".jsonl",
        "application/json" => ".json",
        "application/vnd.apache.parquet" => ".parquet",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => ".xlsx",
        _ => "",
    }
}

/// Where pieces come from.
enum Pieces {
    Raw(Body),
    Form(Box<multer::Field<'static>>),
}

impl Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let broken = || Problem::malformed("the file ended before its end; send it again");
        let next = async {
            match self {
                Self::Raw(body) => loop {
                    match body.frame().await {
                        None => return Ok(None),
                        Some(Err(_)) => return Err(broken()),
                        Some(Ok(frame)) => {
                            if let Ok(data) = frame.into_data() {
                                return Ok(Some(data));
                            }
                        }
                    }
                },
                Self::Form(field) => field.chunk().await.map_err(|_| broken()),
            }
        };
        tokio::time::timeout(PATIENCE, next).await.unwrap_or_else(|_| Err(Problem::slow()))
    }
}

/// Bytes of the token that a form of ours carries, and then some.
const TOKEN: usize = 200;

/// Whether a token is one of ours.
pub(crate) type Ours<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// What a short field holds; empty where it is longer than any of ours.
async fn short(mut field: multer::Field<'static>) -> Result<String, Problem> {
    let mut held = Vec::new();
    loop {
        let next = tokio::time::timeout(PATIENCE, field.chunk()).await.map_err(|_| Problem::slow())?;
        match next.map_err(|_| Problem::malformed("the form cannot be read"))? {
            Some(piece) if held.len() + piece.len() <= TOKEN => held.extend_from_slice(&piece),
            Some(_) => return Ok(String::new()),
            None => return Ok(String::from_utf8(held).unwrap_or_default()),
        }
    }
}

/// Takes a file in: the body itself, or the field `file` of a form. `name` is what it is called otherwise. With `ours`
/// it must be a form that carries this server's token (the field `csrf`), before the file: nothing else is written.
pub(crate) async fn receive(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    name: Option<String>,
    ours: Option<Ours<'_>>,
) -> Result<Received, Problem> {
    let most = app.inner.limits.upload_bytes;
    let too_large =
        || Problem::too_large(format!("a file may have {most} bytes (--max-upload); send it in parts"));
    let stated =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|length| length > most.saturating_add(64 << 10)) {
        return Err(too_large());
    }
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Problem::media("send a packed file as it is, without Content-Encoding"));
    }
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut called = name;
    let mut pieces = match multer::parse_boundary(media) {
        Ok(boundary) => {
            let mut form = multer::Multipart::new(body.into_data_stream(), boundary);
            let mut proved = ours.is_none();
            let field = loop {
                let next = tokio::time::timeout(PATIENCE, form.next_field());
                match next.await.map_err(|_| Problem::slow())? {
                    Ok(Some(field)) if field.name() == Some("file") && !proved => {
                        return Err(Problem::forbidden(
                            "the form does not carry this server's token; load its page again",
                        ));
                    }
                    Ok(Some(field)) if field.name() == Some("file") => break field,
                    Ok(Some(field)) if field.name() == Some("csrf") => {
                        let token = short(field).await?;
                        proved |= ours.is_some_and(|fits| fits(&token));
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => return Err(Problem::field("file", "is missing in the form")),
                    Err(_) => return Err(Problem::malformed("the form cannot be read")),
                }
            };
            called = called.or_else(|| field.file_name().map(str::to_owned));
            Pieces::Form(Box::new(field))
        }
        Err(_) if ours.is_some() => {
            return Err(Problem::media("a form is wanted here; programs use /v1/jobs"));
        }
        Err(_) => Pieces::Raw(body),
    };
    let mut name = plain(called.as_deref().unwrap_or_default());
    if !name.contains('.') {
        name += ending(headers);
    }
    let id = super::name();
    let place = app.inner.desk.place(&id);
    let mut received = Received { id, name, size: 0, place: place.clone(), kept: false };
    let (to, mut from) = mpsc::channel::<Bytes>(WAITING);
    let writing = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&place)?;
        let mut file = std::fs::File::create(place.join("upload"))?;
        while let Some(piece) = from.blocking_recv() {
            file.write_all(&piece)?;
        }
        file.sync_all()?;
        std::fs::File::open(&place)?.sync_all()
    });
    let mut sent = Ok(());
    loop {
        match pieces.next().await {
            Ok(None) => break,
            Ok(Some(piece)) => {
                received.size += piece.len() as u64;
                if received.size > most {
                    sent = Err(too_large());
                    break;
                }
                if to.send(piece).await.is_err() {
                    break; // the disk has refused: said below
                }
            }
            Err(problem) => {
                sent = Err(problem);
                break;
            }
        }
    }
    drop(to);
    let written = writing.await;
    sent?;
    match written {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(%error, "an upload cannot be written");
            return Err(Problem::busy("the file cannot be written; is the disk full?", 60));
        }
        Err(_) => return Err(Problem::internal()),
    }
    if received.size == 0 {
        return Err(Problem::field("file", "is empty"));
    }
    Ok(received)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere() {
        for (name, want) in [
            ("a.csv", "a.csv"),
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\b.csv", "b.csv"),
            ("..", "upload"),
            ("", "upload"),
            ("a\r\nb.csv", "ab.csv"),
            ("تقييم.csv", "تقييم.csv"),
        ] {
            assert_eq!(plain(name), want);
        }
    }
}
