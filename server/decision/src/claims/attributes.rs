//! The attributes of a user, as a session keeps them: unread, since hardly any of them is ever asked for,
//! and read they take several times the room.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// Attributes by name: any JSON. What is no object counts as one without attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(
    /// The object, as it is written by `serde_json`; empty where there are no attributes.
    Box<str>,
);

impl Attributes {
    /// The attribute of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value> {
        // Letters and digits are written as they are: nothing is read for a name that is not there.
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if self.0.is_empty() || plain && !self.0.contains(name) {
            return None;
        }
        self.read().remove(name)
    }

    fn read(&self) -> Map<String, Value> {
        // Whatever was written is read again.
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl From<Map<String, Value>> for Attributes {
    fn from(attributes: Map<String, Value>) -> Self {
        if attributes.is_empty() {
            return Self::default();
        }
        Self(Value::Object(attributes).to_string().into())
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Object(attributes) => attributes.into(),
            _ => Self::default(),
        })
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.read().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_attribute_is_found_whatever_its_name() {
        let all = json!({
            "plain": "text", "a\"b\\c\n": [1, 2.5, null], "ü": {"deep": {"plain2": 1e300}}, "": 0,
            "big": u64::MAX, "small": i64::MIN,
        });
        let attributes: Attributes = serde_json::from_value(all.clone()).unwrap();
        for (name, value) in all.as_object().unwrap() {
            assert_eq!(attributes.get(name).as_ref(), Some(value), "{name}");
        }
        for name in ["deep", "plain2", "text", "other", "pla", "a"] {
            assert_eq!(attributes.get(name), None, "{name}");
        }
        assert_eq!(serde_json::to_value(&attributes).unwrap(), all);
    }

    #[test]
    fn what_is_no_object_has_none() {
        for odd in [json!(null), json!([1]), json!("plain"), json!(true), json!({})] {
            let attributes: Attributes = serde_json::from_value(odd).unwrap();
            assert_eq!(attributes, Attributes::default());
            assert_eq!(attributes.get("plain"), None);
            assert_eq!(serde_json::to_value(&attributes).unwrap(), json!({}));
        }
    }
}
