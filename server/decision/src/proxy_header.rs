//! The PROXY protocol, versions 1 and 2: who really opened a connection, as a load balancer in
//! front says before the first byte of it (contract 2; specification by HAProxy,
//! `doc/proxy-protocol.txt`).
//!
//! Whether the sender is to be believed is not decided here: only a trusted peer's bytes may be
//! given to [`parse`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;

/// What begins a header of version 2.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes of a header of version 2 before its addresses.
const FIXED: usize = 16;
/// Longest header of version 1, with its line end (specification, 2.1).
const LONGEST_V1: usize = 107;
/// Most bytes that a header of version 2 may announce: addresses and every extension in use stay
/// far below, and whoever connects can make us keep this much.
const LONGEST_V2: usize = 4096;

const TLV_AUTHORITY: u8 = 0x02;
const TLV_SSL: u8 = 0x20;
/// Bit of `TLV_SSL`: the client spoke TLS to the sender.
const CLIENT_SSL: u8 = 0x01;

/// What a header says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyHeader {
    /// Who opened the connection to the sender. `None` when the sender speaks for itself (a health
    /// check), or does not know.
    pub source: Option<SocketAddr>,
    /// Whether the client spoke TLS to the sender.
    pub tls: bool,
    /// The server name of that TLS handshake.
    pub server_name: Option<String>,
}

/// What the first bytes of a connection are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A header of so many bytes; the connection itself begins after them.
    Header(ProxyHeader, usize),
    /// No header: the connection begins with the first byte.
    None,
    /// The beginning of a header, maybe: more bytes will tell.
    Incomplete,
}

/// Why a header cannot be believed. The connection is to be closed: what follows it cannot be
/// told from it (specification, 2).
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ProxyHeaderError {
    /// A line that is no header of version 1.
    #[error("a PROXY line that cannot be read")]
    Line,
    /// A version or command that does not exist.
    #[error("a PROXY header of a version or command that is not known")]
    Version,
    /// Longer than any real one.
    #[error("a PROXY header longer than {LONGEST_V2} bytes")]
    TooLong,
    /// Shorter than what it should hold.
    #[error("a PROXY header that is cut short")]
    Short,
}

/// Reads the header at the beginning of `bytes`, which are the first ones of a connection.
///
/// # Errors
/// See [`ProxyHeaderError`].
pub fn parse(bytes: &[u8]) -> Result<Opening, ProxyHeaderError> {
    const V1: &[u8] = b"PROXY ";
    if bytes.is_empty() {
        return Ok(Opening::Incomplete);
    }
    let begins = |with: &[u8]| bytes.iter().zip(with).all(|(byte, expected)| byte == expected);
    if begins(V1) {
        return if bytes.len() < V1.len() { Ok(Opening::Incomplete) } else { version_1(bytes) };
    }
    if begins(SIGNATURE) {
        return if bytes.len() < FIXED { Ok(Opening::Incomplete) } else { version_2(bytes) };
    }
    Ok(Opening::None)
}

fn version_1(bytes: &[u8]) -> Result<Opening, ProxyHeaderError> {
    let within = &bytes[..bytes.len().min(LONGEST_V1)];
    let Some(end) = within.windows(2).position(|pair| pair == b"\r\n") else {
        return if bytes.len() < LONGEST_V1 {
            Ok(Opening::Incomplete)
        } else {
            Err(ProxyHeaderError::Line)
        };
    };
    let line = std::str::from_utf8(&within[..end]).map_err(|_| ProxyHeaderError::Line)?;
    let words: Vec<&str> = line.split(' ').collect();
    let source = match *words.as_slice() {
        ["PROXY", "UNKNOWN", ..] => None,
        ["PROXY", "TCP4", source, destination, source_port, destination_port] => {
            let _: Ipv4Addr = address(destination)?;
            let _ = port(destination_port)?;
            let source: Ipv4Addr = address(source)?;
            Some(SocketAddr::new(IpAddr::V4(source), port(source_port)?))
        }
        ["PROXY", "TCP6", source, destination, source_port, destination_port] => {
            let _: Ipv6Addr = address(destination)?;
            let _ = port(destination_port)?;
            let source: Ipv6Addr = address(source)?;
            Some(SocketAddr::new(IpAddr::V6(source), port(source_port)?))
        }
        _ => return Err(ProxyHeaderError::Line),
    };
    Ok(Opening::Header(ProxyHeader { source, ..ProxyHeader::default() }, end + 2))
}

