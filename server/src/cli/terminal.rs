//! Texts of others on a terminal: nothing in them may reach it as a control sequence, or turn the
//! direction of the text.

use std::fmt::Write;

use serde_json::Value;

/// A value as one line of JSON. What a terminal would obey is escaped.
pub(super) fn json_line(value: &Value) -> String {
    let mut line = String::new();
    for c in value.to_string().chars() {
        if is_hostile(c) {
            let _ = write!(line, "\\u{:04x}", u32::from(c));
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

/// A text on one line, with nothing that a terminal would obey.
pub(super) fn tame(text: &str) -> String {
    text.chars().map(|c| if is_hostile(c) { '\u{fffd}' } else { c }).collect()
}

/// A text in lines of at most `width` characters where its words allow, each after `indent`.
pub(super) fn wrapped(text: &str, indent: &str, width: usize) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in tame(text).split_whitespace() {
        let longer = line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && indent.chars().count() + longer > width {
            let _ = writeln!(lines, "{indent}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        let _ = writeln!(lines, "{indent}{line}");
    }
    lines
}

/// Control characters, and those that order lines and directions (UAX #9).
pub(super) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_whole_and_lines_short() {
        assert_eq!(wrapped("one two three", "  ", 10), "  one two\n  three\n");
        assert_eq!(wrapped("", "  ", 10), "");
        assert_eq!(wrapped("averylongwordindeed x", "", 5), "averylongwordindeed\nx\n");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        let hostile = "a\u{1b}[31mb\u{202e}c\n";
        assert_eq!(tame(hostile), "a\u{fffd}[31mb\u{fffd}c\u{fffd}");
        assert_eq!(json_line(&Value::from("\u{202e}")), "\"\\u202e\"\n");
    }
}
