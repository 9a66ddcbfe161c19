//! Text made of indented lines.

use std::fmt::Write as _;

/// Columns of one step.
const STEP: usize = 4;

/// A text that grows by lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    text: String,
    depth: usize,
    tab: bool,
}

impl Lines {
    /// Indented by tabs in place of blanks.
    pub(crate) fn with_tabs() -> Self {
        Self { tab: true, ..Self::default() }
    }

    /// One line; an empty one is not indented.
    pub(crate) fn put(&mut self, line: impl std::fmt::Display) {
        let before = self.text.len();
        let width = if self.tab { self.depth } else { self.depth * STEP };
        let mark = if self.tab { '\t' } else { ' ' };
        self.text.extend(std::iter::repeat_n(mark, width));
        let indented = self.text.len();
        // Writing to a string does not fail.
        let _ = write!(self.text, "{line}");
        if self.text.len() == indented {
            self.text.truncate(before);
        }
        self.text.push('\n');
    }

    /// An empty line.
    pub(crate) fn gap(&mut self) {
        self.put("");
    }

    /// Comment lines, each behind `# `.
    pub(crate) fn comment(&mut self, text: &str) {
        for line in text.lines() {
            self.put(format!("# {line}").trim_end());
        }
    }

    /// `head {`, what `body` puts, `}`.
    pub(crate) fn block(&mut self, head: impl std::fmt::Display, body: impl FnOnce(&mut Self)) {
        self.put(format!("{head} {{"));
        self.inner(body);
        self.put("}");
    }

    /// What `body` puts, one step deeper.
    pub(crate) fn inner(&mut self, body: impl FnOnce(&mut Self)) {
        self.depth += 1;
        body(self);
        self.depth -= 1;
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.text
    }
}
