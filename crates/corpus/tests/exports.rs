//! Files as the tools that feedback comes from export them, in every container and compression.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;

use proptest::prelude::*;
use sentimeter_corpus::{Corpus, CorpusError, Keep, ReadOptions, ReadReport, read};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn options(pairs: &[(&str, &str)]) -> ReadOptions {
    let mut options = ReadOptions::default();
    for (name, value) in pairs {
        options.set(name, value).unwrap();
    }
    options
}

fn try_read(
    name: &str,
    bytes: impl AsRef<[u8]>,
    pairs: &[(&str, &str)],
) -> Result<(Corpus, ReadReport), CorpusError> {
    let folder = Folder::new();
    read(&[folder.file(name, bytes)], &options(pairs), &mut |_| ControlFlow::Continue(()))
}

fn texts(name: &str, bytes: impl AsRef<[u8]>, pairs: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
    let (corpus, _) = try_read(name, bytes, pairs).unwrap_or_else(|e| panic!("{name}: {e}"));
    (0..corpus.len()).map(|i| (corpus.text(i).to_owned(), corpus.label_name(i).map(str::to_owned))).collect()
}

fn pair(text: &str, label: &str) -> (String, Option<String>) {
    (text.to_owned(), (!label.is_empty()).then(|| label.to_owned()))
}

#[test]
fn a_help_desks_tickets() {
    let json = r#"{"tickets": [
        {"id": 1, "subject": "Broken", "description": "It broke.", "status": "open", "created_at": "2024-05-01T10:00:00Z",
         "requester": {"email": "ann@example.org"}, "satisfaction_rating": {"score": "bad"}},
        {"id": 2, "subject": "Thanks", "description": "All well, thanks", "status": "solved",
         "requester": {"email": "bob@example.org"}, "satisfaction_rating": {"score": "good"}}
    ]}"#;
    let (corpus, report) = try_read("tickets.json", json, &[]).unwrap();
    assert!(report.files[0].format.starts_with("helpdesk"), "{}", report.files[0].format);
    assert_eq!(corpus.text(0), "Broken\nIt broke.");
    assert_eq!((corpus.label_name(0), corpus.label_name(1)), (Some("negative"), Some("positive")));
    assert_eq!((corpus.id(0), corpus.author(1)), (Some("1"), Some("bob@example.org")));
    assert_eq!((corpus.channel(0), corpus.time(0)), (Some("ticket"), Some(1_714_557_600_000)));

    let thread = "ticket_id,role,body,status\n7,customer,Where is my parcel?,open\n7,agent,\"On its way, Ann\",open\n7,customer,Still nothing!,open\n";
    let (corpus, report) = try_read("thread.csv", thread, &[]).unwrap();
    assert_eq!((corpus.len(), report.files[0].skipped), (2, 1), "the agent's words are not the customer's");
    assert_eq!((corpus.text(1), corpus.id(1), corpus.label(1)), ("Still nothing!", Some("7"), None));
}

/// The exports that the quickstart shows, read as they lie there.
#[test]
fn the_examples_are_recognised() {
    let exports = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/exports");
    let read = |name: &str, pairs: &[(&str, &str)]| {
        read(&[exports.join(name)], &options(pairs), &mut |_| ControlFlow::Continue(())).unwrap()
    };
    let (tickets, report) = read("helpdesk.csv", &[]);
    assert_eq!(tickets.labels(), ["negative", "positive"], "offered and empty scores are none");
    assert!((0..tickets.len()).all(|i| !tickets.text(i).contains("Agent")));
    assert!(
        tickets.text(0).starts_with("Router keeps rebooting\n") && tickets.text(0).ends_with("Thank you!")
    );
    assert_eq!((tickets.len(), report.files[0].unlabelled, report.files[0].bad_times), (25, 9, 0));
    let (reviews, _) = read("reviews.csv", &[]);
    assert_eq!(reviews.text(0), "Just works\nSynced ten years of notes in one go. Not a single one lost.");
    assert_eq!((reviews.channel(0), reviews.label_name(0)), (Some("review"), Some("positive")));
    let (survey, report) = read("survey.csv", &[]);
    assert!(report.files[0].format.starts_with("survey") && survey.labels().is_empty());
    assert!(survey.len() > 30, "every answer is an example: {}", survey.len());
    assert_eq!(report.files[0].bad_times, 0);
    let (scored, _) = read("survey.csv", &[("label", "nps")]);
    assert_eq!(scored.labels(), ["negative", "neutral", "positive"]);
}

