//! Lines of JSON: time, level, what the event says, its target, and the span that it happened in.
//!
//! Every request has such a line: its values are written as they are read into the one buffer of its
//! thread, and pass through no general serialiser.

use std::fmt::{self, Write};
use std::ops::Range;
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock;
use crate::ops::finish::MEMBERS;

/// Formats events as lines of JSON. The fields of spans are to be formatted as JSON as well.
#[derive(Debug)]
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // What comes of the `log` crate has its metadata in its fields.
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let mut stamp = Stamp::NEVER;
        begin(&mut line, &mut stamp, *metadata.level())?;
        let mut fields = Fields { line: &mut line, of_log: normalized.is_some(), result: Ok(()) };
        event.record(&mut fields);
        fields.result?;
        line.write_str(",\"target\":")?;
        text(&mut line, metadata.target())?;
        let span = match event.parent() {
            Some(id) => context.span(id),
            None if event.is_root() => None,
            None => context.lookup_current(),
        };
        if let Some(span) = span {
            line.write_str(",\"span\":{")?;
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                let inner = fields.fields.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
                if let Some(inner) = inner.filter(|inner| !inner.is_empty()) {
                    line.write_str(inner)?;
                    line.write_char(',')?;
                }
            }
            line.write_str("\"name\":")?;
            text(&mut line, span.name())?;
            line.write_char('}')?;
        }
        line.write_str("}\n")
    }
}

/// Writes what every line begins with: an object with its time and level.
pub(super) fn begin(line: &mut impl Write, stamp: &mut Stamp, level: Level) -> fmt::Result {
    line.write_str("{\"timestamp\":\"")?;
    line.write_str(stamp.of(clock::since_epoch()))?;
    line.write_str("\",\"level\":\"")?;
    line.write_str(level.as_str())?;
    line.write_char('"')
}

/// Writes fields as members of an object that has begun.
struct Fields<'l, 'w> {
    line: &'l mut Writer<'w>,
    of_log: bool,
    result: fmt::Result,
}

impl Fields<'_, '_> {
    fn member(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        // Metadata, told already.
        if self.result.is_err() || (self.of_log && field.name().starts_with("log.")) {
            return;
        }
        self.result = self.named(field.name(), value);
    }

    fn named(
        &mut self,
        name: &str,
        value: impl FnOnce(&mut Writer<'_>) -> fmt::Result,
    ) -> fmt::Result {
        self.line.write_char(',')?;
        text(self.line, name.strip_prefix("r#").unwrap_or(name))?;
        self.line.write_char(':')?;
        value(self.line)
    }
}

impl Visit for Fields<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.member(field, |line| match value.is_finite() {
            true => write!(line, "{value:?}"),
            // JSON has no such numbers.
            false => line.write_str("null"),
        });
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |line| write!(line, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |line| write!(line, "{value}"));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.member(field, |line| write!(line, "{value}"));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.member(field, |line| write!(line, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |line| line.write_str(if value { "true" } else { "false" }));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, |line| text(line, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == MEMBERS && self.result.is_ok() {
            self.result = write!(self.line, "{value:?}");
            return;
        }
        self.member(field, |line| {
            line.write_char('"')?;
            write!(Escaped(line), "{value:?}")?;
            line.write_char('"')
        });
    }
}

/// A string, in quotes (RFC 8259, section 7).
fn text(line: &mut Writer<'_>, text: &str) -> fmt::Result {
    line.write_char('"')?;
    Escaped(line).write_str(text)?;
    line.write_char('"')
}

/// Writes what stands within the quotes of a JSON string.
pub(in crate::ops) struct Escaped<'l, W>(pub(in crate::ops) &'l mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if is_plain(text) {
            return self.0.write_str(text);
        }
        let mut written = 0;
        for (at, byte) in text.bytes().enumerate() {
            let escape = match byte {
                b'"' => "\\\"",
                b'\\' => "\\\\",
                b'\n' => "\\n",
                b'\r' => "\\r",
                b'\t' => "\\t",
                0..0x20 => "",
                _ => continue,
            };
            // All of these are characters of one byte.
            self.0.write_str(text.get(written..at).unwrap_or_default())?;
            match escape {
                "" => write!(self.0, "\\u{byte:04x}")?,
                escape => self.0.write_str(escape)?,
            }
            written = at + 1;
        }
        self.0.write_str(text.get(written..).unwrap_or_default())
    }
}

/// Appends what stands within the quotes of a JSON string.
pub(in crate::ops) fn push_escaped(to: &mut String, text: &str) {
    if is_plain(text) {
        to.push_str(text);
    } else {
        // Memory takes everything.
        let _ = Escaped(to).write_str(text);
    }
}

/// Whether a text stands for itself within the quotes of a JSON string. Nearly every one does: eight of
/// its bytes are looked at together.
fn is_plain(text: &str) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = 0x80 * EACH;
    // The highest bit of a byte, where it is less than `bound`; above it more may be set that are not.
    let less = |word: u64, bound: u64| word.wrapping_sub(bound * EACH) & !word & HIGHEST;
    let is = |word: u64, byte: u8| less(word ^ (u64::from(byte) * EACH), 1);
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let special = words.iter().fold(0, |special, word| {
        let word = u64::from_le_bytes(*word);
        special | less(word, 0x20) | is(word, b'"') | is(word, b'\\')
    });
    special == 0 && !rest.iter().any(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\'))
}

