//! Values as YAML that people read and programs of every age read alike.
//!
//! Objects come in the order people expect ([`RANKS`], then by name), comments stand above what
//! they are about, and a string that some reader would take for something else (`no`, `0755`,
//! `1e3`, a date: YAML 1.1 has many) is quoted. Strings of several lines are block scalars.
//! Scalars are written by `serde-saphyr`.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use serde_saphyr::{DoubleQuoted, SerializerOptions, ser_options};

/// What comes first in any object, in this order; what is not named follows by its name.
const RANKS: &[&str] = &[
    "@type",
    "apiVersion",
    "kind",
    "metadata",
    "type",
    "name",
    "image",
    "namespace",
    "labels",
    "annotations",
    "parentRefs",
    "hostnames",
    "host",
    "path",
    "pathType",
    "matches",
    "filters",
    "domains",
    "match",
    "routers",
    "middlewares",
    "services",
    "networks",
    "typed_config",
];

/// Comments are broken at this column.
const COMMENT_WIDTH: usize = 100;

/// One YAML document with its comments.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    value: Value,
    head: String,
    notes: Vec<(String, String)>,
}

impl Document {
    /// A document without comments.
    #[must_use]
    pub fn new(value: Value) -> Self {
        Self { value, head: String::new(), notes: Vec::new() }
    }

    /// A document of anything that serde can write. Fields come in the order of this module, not
    /// in that of the type.
    ///
    /// # Errors
    /// When the type's own `Serialize` says so, or its maps have keys other than strings.
    pub fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::to_value(value).map(Self::new)
    }

    /// Sets the comment at the top. Long lines are broken between words; a line that begins with
    /// a space stays as it is.
    #[must_use]
    pub fn comment(mut self, text: impl Into<String>) -> Self {
        self.head = text.into();
        self
    }

    /// Puts a comment above the member or element at `pointer` (a JSON pointer, RFC 6901, with
    /// `/` in a name written `~1`). Where there is nothing, nothing is written: what a patch took
    /// away needs no comment.
    #[must_use]
    pub fn note(mut self, pointer: impl Into<String>, text: impl Into<String>) -> Self {
        self.notes.push((pointer.into(), text.into()));
        self
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value, to change it. Comments stay where they are.
    pub fn value_mut(&mut self) -> &mut Value {
        &mut self.value
    }

    /// The document as text, with a final line break and no `---`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut writer = Writer { notes: &self.notes, out: String::new() };
        writer.comment(&self.head, 0);
        match &self.value {
            Value::Object(map) if !map.is_empty() => writer.node(&self.value, "", 0, 0),
            Value::Array(items) if !items.is_empty() => writer.node(&self.value, "", 0, 0),
            scalar => {
                writer.out.push_str(&scalar_text(scalar, 0));
                writer.out.push('\n');
            }
        }
        writer.out
    }
}

/// Several documents as one text.
#[must_use]
pub fn documents(documents: &[Document]) -> String {
    documents.iter().map(Document::text).collect::<Vec<_>>().join("---\n")
}

/// A file of documents: a comment that says where it goes, then each document behind a `---`, so
/// that files can follow one another in one stream.
#[must_use]
pub fn file(intro: &str, documents: &[Document]) -> String {
    let mut writer = Writer { notes: &[], out: String::new() };
    writer.comment(intro, 0);
    for document in documents {
        writer.out.push_str("---\n");
        writer.out.push_str(&document.text());
    }
    writer.out
}

/// One value as a document without comments.
#[must_use]
pub fn to_text(value: &Value) -> String {
    Document::new(value.clone()).text()
}

/// A name as one part of a JSON pointer (RFC 6901).
#[must_use]
pub fn pointer_part(name: &str) -> Cow<'_, str> {
    if name.contains(['~', '/']) {
        Cow::Owned(name.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(name)
    }
}

struct Writer<'a> {
    notes: &'a [(String, String)],
    out: String,
}