#[test]
fn the_example_data_meet_the_example_expectations() {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let expectations = std::fs::read_to_string(examples.join("expectations.toml")).unwrap();
    let expectations: sentimeter_corpus::Expectations = expectations.parse().unwrap();
    let (corpus, report) =
        read(&[examples.join("feedback.csv")], &options(&[]), &mut |_| ControlFlow::Continue(())).unwrap();
    let table = expectations.check(&corpus, Some(&report));
    assert!(table.passed(), "\n{table}");
}

#[test]
fn short_texts_beside_labels_without_a_known_header() {
    let rows = "ok,positive\nbad,negative\nmeh,neutral\n";
    let want = [pair("ok", "positive"), pair("bad", "negative"), pair("meh", "neutral")];
    assert_eq!(texts("a.csv", rows, &[]), want);
    assert_eq!(texts("a.csv", format!("Kommentar,Wertung\n{rows}"), &[]), want, "unknown names of columns");
    let numbers = "20260601,ok\n20260602,bad\n";
    assert_eq!(texts("a.csv", numbers, &[("label", "=x")])[1], pair("bad", "x"));
}

#[test]
fn labels_in_any_case_are_one_class_and_nan_is_none() {
    let csv = "text,label\na,POSITIVE\nb,Positive\nc,positive\nd,NaN\ne,\nf,Negative\n";
    let (corpus, report) = try_read("a.csv", csv, &[]).unwrap();
    assert_eq!(corpus.labels(), ["negative", "positive"]);
    assert_eq!((corpus.len(), report.files[0].unlabelled, corpus.label_name(3)), (6, 2, None));
    assert!(report.said[0].contains("names of the three classes"), "{:?}", report.said);
}

#[test]
fn reviews_with_stars() {
    let csv = "Stars,Title,Review,Reviewer Name\n5,Great,I love it,ann\n3,Meh,,bob\n1,,Broke on day one,cy\n";
    assert_eq!(
        texts("reviews.csv", csv, &[("format", "reviews")]),
        [pair("Great\nI love it", "positive"), pair("Meh", "neutral"), pair("Broke on day one", "negative")]
    );
}

#[test]
fn every_answer_of_a_survey_is_an_example() {
    let csv = "Respondent ID,Date,Recommend?,What did you like?,What should we change?\n\
               r1,2024-01-02,yes,the friendly staff there,nothing at all really\n\
               r2,2024-01-03,no,,shorter waiting lines please\n";
    let (corpus, _) = try_read(
        "survey.csv",
        csv,
        &[("format", "survey"), ("header", "yes"), ("id", "1"), ("time", "Date")],
    )
    .unwrap();
    let got: Vec<_> = (0..corpus.len()).map(|i| (corpus.text(i), corpus.id(i))).collect();
    assert_eq!(
        got,
        [
            ("the friendly staff there", Some("r1")),
            ("nothing at all really", Some("r1")),
            ("shorter waiting lines please", Some("r2"))
        ]
    );
    assert_eq!((corpus.channel(0), corpus.time(2)), (Some("survey"), Some(1_704_240_000_000)));
}

