//! The body of an answer, out of the bytes of its connection (RFC 9112 6 and 7).

use bytes::{Buf as _, Bytes, BytesMut};
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use httparse::{EMPTY_HEADER, Status};

use super::head::{Framing, LINES, Malformed};

/// Longest line that begins a chunk, with whatever extensions it has, and longest trailers, in bytes.
const LONGEST: usize = 16 * 1024;

/// Reads one body.
#[derive(Debug)]
pub(super) enum Decoder {
    /// This many bytes are to come.
    Length(u64),
    Chunked(Chunk),
    /// Whatever comes.
    Close,
    Over,
}

/// Where in a chunked body it stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Chunk {
    /// Before the line that says how long the next one is.
    Begins,
    /// This many bytes of it are to come.
    Data(u64),
    /// Before the end of its line.
    Ends,
    /// After the last one.
    Trailers,
    Over,
}

/// A part of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Data(Bytes),
    /// The last part.
    Trailers(HeaderMap),
}

impl Decoder {
    pub(super) const fn new(framing: Framing) -> Self {
        match framing {
            Framing::Length(0) => Self::Over,
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(Chunk::Begins),
            Framing::Close => Self::Close,
        }
    }

    /// Whether nothing more of it is to come.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }

    /// Takes the next part out of what has come; `None` while there is none, and when it is over.
    pub(super) fn take(&mut self, bytes: &mut BytesMut) -> Result<Option<Part>, Malformed> {
        let part = match self {
            Self::Over => None,
            Self::Close => data(bytes, &mut { u64::MAX }),
            Self::Length(left) => data(bytes, left),
            Self::Chunked(chunk) => chunk.take(bytes)?,
        };
        if matches!(self, Self::Length(0) | Self::Chunked(Chunk::Over)) {
            *self = Self::Over;
        }
        Ok(part)
    }

    /// Notes that nothing more comes. Whether that is its end.
    pub(super) const fn end(&mut self) -> bool {
        if matches!(self, Self::Close) {
            *self = Self::Over;
        }
        self.is_over()
    }
}

impl Chunk {
    fn take(&mut self, bytes: &mut BytesMut) -> Result<Option<Part>, Malformed> {
        loop {
            *self = match self {
                Self::Begins => match begin(bytes)? {
                    None => return Ok(None),
                    Some(0) => Self::Trailers,
                    Some(length) => Self::Data(length),
                },
                Self::Data(left) => {
                    let part = data(bytes, left);
                    if *left == 0 {
                        *self = Self::Ends;
                    }
                    return Ok(part);
                }
                Self::Ends if bytes.len() < 2 => return Ok(None),
                Self::Ends if bytes.starts_with(b"\r\n") => {
                    bytes.advance(2);
                    Self::Begins
                }
                Self::Ends => return Err(Malformed::Chunk),
                Self::Trailers => {
                    let Some(trailers) = trailers(bytes)? else { return Ok(None) };
                    *self = Self::Over;
                    return Ok((!trailers.is_empty()).then_some(Part::Trailers(trailers)));
                }
                Self::Over => return Ok(None),
            }
        }
    }
}

/// What has come, of these bytes that are to come.
fn data(bytes: &mut BytesMut, left: &mut u64) -> Option<Part> {
    let taken = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
    *left -= taken as u64;
    (taken > 0).then(|| Part::Data(bytes.split_to(taken).freeze()))
}

/// Takes the line that begins a chunk and says how long it is (RFC 9112 7.1); its extensions are dropped.
fn begin(bytes: &mut BytesMut) -> Result<Option<u64>, Malformed> {
    let within = &bytes[..bytes.len().min(LONGEST)];
    let Some(end) = within.iter().position(|byte| *byte == b'\n') else {
        return if within.len() < LONGEST { Ok(None) } else { Err(Malformed::Chunk) };
    };
    let line = within[..end].strip_suffix(b"\r").ok_or(Malformed::Chunk)?;
    let size = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
    let hex = !size.is_empty() && size.iter().all(u8::is_ascii_hexdigit);
    let size = std::str::from_utf8(size).ok().filter(|_| hex).ok_or(Malformed::Chunk)?;
    let size = u64::from_str_radix(size, 16).map_err(|_| Malformed::Chunk)?;
    // No other end of a line is to be found in what is dropped.
    if line.contains(&b'\r') {
        return Err(Malformed::Chunk);
    }
    bytes.advance(end + 1);
    Ok(Some(size))
}

