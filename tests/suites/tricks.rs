//! What attackers write, for every suite that tries it.

/// Header lines that tell two ends of a body of `length` bytes: two programs may read them
/// differently.
pub(crate) fn two_ends(length: usize) -> [String; 13] {
    [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
        format!("Transfer-Encoding: chunked\r\ncontent-LENGTH: {length}\r\n"),
        "Content-Length: 5\r\nContent-Length: 6\r\n".to_owned(),
        "Content-Length: 5, 6\r\n".to_owned(),
        "Content-Length: +5\r\n".to_owned(),
        "Content-Length: -5\r\n".to_owned(),
        "Transfer-Encoding: xchunked\r\n".to_owned(),
        "Transfer-Encoding: chunked, identity\r\n".to_owned(),
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\n".to_owned(),
        "Transfer-Encoding : chunked\r\n".to_owned(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned(),
        "Transfer-Encoding:\u{b}chunked\r\n".to_owned(),
    ]
}

/// Spellings that one application or another takes for the same name.
pub(crate) fn spellings(name: &str) -> [String; 9] {
    [
        name.to_owned(),
        name.to_lowercase(),
        name.to_uppercase(),
        name.replace('-', "_"),
        name.replace('-', "_").to_lowercase(),
        name.replace('-', "_").to_uppercase(),
        name.replace('-', "."),
        name.replacen('-', "_", 1),
        name.replace('-', "~"),
    ]
}

/// Session cookies that nobody was given.
pub(crate) const GARBAGE_COOKIES: [&[u8]; 13] = [
    b"",
    b"x",
    b"null",
    b"true",
    b"{}",
    b"\"\"",
    b"../../../../etc/passwd",
    b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    b"!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
    b"\xff\xfe\xfd",
    b"\xc3\x28AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
    &[b'A'; 30_000],
];
