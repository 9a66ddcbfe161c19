//! What is said on a connection for reads: one command for the fields of a hash, and its answers.
//! Whatever else a server answers is for whoever knows all of the protocol.

use std::io::Write as _;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// Values of fields, in the order in which they were asked for; `None` where there is none.
pub(super) type Values<const N: usize> = [Option<Bytes>; N];

/// Longest line before the bytes of a value: a sign, digits, the end.
const LONGEST_LINE: usize = 32;

/// Longest line of a refusal.
const LONGEST_REFUSAL: usize = 4096;

/// Most bytes of a value: a record has some thousands.
const LONGEST_VALUE: usize = 64 * 1024 * 1024;

/// What the bytes that have come begin with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer<const N: usize> {
    /// Less than an answer.
    Part,
    /// An answer, which was taken out.
    Values(Values<N>),
    /// A refusal, which was taken out.
    Refusal,
    /// Something else: where the next answer begins is not known.
    Nonsense,
}

/// Appends the command that asks for the fields of a hash.
pub(super) fn ask<const N: usize>(to: &mut Vec<u8>, hash: &str, fields: &[&str; N]) {
    // To a vector, it cannot fail.
    let _ = write!(to, "*{}\r\n$5\r\nHMGET\r\n", N + 2);
    for word in std::iter::once(&hash).chain(fields) {
        let _ = write!(to, "${}\r\n", word.len());
        to.extend_from_slice(word.as_bytes());
        to.extend_from_slice(b"\r\n");
    }
}

/// Takes the next answer out of what has come.
pub(super) fn take<const N: usize>(bytes: &mut BytesMut) -> Answer<N> {
    let read = Reader { bytes, at: 0 }.answer();
    match read {
        Ok((end, Some(places))) => {
            let answer = bytes.split_to(end).freeze();
            Answer::Values(places.map(|place| place.map(|place| answer.slice(place))))
        }
        Ok((end, None)) => {
            let _ = bytes.split_to(end);
            Answer::Refusal
        }
        Err(Stop::Part) => Answer::Part,
        Err(Stop::Nonsense) => Answer::Nonsense,
    }
}

/// Why there is no answer to be had.
enum Stop {
    Part,
    Nonsense,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Where the values lie.
type Places<const N: usize> = [Option<Range<usize>>; N];

impl Reader<'_> {
    /// Where an answer ends, and where its values lie, unless it is a refusal.
    fn answer<const N: usize>(mut self) -> Result<(usize, Option<Places<N>>), Stop> {
        if self.bytes.first() == Some(&b'-') {
            self.line(LONGEST_REFUSAL)?;
            return Ok((self.at, None));
        }
        if self.number(b'*')? != i64::try_from(N).unwrap_or(i64::MAX) {
            return Err(Stop::Nonsense);
        }
        let mut places = [const { None }; N];
        for place in &mut places {
            *place = self.value()?;
        }
        Ok((self.at, Some(places)))
    }

    fn value(&mut self) -> Result<Option<Range<usize>>, Stop> {
        let length = match self.number(b'$')? {
            -1 => return Ok(None),
            length => usize::try_from(length).map_err(|_| Stop::Nonsense)?,
        };
        if length > LONGEST_VALUE {
            return Err(Stop::Nonsense);
        }
        let (begin, end) = (self.at, self.at + length);
        match self.bytes.get(end..end + 2) {
            Some(b"\r\n") => self.at = end + 2,
            Some(_) => return Err(Stop::Nonsense),
            None => return Err(Stop::Part),
        }
        Ok(Some(begin..end))
    }

    fn number(&mut self, kind: u8) -> Result<i64, Stop> {
        let line = self.line(LONGEST_LINE)?;
        let digits = line.strip_prefix(&[kind]).ok_or(Stop::Nonsense)?;
        let digits = std::str::from_utf8(digits).ok();
        digits.and_then(|digits| digits.parse().ok()).ok_or(Stop::Nonsense)
    }

    /// The next line without its end, if it is no longer than that.
    fn line(&mut self, longest: usize) -> Result<&[u8], Stop> {
        let rest = &self.bytes[self.at..];
        let seen = &rest[..rest.len().min(longest)];
        let Some(length) = seen.iter().position(|byte| *byte == b'\r') else {
            return Err(if seen.len() < longest { Stop::Part } else { Stop::Nonsense });
        };
        match rest.get(length + 1) {
            None => Err(Stop::Part),
            Some(b'\n') => {
                self.at += length + 2;
                Ok(&rest[..length])
            }
            Some(_) => Err(Stop::Nonsense),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(sent: &[u8]) -> (Answer<2>, Vec<u8>) {
        let mut bytes = BytesMut::from(sent);
        let answer = take(&mut bytes);
        (answer, bytes.to_vec())
    }

    fn values(values: [Option<&'static [u8]>; 2]) -> Answer<2> {
        Answer::Values(values.map(|value| value.map(Bytes::from_static)))
    }

    #[test]
    fn a_command_is_what_the_redis_crate_writes() {
        let mut written = b"before".to_vec();
        ask(&mut written, "outpost:s:0a", &["clear", "sealed"]);
        let mut command = ::redis::cmd("HMGET");
        command.arg("outpost:s:0a").arg(&["clear", "sealed"]);
        assert_eq!(written, [b"before".as_slice(), &command.get_packed_command()].concat());
    }

    #[test]
    fn answers_are_taken_out_one_by_one_wherever_they_are_cut() {
        let whole = b"*2\r\n$4\r\na\r\nb\r\n$-1\r\n";
        let both = [whole.as_slice(), b"*2\r\n$0\r\n\r\n$1\r\nx\r\n"].concat();
        let (answer, rest) = taken(&both);
        assert_eq!(answer, values([Some(b"a\r\nb"), None]));
        assert_eq!(taken(&rest), (values([Some(b""), Some(b"x")]), Vec::new()));
        for cut in 0..whole.len() {
            assert_eq!(taken(&whole[..cut]), (Answer::Part, whole[..cut].to_vec()), "{cut}");
        }
    }

    #[test]
    fn a_refusal_is_taken_out_and_what_follows_stays() {
        let refused = b"-MOVED 1 127.0.0.1:2\r\n";
        let (answer, rest) = taken(&[refused.as_slice(), b"*2\r\n"].concat());
        assert_eq!((answer, rest), (Answer::Refusal, b"*2\r\n".to_vec()));
        assert_eq!(taken(&refused[..refused.len() - 1]).0, Answer::Part);
    }

    #[test]
    fn whatever_else_a_server_says_is_nonsense() {
        for sent in [
            "+OK\r\n",
            ":1\r\n",
            "*3\r\n$1\r\na\r\n",
            "*1\r\n$1\r\na\r\n",
            "*2\r\n:1\r\n",
            "*2\r\n$1\r\nab\r\n",
            "*2\r\n$-2\r\n",
            "*2\r\n$99999999999\r\n",
            "*2\r\n$x\r\n",
            "*2\rx",
            "%2\r\n",
            "*00000000000000000000000000000000000000000000000000000000000002",
        ] {
            assert_eq!(taken(sent.as_bytes()).0, Answer::Nonsense, "{sent:?}");
        }
        let long = [b"-".as_slice(), &[b'x'; LONGEST_REFUSAL]].concat();
        assert_eq!(taken(&long).0, Answer::Nonsense);
    }
}
