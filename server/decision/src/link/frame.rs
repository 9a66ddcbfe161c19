//! Frames from core: `{"instruction": int, "args": {...}}`.

use serde::Deserialize;
use serde_json::{Map, Value};

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Instruction {
    Ack,
    Trigger,
    ProviderSpecific,
    SessionEnd(String),
    Unknown,
    Malformed,
}

#[derive(Deserialize)]
struct Frame {
    instruction: i64,
    #[serde(default)]
    args: Option<Map<String, Value>>,
}

pub(super) fn read(text: &str) -> Instruction {
    let Ok(frame) = serde_json::from_str::<Frame>(text) else { return Instruction::Malformed };
    match frame.instruction {
        0 => Instruction::Ack,
        2 => Instruction::Trigger,
        3 => Instruction::ProviderSpecific,
        // An empty id must not reach whoever compares: it could equal one that is absent.
        4 => frame
            .args
            .as_ref()
            .and_then(|args| args.get("session_id"))
            .and_then(Value::as_str)
            .filter(|sid| !sid.is_empty())
            .map_or(Instruction::Malformed, |sid| Instruction::SessionEnd(sid.to_owned())),
        _ => Instruction::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_a_real_core() {
        assert_eq!(read(r#"{"instruction": 0, "args": {}}"#), Instruction::Ack);
        assert_eq!(read(r#"{"instruction": 2, "args": {}}"#), Instruction::Trigger);
        let logout = r#"{"instruction": 3, "args": {"type": "event.provider.specific",
            "sub_type": "logout", "session_id": "31bc"}}"#;
        assert_eq!(read(logout), Instruction::ProviderSpecific);
        let end =
            r#"{"instruction": 4, "args": {"type": "event.session.end", "session_id": "31bc"}}"#;
        assert_eq!(read(end), Instruction::SessionEnd("31bc".into()));
    }

    #[test]
    fn odd_frames() {
        assert_eq!(read(r#"{"instruction": 0}"#), Instruction::Ack);
        assert_eq!(read(r#"{"instruction": 2, "args": null, "x": 1}"#), Instruction::Trigger);
        assert_eq!(read(r#"{"instruction": 1, "args": {}}"#), Instruction::Unknown);
        assert_eq!(read(r#"{"instruction": 99, "args": {}}"#), Instruction::Unknown);
        assert_eq!(read(r#"{"instruction": -1, "args": {}}"#), Instruction::Unknown);
        for malformed in [
            "",
            "hello",
            "[]",
            "null",
            "{}",
            r#"{"instruction": "2"}"#,
            r#"{"instruction": 2.5}"#,
            r#"{"instruction": 2, "args": []}"#,
            r#"{"instruction": 4}"#,
            r#"{"instruction": 4, "args": {}}"#,
            r#"{"instruction": 4, "args": {"session_id": ""}}"#,
            r#"{"instruction": 4, "args": {"session_id": null}}"#,
            r#"{"instruction": 4, "args": {"session_id": 7}}"#,
        ] {
            assert_eq!(read(malformed), Instruction::Malformed, "{malformed}");
        }
    }
}