impl Writer<'_> {
    /// A collection that is not empty, its lines indented by `indent`. The first line is indented
    /// by what is missing from `written` only: an element of a sequence goes on behind its dash.
    fn node(&mut self, value: &Value, path: &str, indent: usize, written: usize) {
        let mut written = written;
        match value {
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(name, _)| (rank(name), *name));
                for (name, value) in entries {
                    let path = format!("{path}/{}", pointer_part(name));
                    // A comment behind a dash stands above the dash: `sequence` wrote it.
                    if written == 0 {
                        self.notes_at(&path, indent);
                    }
                    self.indent(indent - written);
                    written = 0;
                    self.out.push_str(&key_text(name));
                    self.out.push(':');
                    self.member(value, &path, indent);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}/{index}");
                    if written == 0 {
                        self.notes_at(&path, indent);
                        self.notes_of_first(item, &path, indent);
                    }
                    self.indent(indent - written);
                    written = 0;
                    self.out.push_str("- ");
                    if is_block(item) {
                        self.node(item, &path, indent + 2, indent + 2);
                    } else {
                        self.out.push_str(&scalar_text(item, indent));
                        self.out.push('\n');
                    }
                }
            }
            _ => {}
        }
    }

    /// The value of a member, behind its colon.
    fn member(&mut self, value: &Value, path: &str, indent: usize) {
        if is_block(value) {
            self.out.push('\n');
            self.node(value, path, indent + 2, 0);
        } else {
            self.out.push(' ');
            self.out.push_str(&scalar_text(value, indent));
            self.out.push('\n');
        }
    }

    /// Comments of the first member or element of `value`, which shares its line with a dash.
    fn notes_of_first(&mut self, value: &Value, path: &str, indent: usize) {
        let (path, first) = match value {
            Value::Object(map) => {
                let Some((name, first)) = map.iter().min_by_key(|(name, _)| (rank(name), *name))
                else {
                    return;
                };
                (format!("{path}/{}", pointer_part(name)), first)
            }
            Value::Array(items) => {
                let Some(first) = items.first() else { return };
                (format!("{path}/0"), first)
            }
            _ => return,
        };
        self.notes_at(&path, indent);
        // Only an element goes on in the same line; a member's collection has lines of its own.
        if value.is_array() {
            self.notes_of_first(first, &path, indent);
        }
    }

    fn notes_at(&mut self, path: &str, indent: usize) {
        for (pointer, text) in self.notes {
            if pointer == path {
                self.comment(text, indent);
            }
        }
    }

    fn comment(&mut self, text: &str, indent: usize) {
        for line in comment_lines(text, COMMENT_WIDTH.saturating_sub(indent + 2)) {
            self.indent(indent);
            self.out.push('#');
            if !line.is_empty() {
                self.out.push(' ');
                self.out.push_str(&line);
            }
            self.out.push('\n');
        }
    }

    fn indent(&mut self, columns: usize) {
        self.out.extend(std::iter::repeat_n(' ', columns));
    }
}

fn rank(name: &str) -> usize {
    RANKS.iter().position(|known| *known == name).unwrap_or(RANKS.len())
}

/// Whether a value takes lines of its own.
fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// Long strings stay in their line: folded ones are hard to compare and to search for.
fn options() -> SerializerOptions {
    ser_options! { folded_wrap_chars: usize::MAX }
}

/// A scalar or an empty collection, without a final line break. `indent` is the column of the
/// member or dash it belongs to.
fn scalar_text(value: &Value, indent: usize) -> String {
    // As the value of a member: a block scalar needs a parent to be indented below. Writing a
    // value to a string cannot fail; JSON is YAML, so it is what is left.
    let text = serde_saphyr::to_string_with_options(&Member { v: value }, options())
        .unwrap_or_else(|_| format!("v: {value}\n"));
    let text = text.strip_prefix("v:").unwrap_or(&text);
    let text = text.strip_prefix(' ').unwrap_or(text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    let mut lines = text.split('\n');
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        out.push('\n');
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
    }
    out
}

#[derive(Serialize)]
struct Member<'a> {
    v: &'a Value,
}

/// The name of a member: always in one line.
fn key_text(name: &str) -> String {
    let quoted = || {
        serde_saphyr::to_string_with_options(&DoubleQuoted(name), options())
            .map_or_else(|_| Value::from(name).to_string(), |text| text.trim_end().to_owned())
    };
    if name.chars().any(char::is_control) {
        return quoted();
    }
    let plain = scalar_text(&Value::from(name), 0);
    if plain.contains('\n') { quoted() } else { plain }
}

/// The lines of a comment. Whatever would end the comment is a space: line breaks other than
/// `\n`, control characters.
fn comment_lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if text.is_empty() {
        return lines;
    }
    for line in text.split('\n') {
        let line: String = line
            .chars()
            .map(|c| match c {
                '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => ' ',
                c if c.is_control() => ' ',
                c => c,
            })
            .collect();
        if line.starts_with(' ') {
            lines.push(line.trim_end().to_owned());
            continue;
        }
        let mut current = String::new();
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            if !current.is_empty() && current.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut current));
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push(current);
    }
    lines
}

#[cfg(test)]
mod tests;
