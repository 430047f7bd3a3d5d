//! Text that somebody else chose, made safe to print: nothing in it moves the cursor, reorders the line or hides.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with every control, direction and invisible character written out as `\u{..}` (SPEC.md#revealed-terminal).
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_treacherous) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_treacherous(c) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "{}", c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe.into()
}

/// Controls (UAX #44 category Cc), what turns the direction of text around (UAX #9), separators of lines and
/// paragraphs, and what prints as nothing.
fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn ordinary_text_of_any_script_stays_as_it_is() {
        for text in ["", "winword.exe", r"C:\Windows", "日本語 – Übersicht", "עברית", "👩\u{fe0f}"] {
            assert_eq!(visible(text), text);
        }
    }

    /// SPEC.md#revealed-terminal
    #[test]
    fn what_would_move_hide_or_turn_text_is_written_out() {
        assert_eq!(visible("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(visible("gpj.\u{202e}exe"), "gpj.\\u{202e}exe");
        assert_eq!(visible("one\r\ntwo\u{9b}"), "one\\u{d}\\u{a}two\\u{9b}");
        assert_eq!(visible("pay\u{200b}pal\u{2066}\u{e0041}"), "pay\\u{200b}pal\\u{2066}\\u{e0041}");
    }
}
