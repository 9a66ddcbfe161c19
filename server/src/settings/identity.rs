//! Reading of `[identity]`.

use outpost_decision::headers::{Encoding, HeaderSet, IdentityRule, IdentityRules, WhenOver};

use super::per_application;
use super::reader::Reader;

/// Least bytes that headers may be limited to: what is never left out should have room.
const LEAST_BYTES: usize = 1024;

/// Most bytes that headers may be limited to; nothing is larger than a token.
const MOST_BYTES: usize = 1024 * 1024;

const ENCODINGS: [(&str, Encoding); 3] = [
    ("raw", Encoding::Utf8),
    ("percent", Encoding::Percent),
    ("quoted_printable", Encoding::QuotedPrintable),
];

const WHEN_OVER: [(&str, WhenOver); 2] =
    [("truncate", WhenOver::Truncate), ("refuse", WhenOver::Refuse)];

pub(super) fn rules(read: &mut Reader<'_>) -> IdentityRules {
    let default = IdentityRule {
        names: read.read("identity.headers", HeaderSet::FULL, |found| {
            let set = names(found.text()?)?;
            Ok((set, set.to_string().into()))
        }),
        encoding: read.choice("identity.encoding", &ENCODINGS, Encoding::Utf8),
        max_bytes: {
            let bytes = read.number("identity.max_bytes", 0..=1024 * 1024);
            if (1..LEAST_BYTES).contains(&bytes) {
                read.mistake("identity.max_bytes", too_few());
            }
            limit(bytes)
        },
        when_over: read.choice("identity.when_over", &WHEN_OVER, WhenOver::Truncate),
    };
    let known = &["headers", "encoding", "max_bytes", "when_over"];
    let applications = per_application::read(read, "identity.applications", known, |words| {
        if words.is_empty() {
            return Err(format!("changes nothing; add one of {}", known.join(", ")));
        }
        let mut rule = default;
        if let Some(text) = words.get("headers") {
            rule.names = names(text)?;
        }
        if let Some(text) = words.get("encoding") {
            rule.encoding = choice("encoding", text, &ENCODINGS)?;
        }
        if let Some(text) = words.get("max_bytes") {
            rule.max_bytes = limit(bytes(text)?);
        }
        if let Some(text) = words.get("when_over") {
            rule.when_over = choice("when_over", text, &WHEN_OVER)?;
        }
        Ok(rule)
    });
    IdentityRules { default, applications }
}

fn limit(bytes: usize) -> Option<usize> {
    Some(bytes).filter(|bytes| *bytes > 0)
}

fn too_few() -> String {
    format!("is less than {LEAST_BYTES}, and not 0 for no limit")
}

fn names(text: &str) -> Result<HeaderSet, String> {
    HeaderSet::parse(text).map_err(|wrong| {
        format!("has {wrong:?}, which is neither full nor minimal nor, after X-authentik-, a header (joined by +)")
    })
}

fn bytes(text: &str) -> Result<usize, String> {
    let number: usize =
        text.parse().map_err(|_| format!("has max_bytes={text}, which is no whole number"))?;
    if number == 0 || (LEAST_BYTES..=MOST_BYTES).contains(&number) {
        Ok(number)
    } else {
        Err(format!("has max_bytes={text}, which is not between {LEAST_BYTES} and {MOST_BYTES}"))
    }
}

fn choice<T: Copy>(name: &str, text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices.iter().find(|(known, _)| known.eq_ignore_ascii_case(text));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
        format!("has {name}={text}, which is none of {}", known.join(", "))
    })
}
