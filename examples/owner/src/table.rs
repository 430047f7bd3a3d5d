//! Text in columns that line up on a terminal, whatever the script.

use std::fmt;

use unicode_width::UnicodeWidthStr;

/// Which side of its column a cell sits at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows of cells. Whoever fills it makes the text safe to print first.
pub(crate) struct Table {
    columns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[Align]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn head(&mut self, cells: &[&str]) {
        self.rows.push(cells.iter().map(|cell| (*cell).to_owned()).collect());
    }

    pub(crate) fn row(&mut self, cells: &[String]) {
        self.rows.push(cells.to_vec());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width_of =
            |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
        let widths: Vec<_> = (0..self.columns.len()).map(|column| width_of(column).unwrap_or(0)).collect();
        for (index, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for ((cell, align), width) in row.iter().zip(&self.columns).zip(&widths) {
                let blank = " ".repeat(width - cell.width());
                match align {
                    Align::Left => line.extend([cell, blank.as_str()]),
                    Align::Right => line.extend([blank.as_str(), cell]),
                }
                line.push_str("  ");
            }
            if index > 0 {
                f.write_str("\n")?;
            }
            f.write_str(line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Align, Table};

    #[test]
    fn columns_line_up_by_the_width_on_screen() {
        let mut table = Table::new(&[Align::Left, Align::Right]);
        table.head(&["Value", "N"]);
        table.row(&["日本".into(), "1".into()]);
        table.row(&["e\u{301}".into(), "12".into()]);
        assert_eq!(table.to_string(), "Value   N\n日本    1\ne\u{301}      12");
    }
}