fn address<A: std::str::FromStr>(text: &str) -> Result<A, ProxyHeaderError> {
    text.parse().map_err(|_| ProxyHeaderError::Line)
}

/// Decimal, without a sign or leading zeros.
fn port(text: &str) -> Result<u16, ProxyHeaderError> {
    let plain = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|_| plain).ok_or(ProxyHeaderError::Line)
}

/// `bytes` hold the fixed part at least.
fn version_2(bytes: &[u8]) -> Result<Opening, ProxyHeaderError> {
    let (version, command) = (bytes[12] >> 4, bytes[12] & 0x0f);
    if version != 2 || command > 1 {
        return Err(ProxyHeaderError::Version);
    }
    let length = usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    if length > LONGEST_V2 {
        return Err(ProxyHeaderError::TooLong);
    }
    let Some(rest) = bytes.get(FIXED..FIXED + length) else {
        return Ok(Opening::Incomplete);
    };
    let whole = FIXED + length;
    // LOCAL: the sender speaks for itself, whatever else stands there.
    if command == 0 {
        return Ok(Opening::Header(ProxyHeader::default(), whole));
    }
    let (source, extensions) = match bytes[13] {
        // TCP over IPv4.
        0x11 => {
            let (fields, extensions) =
                rest.split_first_chunk::<12>().ok_or(ProxyHeaderError::Short)?;
            let ip = Ipv4Addr::new(fields[0], fields[1], fields[2], fields[3]);
            let port = u16::from_be_bytes([fields[8], fields[9]]);
            (Some(SocketAddr::new(ip.into(), port)), extensions)
        }
        // TCP over IPv6.
        0x21 => {
            let (fields, extensions) =
                rest.split_first_chunk::<36>().ok_or(ProxyHeaderError::Short)?;
            let (ip, _) = fields.split_first_chunk::<16>().ok_or(ProxyHeaderError::Short)?;
            let port = u16::from_be_bytes([fields[32], fields[33]]);
            (Some(SocketAddr::new(Ipv6Addr::from(*ip).into(), port)), extensions)
        }
        // Unix sockets: two paths of 108 bytes.
        0x31 => (None, rest.get(216..).ok_or(ProxyHeaderError::Short)?),
        // Not specified, or something we do not serve: as the real peer.
        _ => return Ok(Opening::Header(ProxyHeader::default(), whole)),
    };
    let mut header = ProxyHeader { source, ..ProxyHeader::default() };
    read_extensions(extensions, &mut header)?;
    Ok(Opening::Header(header, whole))
}