#[test]
fn compressed_or_not_is_all_the_same() {
    let csv = "text,label\n\"a, b\",pos\n\"two\nlines\",neg\n";
    let want = [pair("a, b", "positive"), pair("two\nlines", "negative")];
    assert_eq!(texts("a.csv", csv, &[]), want);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(csv.as_bytes()).unwrap();
    assert_eq!(texts("a.csv.gz", gzip.finish().unwrap(), &[]), want);
    assert_eq!(texts("a.csv.zst", zstd::bulk::compress(csv.as_bytes(), 1).unwrap(), &[]), want);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("folder/a.csv", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(csv.as_bytes()).unwrap();
    assert_eq!(texts("a.zip", zip.finish().unwrap().into_inner(), &[]), want);
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(csv.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(texts("a.csv", wide, &[]), want);
    let crlf = csv.replace('\n', "\r\n");
    assert_eq!(texts("a.csv", crlf, &[])[0], want[0]);
    let json = "{\"text\": \"a, b\", \"label\": \"pos\"}\n{\"text\": \"two\\nlines\", \"label\": \"neg\"}\n";
    assert_eq!(texts("a.jsonl", json, &[]), want);
    let json = format!("[{}]", json.trim().replace('\n', ", "));
    assert_eq!(texts("a.json", json, &[]), want);
}

#[test]
fn a_bomb_is_refused() {
    let bomb = zstd::bulk::compress(&vec![b'a'; 10 << 20], 1).unwrap();
    let error = try_read("a.csv.zst", bomb, &[("max-bytes", "1000000")]).unwrap_err();
    assert!(error.to_string().contains("--max-bytes"), "{error}");
}

#[test]
fn bad_rows_are_counted_with_line_and_reason() {
    let rows: String = (0..500).map(|i| format!("{i},text {i},pos\n")).collect();
    let csv = format!("id,text,label\n{rows}500,too,many,fields\n\"501\nx\",multi,neg\n502,few\n");
    let (corpus, report) = try_read("a.csv", &csv, &[]).unwrap();
    assert_eq!((corpus.len(), report.rows, report.bad()), (501, 503, 2));
    let bad: Vec<_> =
        report.bad_rows.iter().map(|b| (b.line, b.reason.as_str(), b.excerpt.as_str())).collect();
    assert_eq!(
        bad,
        [
            (502, "found 4 fields, expected 3", "500,too,many,fields"),
            (505, "found 2 fields, expected 3", "502,few")
        ]
    );
    let error = try_read("a.csv", &csv, &[("max-bad-rows", "0.001")]).unwrap_err().to_string();
    assert!(error.contains("2 of 503 rows") && error.contains("line 502"), "{error}");
}

#[test]
fn errors_say_what_to_do() {
    for (name, bytes, pairs, want) in [
        (
            "a.csv",
            "text,label\nx,pos\n",
            &[("text", "tweet")][..],
            "has no column \"tweet\"; it has text, label",
        ),
        ("a.csv", "", &[], "holds no rows"),
        ("a.csv", "text,label\n", &[], "holds no rows"),
        ("a.csv", "text\nx\n", &[("encoding", "klingon")], "no encoding \"klingon\""),
        ("a.json", "{\"a\": 1}", &[("format", "json")], "a JSON array"),
        ("a.parquet", "PAR1 and then nothing", &[], "Parquet"),
        ("a.xlsx", "PK\u{3}\u{4} and then nothing", &[], "a zip archive"),
        ("a_text.txt", "x\n", &[("label-from-name", "b_{label}.txt")], "does not match the pattern"),
    ] {
        let error = match try_read(name, bytes, pairs) {
            Ok((_, report)) => panic!("{name}: read as {report:?}"),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(want), "{name}: {error}");
    }
}

#[test]
fn aligned_files_must_align() {
    let folder = Folder::new();
    folder.file("a_labels.txt", "0\n2\n");
    let path = folder.file("a_text.txt", "one\ntwo\nthree\n");
    let error = read(&[path], &ReadOptions::default(), &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().contains("3 lines and") && error.to_string().contains("has 2"), "{error}");
}

#[test]
fn a_label_column_that_is_none_is_noticed() {
    let csv: String =
        std::iter::once("text,label\n".to_owned()).chain((0..2000).map(|i| format!("t,{i}x\n"))).collect();
    let error = try_read("a.csv", csv, &[]).unwrap_err().to_string();
    assert!(error.contains("more than 1000 different values"), "{error}");
}

#[test]
fn reading_stops_when_told_to() {
    let folder = Folder::new();
    let path = folder.file("a.csv", "text,label\nx,pos\n");
    let stopped = read(&[path], &ReadOptions::default(), &mut |_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(CorpusError::Interrupted)));
}

/// Blocks are cut at a megabyte: whatever straddles a cut must come out whole, on the right line.
#[test]
fn blocks_leave_no_trace() {
    let mut csv = "text,label\n".to_owned();
    let mut want = Vec::new();
    for i in 0..40_000 {
        let text = format!("row {i}, {}\nsecond \"line\"", "é".repeat(i % 60));
        csv.push_str(&format!(
            "\"{}\",{}\n",
            text.replace('"', "\"\""),
            if i % 3 == 0 { "pos" } else { "neg" }
        ));
        want.push(text);
    }
    csv.push_str("bad row\n");
    let lines = csv.lines().count() as u64;
    let (corpus, report) = try_read("a.csv", &csv, &[]).unwrap();
    assert_eq!(corpus.len(), want.len());
    assert!((0..want.len()).all(|i| corpus.text(i) == want[i]));
    assert_eq!(report.bad_rows[0].line, lines);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn garbage_is_an_error_or_a_corpus(
        bytes in prop::collection::vec(any::<u8>(), 0..300), head in 0usize..8, name in 0usize..6
    ) {
        let heads: [&[u8]; 8] =
            [b"", b"PAR1", b"PK\x03\x04", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xd0\xcf\x11\xe0", b"[{\"a\":", b"\xff\xfe"];
        let names = ["a.csv", "a.tsv", "a.jsonl", "a.json", "a", "a.txt"];
        let _ = try_read(names[name], [heads[head], &bytes].concat(), &[]);
    }

    #[test]
    fn a_damaged_file_is_an_error_or_a_corpus(at in 0usize..5000, bit in 0u8..8, kind in 0usize..2) {
        static FILES: std::sync::OnceLock<[Vec<u8>; 2]> = std::sync::OnceLock::new();
        let files = FILES.get_or_init(|| [parquet_file(), workbook()]);
        let mut bytes = files[kind].clone();
        if !bytes.is_empty() {
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let _ = try_read("a", bytes, &[]);
        }
    }
}

/// A small Parquet file, by our own writer.
#[cfg(feature = "parquet")]
fn parquet_file() -> Vec<u8> {
    use sentimeter_corpus::{OutputFormat, Score, Writer, stream};
    let folder = Folder::new();
    let path = folder.0.path().join("a.parquet");
    let input = std::io::Cursor::new(b"id,text\n1,one\n2,two\n".to_vec());
    let rows = stream(Box::new(input), "a.csv", &ReadOptions::default()).unwrap();
    let out = std::fs::File::create(&path).unwrap();
    let labels = ["negative".to_owned(), "positive".to_owned()];
    let mut writer =
        Writer::new(Box::new(out), OutputFormat::Parquet, rows.columns(), &labels, true).unwrap();
    for row in rows {
        let score = Score {
            sentiment: Some("positive"),
            language: Some("en"),
            confidence: 0.5,
            probabilities: &[0.5, 0.5],
        };
        writer.write(&row.unwrap(), Some(score)).unwrap();
    }
    writer.finish().unwrap();
    std::fs::read(path).unwrap()
}

/// Parquet is not read by this build: any bytes do.
#[cfg(not(feature = "parquet"))]
fn parquet_file() -> Vec<u8> {
    b"PAR1".to_vec()
}

/// A workbook of one sheet with inline strings, as small as they come.
fn workbook() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in [
        (
            "[Content_Types].xml",
            r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/></Types>"#,
        ),
        (
            "_rels/.rels",
            r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
        ),
        (
            "xl/workbook.xml",
            r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
        (
            "xl/worksheets/sheet1.xml",
            r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>text</t></is></c><c r="B1" t="inlineStr"><is><t>stars</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>a fine thing</t></is></c><c r="B2"><v>5</v></c></row></sheetData></worksheet>"#,
        ),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn tables_of_other_programs() {
    assert_eq!(texts("a.xlsx", workbook(), &[]), [pair("a fine thing", "positive")]);
    assert_eq!(
        texts("a.xlsx", workbook(), &[("label", "=bad"), ("text", "1")]),
        [pair("a fine thing", "negative")]
    );
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_plain_and_compressed() {
    assert_eq!(texts("a.parquet", parquet_file(), &[])[1], pair("two", "positive"));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&parquet_file()).unwrap();
    assert_eq!(texts("a.parquet.gz", gzip.finish().unwrap(), &[]).len(), 2);
}

#[test]
fn columns_that_nobody_asks_for_are_left_out_and_nothing_else() {
    let csv = "id,text,label,time,author,channel,language\n\
               1,all well,good,2024-05-01,ann,ticket,en\n\
               2,\"two\nlines\",bad,2024-05-02,bob,social,en\n";
    let (whole, _) = try_read("a.csv", csv, &[]).unwrap();
    for (times, authors, origins) in
        [(false, false, false), (true, false, false), (false, true, false), (false, false, true)]
    {
        let keep = Keep { times, authors, origins };
        let folder = Folder::new();
        let options = ReadOptions { keep, ..ReadOptions::default() };
        let (corpus, report) =
            read(&[folder.file("a.csv", csv)], &options, &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(report.kept, 2);
        for row in 0..2 {
            let (got, all) = (corpus.example(row), whole.example(row));
            assert_eq!((got.text, got.label), (all.text, all.label));
            assert_eq!((got.time, got.author), (all.time.filter(|_| times), all.author.filter(|_| authors)));
            assert!(all.id.is_some() && all.channel.is_some() && all.language.is_some());
            assert_eq!(got.id, all.id.filter(|_| origins), "{keep:?}");
            assert_eq!((got.channel, got.language), (all.channel, all.language), "{keep:?}");
        }
    }
}

#[test]
fn broken_rows_are_named_by_the_line_they_start_on() {
    let good = "\"two\nlines\",good\n".repeat(200);
    let csv = format!("text,label\n{good}\"three\n\nlines\",good,more\n{good}just one\n{good}");
    let (_, report) = try_read("a.csv", csv, &[]).unwrap();
    let lines: Vec<u64> = report.bad_rows.iter().map(|row| row.line).collect();
    assert_eq!(lines, [402, 805]);
}
