//! Files that are tables already: Excel workbooks and Parquet files become records of strings.

use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Cell, Data, DataRef, Range, Reader, Sheets};

use super::split::Record;

/// Records per step.
const BATCH: usize = 8192;

/// Cells of a sheet, empty ones too: all that a sheet may have in 32 columns. calamine makes room for every cell
/// between the first and the last, and a sheet of two cells, the one in A1 and the other in XFD1048576, would take
/// 400 GB.
const CELLS: u64 = 1 << 25;

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
        let broken = |e: &dyn std::fmt::Display| format!("a broken sheet {name:?} ({e})");
        let range = match &mut book {
            Sheets::Xlsx(book) => {
                let mut cells = book.worksheet_cells_reader(&name).map_err(|e| broken(&e))?;
                gathered(std::iter::from_fn(|| cells.next_cell().transpose())).map_err(|e| broken(&e))?
            }
            Sheets::Xlsb(book) => {
                let mut cells = book.worksheet_cells_reader(&name).map_err(|e| broken(&e))?;
                gathered(std::iter::from_fn(|| cells.next_cell().transpose())).map_err(|e| broken(&e))?
            }
            // The old Excel's sheets are small, and OpenDocument's have a bound of calamine's own.
            book => book.worksheet_range(&name).map_err(|e| broken(&e))?,
        };
        if range.height() > 0 {
            return Ok(range);
        }
    }
    Err("a workbook without rows".to_owned())
}

/// The cells of a sheet, if they stand close enough together.
fn gathered<'a, E: std::fmt::Display>(
    cells: impl Iterator<Item = Result<Cell<DataRef<'a>>, E>>,
) -> Result<Range<Data>, String> {
    let (mut from, mut to) = ((u32::MAX, u32::MAX), (0, 0));
    let mut all = Vec::new();
    for cell in cells {
        let cell = cell.map_err(|e| e.to_string())?;
        let (row, column) = cell.get_position();
        let value = Data::from(cell.get_value().clone());
        if value == Data::Empty {
            continue;
        }
        from = (from.0.min(row), from.1.min(column));
        to = (to.0.max(row), to.1.max(column));
        let area = u64::from(to.0 - from.0 + 1) * u64::from(to.1 - from.1 + 1);
        if area > CELLS {
            return Err(format!(
                "its cells are spread over {area} places, and {CELLS} can be read; save it as CSV"
            ));
        }
        all.push(Cell::new((row, column), value));
    }
    Ok(Range::from_sparse(all))
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

/// Whether a zip archive is a workbook, and how many bytes it unpacks to; more than `most` are not counted. What its
/// members say of themselves need not be true, so they are unpacked, to nowhere.
pub(crate) fn workbook_size(archive: &mut zip::ZipArchive<impl Read + Seek>, most: u64) -> Option<u64> {
    let book = archive
        .file_names()
        .any(|name| name.is_ok_and(|n| matches!(&*n, "[Content_Types].xml" | "content.xml")));
    book.then(|| {
        let stated = (0..archive.len())
            .filter_map(|i| archive.by_index_raw(i).ok().map(|member| member.size()))
            .fold(0, u64::saturating_add);
        let mut found = stated.min(most.saturating_add(1));
        let mut unpacked = 0_u64;
        for at in 0..archive.len() {
            if found > most {
                break;
            }
            // One that cannot be unpacked cannot be read either.
            let Ok(member) = archive.by_index(at) else { continue };
            let mut member = member.take(most.saturating_add(1) - unpacked);
            let mut scratch = [0; 64 << 10];
            while let Ok(read @ 1..) = member.read(&mut scratch) {
                unpacked += read as u64;
            }
            found = found.max(unpacked);
        }
        found
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