/// A time as RFC 3339 writes it, in UTC, with microseconds; most of it lasts for a second.
#[derive(Debug)]
pub(super) struct Stamp {
    /// Since 1970; whole seconds.
    of: Option<u64>,
    text: [u8; 27],
}

impl Stamp {
    /// Of no time yet.
    pub(super) const NEVER: Self = Self { of: None, text: *b"0000-00-00T00:00:00.000000Z" };

    /// That of this time since 1970.
    pub(super) fn of(&mut self, since_epoch: Duration) -> &str {
        let seconds = since_epoch.as_secs();
        if self.of != Some(seconds) {
            self.of = Some(seconds);
            self.set_second(seconds);
        }
        self.set(20..26, u64::from(since_epoch.subsec_micros()));
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    fn set_second(&mut self, seconds: u64) {
        let (days, of_day) = (seconds / 86_400, seconds % 86_400);
        // Years that begin in March end with the day that leap years have; 400 of them are 146,097 days.
        let days = days + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = era * 400 + year + u64::from(month <= 2);
        for (place, number) in [
            (0..4, year),
            (5..7, month),
            (8..10, day),
            (11..13, of_day / 3600),
            (14..16, of_day / 60 % 60),
            (17..19, of_day % 60),
        ] {
            self.set(place, number);
        }
    }

    fn set(&mut self, place: Range<usize>, mut number: u64) {
        for digit in self.text.get_mut(place).into_iter().flatten().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    use crate::ops::logging::tests::capture;
    use crate::settings::{LogFormat, LogLevel};

    #[test]
    fn what_is_plain_is_what_json_does_not_escape() {
        for byte in 0..=u8::MAX {
            for length in 0..20 {
                for at in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = byte;
                    let text: String = bytes.iter().copied().map(char::from).collect();
                    let json = serde_json::to_string(&text).unwrap();
                    assert_eq!(is_plain(&text), json.len() == text.len() + 2, "{text:?}");
                }
            }
        }
    }

    fn lines(act: impl FnOnce()) -> Vec<Value> {
        let lines = capture(LogFormat::Json, LogLevel::Trace, |_| act());
        lines.iter().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    #[test]
    fn every_kind_of_value_is_read_back_as_it_was() {
        let every: String =
            (0..=0x7f).map(char::from).chain("üß€😀\u{7f}\u{2028}".chars()).collect();
        let told = lines(|| {
            tracing::info!(
                text = every.as_str(),
                debug = ?["a\"b", "c\\d\n"],
                display = %format_args!("x\ty"),
                r#type = "raw",
                dotted.name = 1,
                most = u64::MAX,
                least = i64::MIN,
                huge = u128::MAX,
                part = 0.1,
                whole = 3.0,
                none = f64::NAN,
                is = true,
                absent = Option::<&str>::None,
                "said {}",
                1
            );
        });
        let line = &told[0];
        assert_eq!(line["text"], every);
        assert_eq!(line["debug"], format!("{:?}", ["a\"b", "c\\d\n"]));
        assert_eq!(line["display"], "x\ty");
        assert_eq!(line["type"], "raw");
        assert_eq!(line["dotted.name"], 1);
        assert_eq!(line["most"], u64::MAX);
        assert_eq!(line["least"], i64::MIN);
        assert_eq!(line["part"], 0.1);
        assert_eq!(line["whole"], json!(3.0));
        assert_eq!(line["none"], Value::Null);
        assert_eq!(line["is"], true);
        assert_eq!(line.get("absent"), None);
        assert_eq!(line["message"], "said 1");
        assert_eq!(line["target"], module_path!());
        assert_eq!(line.get("span"), None);
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (951_868_800, "2000-03-01T00:00:00"),
            (1_709_251_199, "2024-02-29T23:59:59"),
            (1_735_689_599, "2024-12-31T23:59:59"),
            (1_735_689_600, "2025-01-01T00:00:00"),
            (4_107_542_399, "2100-02-28T23:59:59"),
            (4_107_542_400, "2100-03-01T00:00:00"),
            (253_402_300_799, "9999-12-31T23:59:59"),
        ] {
            let mut stamp = Stamp::NEVER;
            for (nanos, micros) in [(1_234_567, "001234"), (987_654_321, "987654")] {
                let text = stamp.of(Duration::new(seconds, nanos));
                assert_eq!(text, format!("{expected}.{micros}Z"));
            }
        }
    }

    #[test]
    fn a_line_names_the_innermost_span_it_is_in() {
        let told = lines(|| {
            let outer = tracing::info_span!("outer", id = "one");
            let _outer = outer.enter();
            tracing::info!("within one");
            let inner = tracing::info_span!("inner", id = "a\"}", count = 2).entered();
            tracing::info!("within both");
            tracing::info!(parent: &outer, "said to be of the outer");
            tracing::info!(parent: None, "said to be of none");
            drop(inner);
            tracing::info_span!("bare").in_scope(|| tracing::info!("within one that says nothing"));
        });
        let spans: Vec<&Value> = told.iter().map(|line| &line["span"]).collect();
        let outer = json!({"name": "outer", "id": "one"});
        let inner = json!({"name": "inner", "id": "a\"}", "count": 2});
        assert_eq!(spans, [&outer, &inner, &outer, &Value::Null, &json!({"name": "bare"})]);
    }
}
