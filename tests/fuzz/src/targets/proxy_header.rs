//! The first bytes of a connection from a trusted load balancer.

use std::net::SocketAddr;

use outpost_decision::proxy_header::{Opening, ProxyHeader, parse};

use super::Target;

pub(super) const TARGET: Target = Target {
    name: "proxy_header",
    asserts: "a PROXY header says the same however it arrives and whatever follows it, is bounded, and \
              says the same when written anew",
    check,
};

/// The longest header that any sender may announce, with its fixed part.
const LONGEST: usize = 16 + 4096;

fn check(data: &[u8]) {
    match parse(data) {
        Ok(Opening::Header(header, length)) => {
            assert!(length <= data.len() && length <= LONGEST);
            let (whole, _) = data.split_at(length);
            assert_eq!(parse(whole), Ok(Opening::Header(header.clone(), length)));
            for cut in [0, 1, length / 2, length - 1] {
                assert_eq!(parse(&whole[..cut]), Ok(Opening::Incomplete), "{cut} of {length}");
            }
            if whole[0] == b'P' {
                assert!(!header.tls && header.server_name.is_none());
                assert_eq!(header.source, naive_line(whole), "{whole:?}");
            }
            let anew = written(&header);
            assert_eq!(parse(&anew), Ok(Opening::Header(header, anew.len())));
        }
        Ok(Opening::None) => assert!(!data.starts_with(b"PROXY ") && !data.starts_with(SIGNATURE)),
        Ok(Opening::Incomplete) => {
            assert!(data.len() < LONGEST);
            let fits = |with: &[u8]| data.starts_with(with) || with.starts_with(data);
            assert!(fits(b"PROXY ") || fits(SIGNATURE));
        }
        Err(_) => {
            // What cannot be read is no better for what follows it.
            let more = [data, b"\r\nGET / HTTP/1.1\r\n\r\n"].concat();
            assert!(!matches!(parse(&more), Ok(Opening::None)));
        }
    }
}

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Version 1 as its specification writes it: single blanks, six words.
fn naive_line(line: &[u8]) -> Option<SocketAddr> {
    let line = std::str::from_utf8(line).unwrap().strip_suffix("\r\n").unwrap();
    let mut words = line.split(' ').skip(1);
    let family = words.next().unwrap();
    if family == "UNKNOWN" {
        return None;
    }
    let address = words.next().unwrap().parse::<std::net::IpAddr>().unwrap();
    assert_eq!(address.is_ipv4(), family == "TCP4");
    let port = words.nth(1).unwrap().parse().unwrap();
    assert_eq!(words.count(), 1, "a port of the destination, and nothing more");
    Some(SocketAddr::new(address, port))
}

/// A header of version 2 that says the same.
fn written(header: &ProxyHeader) -> Vec<u8> {
    let mut rest = Vec::new();
    let family = match header.source {
        Some(SocketAddr::V4(source)) => {
            rest.extend(source.ip().octets());
            rest.extend([0; 4]);
            rest.extend(source.port().to_be_bytes());
            rest.extend([0; 2]);
            0x11
        }
        Some(SocketAddr::V6(source)) => {
            rest.extend(source.ip().octets());
            rest.extend([0; 16]);
            rest.extend(source.port().to_be_bytes());
            rest.extend([0; 2]);
            0x21
        }
        None => {
            rest.extend([0; 216]);
            0x31
        }
    };
    if header.tls {
        rest.extend([0x20, 0, 1, 1]);
    }
    if let Some(name) = &header.server_name {
        rest.push(0x02);
        rest.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
        rest.extend(name.as_bytes());
    }
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[0x21, family], &length, &rest].concat()
}