/// Takes the lines after the last chunk, nearly always none.
fn trailers(bytes: &mut BytesMut) -> Result<Option<HeaderMap>, Malformed> {
    let mut room = [EMPTY_HEADER; LINES];
    let (length, lines) = match httparse::parse_headers(bytes, &mut room) {
        Ok(Status::Complete((length, lines))) if length <= LONGEST => (length, lines),
        Ok(Status::Partial) if bytes.len() < LONGEST => return Ok(None),
        _ => return Err(Malformed::Trailers),
    };
    let mut trailers = HeaderMap::with_capacity(lines.len());
    for line in lines {
        let name = HeaderName::from_bytes(line.name.as_bytes());
        let value = HeaderValue::from_bytes(line.value);
        let (Ok(name), Ok(value)) = (name, value) else { return Err(Malformed::Trailers) };
        trailers.append(name, value);
    }
    bytes.advance(length);
    Ok(Some(trailers))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is read of `body` when it comes in pieces that end at `cuts`, and what is left.
    fn read(framing: Framing, body: &[u8], cuts: &[usize]) -> Result<(Read, Vec<u8>), Malformed> {
        let mut decoder = Decoder::new(framing);
        let (mut bytes, mut read) = (BytesMut::new(), Read::default());
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (body.len() + 1)).collect();
        cuts.push(body.len());
        cuts.sort_unstable();
        let mut begin = 0;
        for cut in cuts {
            bytes.extend_from_slice(&body[begin..cut]);
            begin = cut;
            while let Some(part) = decoder.take(&mut bytes)? {
                match part {
                    Part::Data(data) => read.data.extend_from_slice(&data),
                    Part::Trailers(trailers) => read.trailers = Some(trailers),
                }
            }
        }
        read.is_over = decoder.is_over();
        Ok((read, bytes.to_vec()))
    }

    #[derive(Debug, Default, PartialEq)]
    struct Read {
        data: Vec<u8>,
        trailers: Option<HeaderMap>,
        is_over: bool,
    }

    fn chunked(body: &str) -> Result<(Read, Vec<u8>), Malformed> {
        read(Framing::Chunked, body.as_bytes(), &[])
    }

    #[test]
    fn chunks_are_put_together_and_what_follows_stays() {
        let body = "5\r\nhello\r\n1 ;x=\"y\"\r\n!\r\n00A\r\n0123456789\r\n0\r\nX-Sum: 1\r\nx-b:2\r\n\r\nnext";
        for cut in 0..body.len() {
            let (read, left) = read(Framing::Chunked, body.as_bytes(), &[cut]).unwrap();
            assert_eq!(read.data, b"hello!0123456789", "{cut}");
            let trailers = read.trailers.unwrap();
            assert_eq!((&trailers["x-sum"], trailers.len()), (&HeaderValue::from_static("1"), 2));
            assert!(read.is_over);
            assert_eq!(left, b"next");
        }
        let (read, left) = chunked("0\r\n\r\n").unwrap();
        assert_eq!((read, left), (Read { is_over: true, ..Read::default() }, Vec::new()));
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for body in [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "+1\r\na\r\n",
            "0x1\r\na\r\n",
            " 1\r\na\r\n",
            "1\na\r\n",
            "1\r\r\na\r\n",
            "1;a\rb\r\na\r\n",
            "1 2\r\na\r\n",
            "11111111111111111\r\n",
            "1\r\nabc",
            "1\r\na\n\n",
            "0\r\nno colon\r\n\r\n",
            "0\r\na b: c\r\n\r\n",
        ] {
            assert!(chunked(body).is_err(), "{body:?}");
        }
        assert_eq!(chunked(&"1".repeat(LONGEST)).unwrap_err(), Malformed::Chunk);
        let long = format!("0\r\nA: {}", "b".repeat(LONGEST));
        assert_eq!(chunked(&long).unwrap_err(), Malformed::Trailers);
    }

    #[test]
    fn half_a_body_is_not_over() {
        for half in ["", "5", "5\r\nhel", "5\r\nhello", "5\r\nhello\r\n", "0\r\n", "0\r\nA: b\r\n"]
        {
            let mut decoder = Decoder::new(Framing::Chunked);
            let mut bytes = BytesMut::from(half);
            while decoder.take(&mut bytes).unwrap().is_some() {}
            assert!(!decoder.end(), "{half:?}");
        }
        let mut decoder = Decoder::new(Framing::Length(2));
        assert!(decoder.take(&mut BytesMut::from("a")).unwrap().is_some());
        assert!(!decoder.end());
        let mut decoder = Decoder::new(Framing::Close);
        assert!(!decoder.is_over() && decoder.end() && decoder.is_over());
    }

    proptest! {
        #[test]
        fn bodies_are_what_was_sent_however_they_come(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
            cuts in prop::collection::vec(any::<usize>(), 0..12),
        ) {
            let data = parts.concat();
            let mut body = Vec::new();
            for part in &parts {
                body.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
                body.extend_from_slice(part);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"0\r\n\r\n");
            let expected = Read { data, trailers: None, is_over: true };
            prop_assert_eq!(&read(Framing::Chunked, &body, &cuts).unwrap(), &(expected, vec![]));

            let (length, left) = (body.len() / 2, body[body.len() / 2..].to_vec());
            let (read_, rest) = read(Framing::Length(length as u64), &body, &cuts).unwrap();
            prop_assert!(read_.is_over && rest == left && read_.data == body[..length]);

            let (read_, rest) = read(Framing::Close, &body, &cuts).unwrap();
            prop_assert!(!read_.is_over && rest.is_empty() && read_.data == body);
        }

        #[test]
        fn whatever_comes_is_read_in_one_way(
            bytes in prop::collection::vec(prop_oneof![
                4 => prop::sample::select(b"01aF;\r\n: ".to_vec()), 1 => any::<u8>(),
            ], 0..80),
            cuts in prop::collection::vec(any::<usize>(), 0..12),
        ) {
            prop_assert_eq!(
                read(Framing::Chunked, &bytes, &cuts),
                read(Framing::Chunked, &bytes, &[])
            );
        }
    }
}
