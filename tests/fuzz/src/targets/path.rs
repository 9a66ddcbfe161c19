//! One line: a raw path. Which of them everybody reads alike?

use outpost_decision::OUTPOST_PREFIX;
use outpost_decision::dialect::Dialect;
use outpost_decision::endpoint::{OwnPaths, classify};
use outpost_decision::facts::Endpoint;
use outpost_decision::path::{PathView, readings, view};

use super::Target;
use crate::naive;

pub(super) const TARGET: Target = Target {
    name: "path",
    asserts: "a plain path has one reading in the naive model, its normal form is a fixed point, \
              and the outpost's own paths are plain",
    check,
};

fn check(data: &[u8]) {
    let Ok(raw) = std::str::from_utf8(data) else { return };
    let viewed = view(raw);
    let ours = readings(raw);
    assert!(!ours.is_empty());
    match &viewed {
        PathView::Plain(text) => {
            let everybody = naive::path::readings(raw.as_bytes());
            assert_eq!(everybody.len(), 1, "{raw:?} is plain, and read as {everybody:?}");
            assert!(everybody.contains(text.as_bytes()), "{raw:?} as {text:?}, not {everybody:?}");
            assert_eq!(ours.first().map(AsRef::as_ref), Some(text.as_ref()));
            // Written with every escape that may be there, it is the same path still.
            let escaped: String = text.bytes().map(escape).collect();
            assert_eq!(view(&escaped), PathView::Plain(text.as_ref().into()), "{raw:?}");
        }
        PathView::Ambiguous(reason) => {
            assert!(!reason.is_empty());
            assert!(!is_simple(raw), "{raw:?} is simple, and refused for its {reason}");
        }
    }
    for akprox in [false, true] {
        let paths = OwnPaths { base: "/app", home: "/app", akprox };
        let endpoint = classify(raw, None, paths);
        match endpoint {
            Endpoint::Application | Endpoint::Auth(Dialect::Envoy | Dialect::NginxAkprox) => {}
            _ => {
                assert!(viewed.is_plain(), "{raw:?} is {endpoint:?}");
                let below = raw.strip_prefix("/app").unwrap_or(raw);
                assert!(
                    below.starts_with(OUTPOST_PREFIX) || (akprox && below.starts_with("/akprox"))
                );
            }
        }
    }
}

/// Nothing but segments of letters: never refused.
fn is_simple(raw: &str) -> bool {
    raw.starts_with('/')
        && !raw.contains("//")
        && raw.bytes().all(|byte| byte == b'/' || byte == b'-' || byte.is_ascii_alphanumeric())
}

fn escape(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,=:@".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}
