//! Plain tables for a terminal, aligned by display width, safe to print whatever the values hold.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const GAP: &str = "  ";

/// On which side a column's cells are filled up.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A heading and rows of cells.
pub(crate) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[(&str, Align)]) -> Self {
        Self { columns: columns.iter().map(|(title, align)| ((*title).to_owned(), *align)).collect(), rows: Vec::new() }
    }

    /// Adds a row of as many cells as there are columns.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The lines, no wider than `width` columns: the last column gives way, with `…` where it is cut.
    pub(crate) fn render(&self, width: usize) -> String {
        let titles: Vec<String> = self.columns.iter().map(|(title, _)| title.clone()).collect();
        let mut widths = vec![0; titles.len()];
        for row in self.rows.iter().chain([&titles]) {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(cell.width());
            }
        }
        if let Some((last, others)) = widths.split_last_mut() {
            let taken: usize = others.iter().map(|width| GAP.len() + width).sum();
            *last = (*last).min(width.saturating_sub(taken + GAP.len()));
        }
        let mut text = String::new();
        for row in [&titles].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for ((cell, width), (_, align)) in row.iter().zip(&widths).zip(&self.columns) {
                let cell = fit(cell, *width);
                let fill = " ".repeat(width.saturating_sub(cell.width()));
                let (before, after) = if *align == Align::Right { (fill.as_str(), "") } else { ("", fill.as_str()) };
                let _ = write!(line, "{GAP}{before}{cell}{after}");
            }
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }
}

/// The text itself if it fits, else as much of it as fits before `…`.
fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut end = 0;
    for (start, character) in text.char_indices() {
        let next = start + character.len_utf8();
        if text[..next].width() + 1 > width {
            break;
        }
        end = next;
    }
    // A joiner at the end would join the dots.
    format!("{}…", text[..end].trim_end_matches('\u{200D}'))
}

/// A value as it can be shown: control characters, and those that reorder or hide text, are written as escapes, so
/// that a value can neither steer the terminal nor pass itself off as another. Joiners stay: emoji and scripts need them.
pub(crate) fn show(value: &str) -> String {
    let mut shown = String::with_capacity(value.len());
    for character in value.chars() {
        let joiner = matches!(character, '\u{200C}' | '\u{200D}');
        let combines = character.width() == Some(0) && !is_invisible(character);
        if joiner || combines || (!character.is_control() && !is_invisible(character)) {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    shown
}

/// Unicode's format characters (Cf), separators of lines, and fillers that look like nothing.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{AD}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}'
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn render(rows: &[[&str; 2]], width: usize) -> Vec<String> {
        let mut table = Table::new(&[("n", Align::Right), ("value", Align::Left)]);
        rows.iter().for_each(|row| table.row(row.iter().map(|cell| (*cell).to_owned()).collect()));
        table.render(width).lines().map(str::to_owned).collect()
    }

    #[test]
    fn columns_are_aligned_by_display_width() {
        assert_eq!(render(&[["1", "a"], ["日本", "b"]], 40), ["     n  value", "     1  a", "  日本  b"]);
    }

    #[test]
    fn no_line_is_wider_than_it_may_be() {
        let rows = [
            ["1", "ふつうのタイトルがとても長い"],
            ["22", "👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦"],
            ["3", "e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}"],
        ];
        for width in 10..40 {
            for line in render(&rows, width) {
                assert!(line.width() <= width, "{line:?} is wider than {width}");
            }
        }
    }

    #[test]
    fn what_could_steer_the_terminal_is_escaped() {
        assert_eq!(show("\u{1B}[31m\n\t\u{0}\u{9B}"), "\\u{1b}[31m\\n\\t\\u{0}\\u{9b}");
        assert_eq!(show("a\u{202E}b\u{2066}c\u{200F}d\u{FEFF}"), "a\\u{202e}b\\u{2066}c\\u{200f}d\\u{feff}");
    }

    #[test]
    fn text_in_any_script_stays_as_it_is() {
        for text in ["Müller", "👨‍👩‍👧‍👦 🇸🇪", "דוח שנתי", "Cafe\u{301}", "\u{646}\u{200C}\u{647}"]
        {
            assert_eq!(show(text), text);
        }
    }
}
