//! Sessions for people, and for programs.
//!
//! User names and agents are what somebody else wrote: nothing in them may reach a terminal as a
//! control sequence, or turn the direction of the text.

use std::fmt::Write;

use outpost_dashboard::time::distance;
use serde::Deserialize;
use serde_json::Value;

use super::{Failure, strange};
use crate::cli::terminal::is_hostile;
use crate::clock;

const COLUMNS: usize = 8;

const HEADINGS: [&str; COLUMNS] =
    ["KEY", "USER", "PROVIDER", "SINCE", "SEEN", "EXPIRES", "ADDRESS", "AGENT"];

/// The most characters of each column, unless everything is to be shown.
const WIDEST: [usize; COLUMNS] = [12, 24, 24, 14, 14, 14, 39, 40];

#[derive(Debug, Deserialize)]
struct Row {
    key: String,
    provider: Provider,
    user: String,
    created: i64,
    expires: i64,
    idle_until: Option<i64>,
    seen: i64,
    client_address: Option<String>,
    user_agent: String,
}

#[derive(Debug, Deserialize)]
struct Provider {
    pk: i64,
    name: Option<String>,
    application: Option<String>,
}

/// A table that comes page by page. Columns are as wide as the first page needs.
#[derive(Debug)]
pub(super) struct Table {
    wide: bool,
    widths: Option<[usize; COLUMNS]>,
}

impl Table {
    /// An empty one; a `wide` one cuts nothing.
    pub(super) const fn new(wide: bool) -> Self {
        Self { wide, widths: None }
    }

    /// The lines of these sessions, with the headings before the first.
    ///
    /// # Errors
    /// When they are no sessions.
    pub(super) fn rows(&mut self, sessions: &[Value]) -> Result<String, Failure> {
        let now = clock::now().0;
        let mut lines = Vec::new();
        for session in sessions {
            let row = Row::deserialize(session).map_err(|_| strange())?;
            lines.push(self.cells(row, now));
        }
        let mut text = String::new();
        if lines.is_empty() {
            return Ok(text);
        }
        if self.widths.is_none() {
            lines.insert(0, HEADINGS.map(str::to_owned));
        }
        let widths = *self.widths.get_or_insert_with(|| widths(&lines));
        for cells in &lines {
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(widths) {
                let _ = write!(line, "{cell:width$}  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        Ok(text)
    }

    fn cells(&self, row: Row, now: i64) -> [String; COLUMNS] {
        let Provider { pk, name, application } = row.provider;
        let ends = row.idle_until.map_or(row.expires, |idle| idle.min(row.expires));
        let mut key = row.key;
        if !self.wide {
            // Its beginning, which is how people name it; not something with a gap.
            key.truncate(WIDEST[0]);
        }
        let mut cells = [
            key,
            row.user,
            application.or(name).unwrap_or_else(|| pk.to_string()),
            distance(row.created, now),
            distance(row.seen, now),
            distance(ends, now),
            row.client_address.unwrap_or_else(|| "-".to_owned()),
            row.user_agent,
        ];
        for (cell, widest) in cells.iter_mut().zip(WIDEST) {
            *cell = cell.chars().map(|c| if is_hostile(c) { '\u{fffd}' } else { c }).collect();
            if !self.wide {
                cut(cell, widest);
            }
            if cell.is_empty() {
                cell.push('-');
            }
        }
        cells
    }
}

fn widths(lines: &[[String; COLUMNS]]) -> [usize; COLUMNS] {
    let mut widths = [0; COLUMNS];
    for cells in lines {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = cell.chars().count().max(*width);
        }
    }
    widths
}

fn cut(cell: &mut String, widest: usize) {
    if cell.chars().count() > widest {
        *cell = cell.chars().take(widest - 1).chain(['…']).collect();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::terminal::json_line;

    fn session(user: &str, agent: &str) -> Value {
        json!({
            "key": "ab".repeat(32), "user": user, "user_agent": agent, "sub": "s", "sid": null,
            "provider": { "pk": 7, "name": "Wiki", "application": "wiki" },
            "created": 0, "expires": 4_000_000_000_i64, "idle_until": null, "seen": 0,
            "client_address": "192.0.2.1",
        })
    }

    #[test]
    fn columns_are_aligned_and_cut() {
        let mut table = Table::new(false);
        let long = "x".repeat(100);
        let text = table.rows(&[session("bob", ""), session("Älice", &long)]).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let column =
            |line: &str, what: &str| line.find(what).map(|at| line[..at].chars().count()).unwrap();
        assert_eq!(lines.len(), 3, "{text}");
        assert_eq!(column(lines[0], "PROVIDER"), column(lines[1], "wiki"), "{text}");
        assert_eq!(column(lines[0], "PROVIDER"), column(lines[2], "wiki"), "{text}");
        assert!(lines[1].starts_with("abababababab "), "{text}");
        assert!(lines[2].ends_with(&format!(" {}…", "x".repeat(39))), "{text}");
        assert_eq!(table.rows(&[session("eve", "")]).unwrap().lines().count(), 1, "one heading");
        let wide = Table::new(true).rows(&[session("bob", &long)]).unwrap();
        assert!(wide.contains(&"ab".repeat(32)) && wide.contains(&long), "{wide}");
    }

    #[test]
    fn what_clients_write_does_not_reach_the_terminal_as_a_command() {
        let hostile = "\u{1b}[2J\u{9b}31m\r\n\u{7}\u{202e}evil\u{2066}";
        let sessions = [session(hostile, hostile)];
        for text in [
            Table::new(false).rows(&sessions).unwrap(),
            Table::new(true).rows(&sessions).unwrap(),
            json_line(&sessions[0]),
        ] {
            assert!(text.contains("evil"), "{text:?}");
            assert!(text.chars().all(|c| c == '\n' || !is_hostile(c)), "{text:?}");
        }
        let read: Value = serde_json::from_str(&json_line(&sessions[0])).unwrap();
        assert_eq!(read, sessions[0], "nothing is lost in JSON");
    }
}
