//! Reads core's JSON without trusting it, and says what is wrong with it without quoting it:
//! records hold secrets.

use outpost_decision::wire::ProviderRecord;
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::{Map, Value};

use super::UnreadableRecord;

/// Reads one provider record.
///
/// # Errors
/// With its key and name as far as known, and the field that cannot be read.
pub(crate) fn provider(record: &Value) -> Result<ProviderRecord, UnreadableRecord> {
    ProviderRecord::deserialize(record).map_err(|error| UnreadableRecord {
        pk: record.get("pk").and_then(Value::as_i64),
        name: record.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
        error: record.as_object().and_then(|fields| culprit(fields, &error)).map_or_else(
            || without_values(&error),
            |field| format!("{field}: {}", without_values(&error)),
        ),
    })
}

/// The field that keeps a record from being read: the one without which it can be.
fn culprit(fields: &Map<String, Value>, error: &serde_json::Error) -> Option<String> {
    let error = error.to_string();
    fields.keys().find_map(|name| {
        let mut without = fields.clone();
        without.remove(name);
        let cured = match ProviderRecord::deserialize(Value::Object(without)) {
            Ok(_) => true,
            // Another field is wrong, too, or this one is required; either way this error is gone.
            Err(other) => other.to_string() != error,
        };
        cured.then(|| name.clone())
    })
}

/// What a JSON error says, less the values it quotes.
pub(super) fn without_values(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Io => "it cannot be read".to_owned(),
        Category::Eof => "it ends too early".to_owned(),
        Category::Syntax => {
            format!("it is not JSON (line {}, column {})", error.line(), error.column())
        }
        Category::Data => {
            let text = error.to_string();
            if let Some((what, _)) =
                text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'))
            {
                return format!("missing field `{what}`");
            }
            // `invalid type: string "the value", expected an integer at line 1 column 2`
            match (text.split_once(':'), text.rsplit_once(", expected ")) {
                (Some((kind, _)), Some((_, expected))) => {
                    let expected = expected.split(" at line ").next().unwrap_or_default();
                    format!("{kind}, expected {expected}")
                }
                _ => "a value cannot be read".to_owned(),
            }
        }
    }
}

/// What core itself says is wrong (`{"error": ..}`, `{"detail": ..}`), cut to one line.
pub(super) fn cores_own_words(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let words = ["error", "detail"].iter().find_map(|name| body.get(name)?.as_str())?;
    let line: String = words.chars().filter(|c| !c.is_control()).take(120).collect();
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bad_field_is_named_and_its_value_is_not() {
        let record = json!({
            "pk": 7, "name": "wiki", "client_secret": "s3cret", "skip_path_regex": {"s3cret": 1}
        });
        let error = provider(&record).unwrap_err();
        assert_eq!((error.pk, error.name.as_str()), (Some(7), "wiki"));
        assert_eq!(error.error, "skip_path_regex: invalid type, expected a string");

        let record = json!({"pk": 7, "internal_host_ssl_validation": "s3cret"});
        let error = provider(&record).unwrap_err();
        assert!(error.error.starts_with("internal_host_ssl_validation: invalid type"), "{error:?}");
        assert!(!error.error.contains("s3cret"));
    }

    #[test]
    fn a_record_without_a_key_or_of_another_shape_is_reported() {
        let error = provider(&json!({"name": "wiki"})).unwrap_err();
        assert_eq!(error.name, "wiki");
        assert!(error.error.contains("missing field `pk`"), "{error:?}");
        let error = provider(&json!("s3cret")).unwrap_err();
        assert_eq!(error.pk, None);
        assert!(!error.error.contains("s3cret"), "{error:?}");
        let error = provider(&json!({"pk": "s3cret"})).unwrap_err();
        assert_eq!(error.error, "pk: invalid type, expected i64");
    }

    #[test]
    fn broken_json_is_not_quoted() {
        for broken in ["{\"token\": s3cret}", "{\"token\": \"s3cret\"", "s3cret"] {
            let error = serde_json::from_str::<Value>(broken).unwrap_err();
            assert!(!without_values(&error).contains("s3cret"), "{}", without_values(&error));
        }
    }

    #[test]
    fn a_starting_core_is_quoted() {
        let words = cores_own_words(br#"{"error": "authentik\nstarting"}"#);
        assert_eq!(words.as_deref(), Some("authentikstarting"));
        assert_eq!(cores_own_words(b"<html>"), None);
    }
}
