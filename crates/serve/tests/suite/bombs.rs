//! Files that are more than they seem: small ones that unpack to much, sheets that are mostly nothing.

use std::io::{Cursor, Write as _};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use sentimeter_serve::{Limits, Settings};
use serde_json::Value;
use zip::write::SimpleFileOptions;

use crate::jobs::send;
use crate::server::{Server, local};

/// Bytes of a file that may come in; what it unpacks to may be sixteen times that.
const MOST: u64 = 1 << 20;

/// The bytes that `write` is given, in pieces of a megabyte, `count` of them.
fn megabytes(write: &mut impl std::io::Write, count: usize) {
    let line = format!("{}\n", "good and bad ".repeat(80));
    let piece = line.repeat((1 << 20) / line.len());
    for _ in 0..count {
        write.write_all(piece.as_bytes()).unwrap();
    }
}

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook whose one sheet has this content.
fn workbook(sheet: &[u8]) -> Vec<u8> {
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let types = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
                 <Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>";
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
             <Relationship Id=\"r1\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let book = format!(
        "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"{OFFICE}\">\
         <sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    zipped(&[
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", relation("officeDocument", "xl/workbook.xml").as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relation("worksheet", "worksheets/sheet1.xml").as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet),
    ])
}

fn sheet(rows: &str) -> String {
    format!(
        "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
    )
}

fn cell(place: &str, text: &str) -> String {
    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

/// Says of each member of an archive that it unpacks to ten bytes.
fn lie(mut archive: Vec<u8>) -> Vec<u8> {
    for (mark, at) in [(b"PK\x03\x04", 22), (b"PK\x01\x02", 24)] {
        let places: Vec<usize> =
            archive.windows(4).enumerate().filter(|(_, w)| w == mark).map(|(i, _)| i).collect();
        for place in places {
            archive[place + at..place + at + 4].copy_from_slice(&10_u32.to_le_bytes());
        }
    }
    archive
}

/// The most memory that this process has held, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kib| kib / 1024)
}

async fn narrow() -> Server {
    let limits = Limits { upload_bytes: MOST, ..Limits::default() };
    Server::new(Settings { limits, ..local() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_packed_file_is_read_to_its_bound_and_no_further() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    megabytes(&mut gzip, 200);
    let mut zstd = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    megabytes(&mut zstd, 200);
    for (name, bomb) in [("a.txt.gz", gzip.finish().unwrap()), ("a.txt.zst", zstd.finish().unwrap())] {
        assert!((bomb.len() as u64) < MOST, "{name}: {}", bomb.len());
        let server = narrow().await;
        let (job, results) = failed(&server, name, bomb).await;
        assert!(job["error"].as_str().unwrap().contains("bytes after decompression"), "{job}");
        assert!(results > 8 * MOST && results <= 32 * MOST, "{results} bytes of results");
        assert_eq!(server.get("/readyz").await.status, 200);
    }
}

/// Sends a file of lines that is not scored to its end; gives the job, and how many bytes came of it.
async fn failed(server: &Server, name: &str, file: Vec<u8>) -> (Value, u64) {
    let begun = Instant::now();
    let told = send(server, &format!("name={name}&format=lines"), file, None).await;
    assert_eq!(told.status, 202, "{}", told.text());
    let id = told.json()["id"].as_str().unwrap().to_owned();
    let job: Value = loop {
        let job = server.get(&format!("/v1/jobs/{id}")).await.json();
        if !matches!(job["status"].as_str().unwrap(), "queued" | "running") {
            break job;
        }
        assert!(begun.elapsed() < Duration::from_secs(240), "{job}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(job["status"], "failed", "{job}");
    let results = std::fs::metadata(server.home().join("jobs").join(&id).join("results")).unwrap();
    (job, results.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tiny_rows_do_not_fill_the_disk() {
    let server = narrow().await;
    let (job, results) = failed(&server, "a.txt", "a\n".repeat(MOST as usize / 2).into_bytes()).await;
    assert!(job["error"].as_str().unwrap().contains("what comes of it is larger"), "{job}");
    assert!(results <= 32 * MOST, "{results} bytes of results");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn archives_and_workbooks_that_unpack_to_much_are_refused() {
    let server = narrow().await;
    let large = vec![b' '; 300 << 20];
    let sparse = sheet(&format!(
        "<row r=\"1\">{}</row><row r=\"1048576\">{}</row>",
        cell("A1", "text"),
        cell("XFD1048576", "far away")
    ));
    let inner = zipped(&[("a.csv", b"text\ngood\n")]);
    for (name, bomb, says) in [
        ("a.xlsx", workbook(&large), "must be in memory as a whole"),
        // The archive's own checks find this out.
        ("a.xlsx", lie(workbook(&large)), "no workbook"),
        ("a.xlsx", workbook(sparse.as_bytes()), "spread over"),
        ("a.zip", zipped(&[("a.csv", &large)]), "unpack it first"),
        ("a.zip", zipped(&[("a.zip", &inner)]), "unpack it first"),
    ] {
        assert!((bomb.len() as u64) < MOST, "{name}: {}", bomb.len());
        let begun = Instant::now();
        let told = send(&server, &format!("name={name}"), bomb, None).await;
        assert_eq!(told.problem(422), ["file"], "{name}");
        assert!(told.text().contains(says), "{name}: {}", told.text());
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
    drop(large);
    // A large one holds 300 MB itself, in this test.
    assert!(peak() < 600, "{} MiB", peak());
    let left = std::fs::read_dir(server.home().join("jobs")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "something is left of a refused file");
    // A sound one is read.
    let rows =
        format!("<row r=\"1\">{}</row><row r=\"2\">{}</row>", cell("A1", "text"), cell("A2", "good day"));
    let told = send(&server, "name=a.xlsx", workbook(sheet(&rows).as_bytes()), None).await;
    assert_eq!(told.status, 202, "{}", told.text());
}