fn read_extensions(mut bytes: &[u8], header: &mut ProxyHeader) -> Result<(), ProxyHeaderError> {
    while let Some((fixed, rest)) = bytes.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([fixed[1], fixed[2]]));
        let value = rest.get(..length).ok_or(ProxyHeaderError::Short)?;
        bytes = &rest[length..];
        match fixed[0] {
            TLV_SSL => header.tls = value.first().is_some_and(|bits| bits & CLIENT_SSL != 0),
            TLV_AUTHORITY => header.server_name = String::from_utf8(value.to_vec()).ok(),
            _ => {}
        }
    }
    if bytes.is_empty() { Ok(()) } else { Err(ProxyHeaderError::Short) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn source(bytes: &[u8]) -> Option<String> {
        match parse(bytes) {
            Ok(Opening::Header(header, length)) => {
                assert_eq!(length, bytes.len());
                Some(header.source.map_or_else(|| "itself".to_owned(), |at| at.to_string()))
            }
            _ => None,
        }
    }

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[0x20 | command, family], &length, rest].concat()
    }

    const V4: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 1, 0xbb];

    #[test]
    fn version_1_tells_the_client() {
        for (line, expected) in [
            ("PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n", "192.0.2.7:12345"),
            ("PROXY TCP6 2001:db8::7 ::1 12345 443\r\n", "[2001:db8::7]:12345"),
            ("PROXY UNKNOWN\r\n", "itself"),
            ("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", "itself"),
        ] {
            assert_eq!(source(line.as_bytes()).as_deref(), Some(expected), "{line:?}");
        }
    }

    #[test]
    fn a_line_that_is_no_header_is_an_error() {
        for line in [
            "PROXY \r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 12345\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 12345 443 x\r\n",
            "PROXY TCP4 2001:db8::7 10.0.0.1 12345 443\r\n",
            "PROXY TCP6 192.0.2.7 10.0.0.1 12345 443\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 +1 443\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 01 443\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 65536 443\r\n",
            "PROXY TCP4  192.0.2.7 10.0.0.1 1 443\r\n",
            "PROXY UDP4 192.0.2.7 10.0.0.1 1 443\r\n",
        ] {
            assert_eq!(parse(line.as_bytes()), Err(ProxyHeaderError::Line), "{line:?}");
        }
        let endless = format!("PROXY TCP4 {}", "1".repeat(200));
        assert_eq!(parse(endless.as_bytes()), Err(ProxyHeaderError::Line));
    }

    #[test]
    fn version_2_tells_the_client() {
        let v6 = [&[0x20, 1, 0x0d, 0xb8][..], &[0; 11], &[7], &[0; 16], &V4[8..]].concat();
        for (bytes, expected) in [
            (v2(1, 0x11, &V4), "192.0.2.7:12345"),
            (v2(1, 0x21, &v6), "[2001:db8::7]:12345"),
            (v2(1, 0x31, &[0; 216]), "itself"),
            (v2(1, 0x00, &[]), "itself"),
            (v2(0, 0x11, &V4), "itself"),
        ] {
            assert_eq!(source(&bytes).as_deref(), Some(expected), "{bytes:?}");
        }
    }

    #[test]
    fn version_2_tells_of_tls_and_the_name_asked_for() {
        let ssl = [0x20, 0, 5, 1, 0, 0, 0, 0];
        let authority = [&[0x02, 0, 8][..], b"app.test"].concat();
        let bytes = v2(1, 0x11, &[&V4[..], &authority, &ssl].concat());
        let Ok(Opening::Header(header, _)) = parse(&bytes) else { panic!("no header") };
        assert!(header.tls);
        assert_eq!(header.server_name.as_deref(), Some("app.test"));
        let without = v2(1, 0x11, &[&V4[..], &[0x20, 0, 5, 0, 0, 0, 0, 0]].concat());
        let Ok(Opening::Header(header, _)) = parse(&without) else { panic!("no header") };
        assert!(!header.tls);
    }

    #[test]
    fn version_2_that_lies_about_itself_is_an_error() {
        for (bytes, error) in [
            (v2(2, 0x11, &V4), ProxyHeaderError::Version),
            (v2(1, 0x11, &V4[..11]), ProxyHeaderError::Short),
            (v2(1, 0x21, &V4), ProxyHeaderError::Short),
            (v2(1, 0x11, &[&V4[..], &[0x02, 0, 9, b'x']].concat()), ProxyHeaderError::Short),
            (v2(1, 0x11, &[&V4[..], &[0x02]].concat()), ProxyHeaderError::Short),
            (v2(1, 0x11, &[0; LONGEST_V2 + 1]), ProxyHeaderError::TooLong),
        ] {
            assert_eq!(parse(&bytes), Err(error));
        }
        let mut first = v2(1, 0x11, &V4);
        first[12] = 0x11;
        assert_eq!(parse(&first), Err(ProxyHeaderError::Version));
    }

    #[test]
    fn http_and_tls_are_no_headers() {
        for bytes in
            [&b"GET / HTTP/1.1\r\n"[..], b"PRI * HTTP/2.0\r\n", b"P", &[22, 3, 1], b"\r\nG"]
        {
            let opening = parse(bytes).unwrap();
            let expected = if bytes == b"P" { Opening::Incomplete } else { Opening::None };
            assert_eq!(opening, expected, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn however_a_header_arrives_it_says_the_same(cut in 0_usize..43, second in any::<bool>()) {
            let whole = if second {
                v2(1, 0x11, &[&V4[..], &[0x20, 0, 5, 1, 0, 0, 0, 0]].concat())
            } else {
                b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n".to_vec()
            };
            let cut = cut.min(whole.len() - 1);
            prop_assert_eq!(parse(&whole[..cut]), Ok(Opening::Incomplete));
            let more = [&whole[..], b"GET / HTTP/1.1\r\n"].concat();
            prop_assert_eq!(parse(&more), parse(&whole));
        }

        #[test]
        fn no_bytes_make_it_panic_or_read_past_them(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for bytes in [bytes.clone(), [&SIGNATURE[..], &bytes].concat(), [b"PROXY ", &bytes[..]].concat()] {
                if let Ok(Opening::Header(_, length)) = parse(&bytes) {
                    prop_assert!(length <= bytes.len());
                }
            }
        }
    }
}
