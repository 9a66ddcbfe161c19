//! `tracestate`: what other tracing systems want to be carried along.

/// Members that the standard allows.
const MOST_MEMBERS: usize = 32;

/// Bytes that are passed on; the standard asks for at least these.
const LONGEST: usize = 512;

/// Reads the values of `tracestate`, in their order: one list to pass on. What is too long loses
/// members of more than 128 bytes first, then the last ones (3.3.1.5 of the standard). `None`
/// when there is nothing to pass on; a list that is not valid is dropped whole.
#[must_use]
pub fn trace_state<'v>(values: impl Iterator<Item = &'v [u8]>) -> Option<String> {
    let mut members: Vec<&str> = Vec::new();
    for value in values {
        let value = std::str::from_utf8(value).ok()?;
        for member in value.split(',') {
            let member = member.trim_matches([' ', '\t']);
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=')?;
            let twice =
                || members.iter().any(|other| other.split_once('=').is_some_and(|it| it.0 == key));
            if members.len() == MOST_MEMBERS || !is_key(key) || !is_value(value) || twice() {
                return None;
            }
            members.push(member);
        }
    }
    if joined_length(&members) > LONGEST {
        members.retain(|member| member.len() <= 128);
    }
    while joined_length(&members) > LONGEST {
        members.pop();
    }
    (!members.is_empty()).then(|| members.join(","))
}

fn joined_length(members: &[&str]) -> usize {
    members.iter().map(|member| member.len() + 1).sum::<usize>().saturating_sub(1)
}

fn is_key(key: &str) -> bool {
    let rest =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte);
    let starts = key
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit());
    starts && key.len() <= 256 && key.bytes().all(rest) && key.matches('@').count() <= 1
}

fn is_value(value: &str) -> bool {
    let allowed = |byte: u8| (0x20..=0x7e).contains(&byte) && byte != b',' && byte != b'=';
    !value.is_empty() && value.len() <= 256 && value.bytes().all(allowed)
}
