//! W3C Trace Context: who called whom, across programs (<https://www.w3.org/TR/trace-context/>).

mod state;
#[cfg(test)]
mod tests;

use std::fmt;

pub use self::state::trace_state;

/// Flag: whoever called records its part.
const SAMPLED: u8 = 1;

/// Flag of level 2: the id is random enough to be sampled by. Passed on, and not set by us: there
/// are still readers who know `00` and `01` only.
const RANDOM: u8 = 2;

/// Length of the fields of version 00, in bytes.
const LENGTH: usize = 55;

/// Id of a whole trace. Never all zeroes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// Id of one span of a trace. Never all zeroes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

impl TraceId {
    /// An id from random bytes; zeroes are no id, and the last bit is set in their place.
    #[must_use]
    pub fn from_random(mut bytes: [u8; 16]) -> Self {
        if bytes == [0; 16] {
            bytes[15] = 1;
        }
        Self(bytes)
    }

    /// The bytes, as they travel.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl SpanId {
    /// An id from random bytes; zeroes are no id, and the last bit is set in their place.
    #[must_use]
    pub fn from_random(mut bytes: [u8; 8]) -> Self {
        if bytes == [0; 8] {
            bytes[7] = 1;
        }
        Self(bytes)
    }

    /// The bytes, as they travel.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A place in a trace: what `traceparent` says. Displays as that header's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span that calls.
    pub span: SpanId,
    flags: u8,
}

impl TraceContext {
    /// The beginning of a trace.
    #[must_use]
    pub const fn begin(trace: TraceId, span: SpanId, sampled: bool) -> Self {
        Self { trace, span, flags: if sampled { SAMPLED } else { 0 } }
    }

    /// Another span of the same trace.
    #[must_use]
    pub const fn child(self, span: SpanId) -> Self {
        Self { span, ..self }
    }

    /// Whether the caller records its part, and asks everybody to.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Reads the values of `traceparent`. Anything that the standard calls invalid, and more than
    /// one value, is `None`: a trace begins anew then. Later versions are read as far as they look
    /// like the first (3.2.4 of the standard).
    #[must_use]
    pub fn parse<'v>(mut values: impl Iterator<Item = &'v [u8]>) -> Option<Self> {
        let value = values.next()?.trim_ascii();
        if values.next().is_some() {
            return None;
        }
        let fields: &[u8; LENGTH] = value.first_chunk()?;
        let [version] = hex(&fields[..2])?;
        match value.get(LENGTH) {
            None => {}
            Some(b'-') if version > 0 => {}
            Some(_) => return None,
        }
        if version == 0xff || fields[2] != b'-' || fields[35] != b'-' || fields[52] != b'-' {
            return None;
        }
        let trace: [u8; 16] = hex(&fields[3..35])?;
        let span: [u8; 8] = hex(&fields[36..52])?;
        let [flags] = hex(&fields[53..])?;
        if trace == [0; 16] || span == [0; 8] {
            return None;
        }
        let flags = flags & (SAMPLED | RANDOM);
        Some(Self { trace: TraceId(trace), span: SpanId(span), flags })
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, self.flags)
    }
}

/// Lower-case hexadecimal digits only, as the standard wants.
fn hex<const BYTES: usize>(digits: &[u8]) -> Option<[u8; BYTES]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// Which of the traces that begin here are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRatio {
    /// Of 2^63.
    threshold: u64,
}

impl SampleRatio {
    /// A part between 0 and 1; what lies outside counts as the nearer end.
    #[must_use]
    pub fn new(ratio: f64) -> Self {
        const ALL: f64 = 9_223_372_036_854_775_808.0;
        // The cast saturates, and takes what is no number for 0.
        Self { threshold: (ratio.clamp(0.0, 1.0) * ALL) as u64 }
    }

    /// Whether the trace is recorded: by its id, so that everybody with the same ratio records
    /// the same ones, and whoever records less records some of these.
    #[must_use]
    pub fn takes(&self, trace: TraceId) -> bool {
        let low = u128::from_be_bytes(trace.0) as u64;
        (low >> 1) < self.threshold
    }
}
