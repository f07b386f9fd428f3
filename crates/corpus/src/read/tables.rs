//! Files that are tables already: Excel workbooks and Parquet files become records of strings.

use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Data, Reader};

use super::split::Record;

/// Records per step.
const BATCH: usize = 8192;

/// Column names, if they are known, and records in batches.
pub(crate) struct Table<'a> {
    /// `None`: the first record may name them.
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) batches: Box<dyn Iterator<Item = Result<Vec<Record>, String>> + Send + 'a>,
}

/// The first sheet of a workbook that holds rows. Errors say what was found.
pub(crate) fn excel(bytes: Vec<u8>) -> Result<Table<'static>, String> {
    // calamine indexes into what damaged workbooks claim; that must stay an error of the file.
    let range = catch_unwind(AssertUnwindSafe(|| first_sheet(bytes)))
        .map_err(|_| "a damaged workbook".to_owned())??;
    let mut rows = 0..range.height();
    let batches = std::iter::from_fn(move || {
        let batch: Vec<Record> =
            rows.by_ref().take(BATCH).filter_map(|row| range.rows().nth(row).map(sheet_row)).collect();
        (!batch.is_empty()).then_some(Ok(batch))
    });
    Ok(Table { columns: None, batches: Box::new(batches) })
}

fn first_sheet(bytes: Vec<u8>) -> Result<calamine::Range<Data>, String> {
    let mut book = calamine::open_workbook_auto_from_rs(std::io::Cursor::new(bytes))
        .map_err(|e| format!("no workbook ({e})"))?;
    for name in book.sheet_names() {
        let range = book.worksheet_range(&name).map_err(|e| format!("a broken sheet {name:?} ({e})"))?;
        if range.height() > 0 {
            return Ok(range);
        }
    }
    Err("a workbook without rows".to_owned())
}

fn sheet_row(cells: &[Data]) -> Record {
    let mut record = Record::default();
    for cell in cells {
        match cell {
            Data::Empty | Data::Error(_) => record.push(""),
            Data::String(s) | Data::DateTimeIso(s) | Data::DurationIso(s) => record.push(s),
            Data::Bool(b) => record.push(if *b { "true" } else { "false" }),
            Data::DateTime(date) => {
                let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
                record.push(&format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"));
            }
            other => record.push(&other.to_string()),
        }
    }
    record
}

/// Whether a zip archive is a workbook, and how many bytes its members say that they unpack to.
pub(crate) fn workbook_size(archive: &mut zip::ZipArchive<impl Read + Seek>) -> Option<u64> {
    let book = archive
        .file_names()
        .any(|name| name.is_ok_and(|n| matches!(&*n, "[Content_Types].xml" | "content.xml")));
    book.then(|| {
        (0..archive.len())
            .filter_map(|i| archive.by_index_raw(i).ok().map(|member| member.size()))
            .fold(0, u64::saturating_add)
    })
}

/// The rows of a Parquet file, batch by batch.
#[cfg(feature = "parquet")]
pub(crate) fn parquet(input: std::fs::File) -> Result<Table<'static>, String> {
    use ::arrow::record_batch::RecordBatchReader;
    use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    let damaged = |e: &dyn std::fmt::Display| format!("a Parquet file that cannot be read ({e})");
    // Damaged pages have made the decoder panic before; that must stay an error of the file.
    let reader = catch_unwind(AssertUnwindSafe(|| {
        let builder = ParquetRecordBatchReaderBuilder::try_new(input)?;
        builder.with_batch_size(BATCH).build()
    }))
    .map_err(|_| damaged(&"broken metadata"))?
    .map_err(|e| damaged(&e))?;
    let columns = reader.schema().fields().iter().map(|f| f.name().clone()).collect();
    let mut reader = Some(reader);
    let batches = std::iter::from_fn(move || {
        let open = reader.as_mut()?;
        let batch = match catch_unwind(AssertUnwindSafe(|| open.next())) {
            Ok(None) => return None,
            Ok(Some(Ok(batch))) => records(&batch).map_err(|e| damaged(&e)),
            Ok(Some(Err(e))) => Err(damaged(&e)),
            Err(_) => Err(damaged(&"a broken page")),
        };
        if batch.is_err() {
            reader = None;
        }
        Some(batch)
    });
    Ok(Table { columns: Some(columns), batches: Box::new(batches) })
}

#[cfg(feature = "parquet")]
pub(crate) fn records(
    batch: &arrow::record_batch::RecordBatch,
) -> Result<Vec<Record>, arrow::error::ArrowError> {
    use arrow::util::display::{ArrayFormatter, FormatOptions};

    let options = FormatOptions::default().with_null("");
    let columns: Vec<ArrayFormatter<'_>> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<Result<_, _>>()?;
    Ok((0..batch.num_rows())
        .map(|row| {
            let mut record = Record::default();
            for column in &columns {
                record.push(&column.value(row).to_string());
            }
            record
        })
        .collect())
}
