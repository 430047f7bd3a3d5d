//! A report as CSV that a spreadsheet shows and never runs.

use std::borrow::Cow;
use std::path::Path;

use blindtally_client::Failure;

use crate::create::write_file;
use crate::report::merge::Row;
use crate::report::{Kind, seconds};

/// Writes the rows into a file for the user alone: it holds what the service must not see.
pub(crate) fn write<'r>(file: &Path, rows: impl Iterator<Item = (Kind, &'r Row)>) -> Result<(), Failure> {
    write_file(file, &encode(rows).map_err(|error| Failure::refused("output.failed", error))?)
}

fn encode<'r>(rows: impl Iterator<Item = (Kind, &'r Row)>) -> Result<Vec<u8>, csv::Error> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["class", "value", "token", "seconds", "active_seconds", "events"])?;
    for (kind, row) in rows {
        csv.write_record([
            kind.name(),
            &neutral(row.value.as_deref().unwrap_or_default()),
            &neutral(row.token.as_deref().unwrap_or_default()),
            &seconds(row.duration_us).to_string(),
            &seconds(row.active_us).to_string(),
            &row.events.to_string(),
        ])?;
    }
    csv.into_inner().map_err(|error| error.into_error().into())
}

/// A cell that no spreadsheet takes for a formula: an apostrophe in front says that it is text
/// (SPEC.md#revealed-csv).
fn neutral(cell: &str) -> Cow<'_, str> {
    // Spreadsheets skip blanks before a formula, and take the wide forms of East Asian keyboards for the narrow ones.
    let formula = |c| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠');
    let starts = cell.starts_with(formula) || cell.trim_start().starts_with(formula);
    if starts { format!("'{cell}").into() } else { cell.into() }
}

#[cfg(test)]
mod tests {
    use super::neutral;

    /// SPEC.md#revealed-csv
    #[test]
    fn formulas_become_text() {
        for cell in
            ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u{a0}=1", "＝1", "=cmd|' /C calc'!A0"]
        {
            assert_eq!(neutral(cell), format!("'{cell}"));
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for cell in ["", "winword.exe", "1+1", "a=b", "https://example.com/?a=b", "'quoted'"] {
            assert_eq!(neutral(cell), cell);
        }
    }
}
