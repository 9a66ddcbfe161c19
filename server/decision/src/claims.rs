//! The claims of a token that an outpost keeps (contract 8).

mod attributes;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

pub use self::attributes::Attributes;

/// Claims kept from an access token or an introspection answer.
///
/// `null` and wrong types of optional claims count as absent, one by one: a property mapping may
/// set anything, and an odd display name must not lock a user out or cost another claim.
/// [`crate::token`] has checked `sub` and `exp` before a value of this type exists; the size of
/// the token ([`crate::token::MAX_TOKEN_BYTES`]) bounds everything in it.
///
/// A replica has those of a hundred thousand sessions at hand: what stands here has no more room than
/// it needs, and what few have stands elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// Subject: who this is, within core.
    #[serde(deserialize_with = "lenient_text")]
    pub sub: String,
    /// End of validity, seconds since the epoch. Required for sessions.
    #[serde(default)]
    pub exp: i64,
    /// E-mail address.
    #[serde(default, deserialize_with = "lenient_text")]
    pub email: Box<str>,
    /// Whether core has verified the address.
    #[serde(default, deserialize_with = "lenient_bool")]
    pub email_verified: bool,
    /// Display name.
    #[serde(default, deserialize_with = "lenient_text")]
    pub name: Box<str>,
    /// User name.
    #[serde(default, deserialize_with = "lenient_text")]
    pub preferred_username: String,
    /// Group names.
    #[serde(default, deserialize_with = "lenient_list")]
    pub groups: Box<[Box<str>]>,
    /// Application entitlements.
    #[serde(default, deserialize_with = "lenient_list")]
    pub entitlements: Box<[Box<str>]>,
    /// Core's session; absent from `client_credentials` tokens and then never matches a session end.
    #[serde(default, deserialize_with = "lenient_option")]
    pub sid: Option<Box<str>>,
    /// The part made for proxy outposts; `None` where it says nothing.
    #[serde(default, deserialize_with = "lenient_proxy", skip_serializing_if = "Option::is_none")]
    pub ak_proxy: Option<Box<ProxyClaims>>,
}

/// The `ak_proxy` claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProxyClaims {
    /// Deep merge of brand, group and user attributes: any JSON.
    #[serde(default)]
    pub user_attributes: Attributes,
    /// Another upstream for this user, if a mapping set one. Empty text counts as none.
    #[serde(default, deserialize_with = "lenient_option")]
    pub backend_override: Option<Box<str>>,
    /// Another `Host` to the upstream, if a mapping set one. Empty text counts as none.
    #[serde(default, deserialize_with = "lenient_option")]
    pub host_header: Option<Box<str>>,
    /// Whether the user may see the cause of errors.
    #[serde(default, deserialize_with = "lenient_bool")]
    pub is_superuser: bool,
}

impl Claims {
    /// The session id of core, if the token has a usable one. An empty `sid` is no `sid`.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.sid.as_deref().filter(|sid| !sid.is_empty())
    }

    /// Whether the user may see the cause of errors.
    #[must_use]
    pub fn is_superuser(&self) -> bool {
        self.ak_proxy.as_ref().is_some_and(|proxy| proxy.is_superuser)
    }

    /// A user attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<Value> {
        self.ak_proxy.as_ref()?.user_attributes.get(name)
    }

    /// A user attribute as text: strings, numbers and booleans; `None` for anything else and
    /// for an empty name or value.
    #[must_use]
    pub fn attribute_text(&self, name: &str) -> Option<String> {
        let text = match self.attribute(name)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }
}

fn lenient_text<'de, D: Deserializer<'de>, T: From<String>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    Ok(text.into())
}

fn lenient_option<'de, D: Deserializer<'de>, T: From<String>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) if !text.is_empty() => Some(text.into()),
        _ => None,
    })
}

fn lenient_bool<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_bool().unwrap_or(false))
}

fn lenient_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<[Box<str>]>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(values) => values
            .into_iter()
            .filter_map(|value| match value {
                Value::String(text) => Some(text.into()),
                _ => None,
            })
            .collect(),
        Value::String(text) => [text.into()].into(),
        _ => Box::default(),
    })
}

fn lenient_proxy<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Box<ProxyClaims>>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if !value.is_object() {
        return Ok(None);
    }
    // Every field is lenient by itself, so an object cannot fail.
    let claims: ProxyClaims = serde_json::from_value(value).unwrap_or_default();
    Ok((claims != ProxyClaims::default()).then(|| Box::new(claims)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Claims {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn an_odd_claim_costs_no_other() {
        let got = claims(json!({
            "sub": "s", "exp": 7, "email": null, "name": ["x"], "preferred_username": 42,
            "groups": ["a", 1, null, "b"], "entitlements": {"no": 1}, "sid": 12,
            "ak_proxy": {
                "backend_override": 5, "host_header": {}, "is_superuser": "yes",
                "user_attributes": {"k": "v", "n": 3, "empty": "", "deep": {}}
            }
        }));
        assert_eq!((&*got.email, &*got.name), ("", ""));
        assert_eq!(got.preferred_username, "42");
        assert_eq!(*got.groups, ["a".into(), "b".into()]);
        assert!(got.entitlements.is_empty());
        assert_eq!(got.sid, None);
        let proxy = got.ak_proxy.as_ref().unwrap();
        assert_eq!(proxy.backend_override, None);
        assert!(!proxy.is_superuser && !got.is_superuser());
        let can_see = json!({"sub": "s", "ak_proxy": {"is_superuser": true}});
        assert!(claims(can_see).is_superuser());
        assert_eq!(got.attribute_text("k").as_deref(), Some("v"));
        assert_eq!(got.attribute_text("n").as_deref(), Some("3"));
        assert_eq!(got.attribute_text("empty"), None);
        assert_eq!(got.attribute_text("deep"), None);
    }

    #[test]
    fn an_ak_proxy_that_is_no_object_or_says_nothing_is_none() {
        let says_nothing = json!({"user_attributes": {}, "host_header": "", "is_superuser": false});
        for odd in [json!(null), json!([1]), json!("text"), json!(1), json!({}), says_nothing] {
            assert_eq!(claims(json!({"sub": "s", "ak_proxy": odd})).ak_proxy, None);
        }
    }

    #[test]
    fn an_empty_sid_is_none() {
        assert_eq!(claims(json!({"sub": "s", "sid": ""})).session_id(), None);
        assert_eq!(claims(json!({"sub": "s", "sid": "x"})).session_id(), Some("x"));
    }

    #[test]
    fn what_is_stored_reads_back_the_same() {
        let before = claims(json!({
            "sub": "s", "exp": 7, "groups": ["g"], "sid": "x",
            "ak_proxy": {"user_attributes": {"additionalHeaders": {"A": [1, 2.5]}}}
        }));
        let text = serde_json::to_string(&before).unwrap();
        assert_eq!(serde_json::from_str::<Claims>(&text).unwrap(), before);
    }
}
