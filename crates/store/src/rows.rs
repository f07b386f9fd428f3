//! Values in and out of rows.

use sqlx::any::AnyRow;
use sqlx::{ColumnIndex, Decode, Row, Type};

use crate::StoreError;
use crate::error::sql;

/// Text as both databases hold it: PostgreSQL has no NUL.
pub(crate) fn text(raw: &str) -> String {
    if raw.contains('\0') { raw.replace('\0', "\u{fffd}") } else { raw.to_owned() }
}

/// The same where there is one.
pub(crate) fn maybe_text(raw: Option<&str>) -> Option<String> {
    raw.map(text)
}

/// A value of a row.
pub(crate) fn get<'r, T>(row: &'r AnyRow, column: &'static str) -> Result<T, StoreError>
where
    T: Decode<'r, sqlx::Any> + Type<sqlx::Any>,
    &'static str: ColumnIndex<AnyRow>,
{
    row.try_get(column).map_err(sql("read a row"))
}

/// JSON of a row.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
    row: &AnyRow,
    column: &'static str,
) -> Result<T, StoreError> {
    let raw: String = get(row, column)?;
    serde_json::from_str(&raw).map_err(|_| StoreError::Value { what: column, found: raw })
}

/// `($1, $2), ($3, $4)`: places for `rows` rows of `columns` values.
pub(crate) fn places(rows: usize, columns: usize) -> String {
    let mut places = String::with_capacity(rows * (columns * 6 + 4));
    for row in 0..rows {
        places += if row == 0 { "(" } else { ", (" };
        for column in 0..columns {
            let comma = if column == 0 { "" } else { ", " };
            places += &format!("{comma}${}", row * columns + column + 1);
        }
        places.push(')');
    }
    places
}

/// Rows of one statement: at the most 32766 parameters go into one.
pub(crate) const BATCH: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered_through() {
        assert_eq!(places(2, 3), "($1, $2, $3), ($4, $5, $6)");
        assert_eq!(places(1, 1), "($1)");
        assert_eq!(text("a\0b"), "a\u{fffd}b");
    }
}
