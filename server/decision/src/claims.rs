//! The claims of a token that an outpost keeps (contract 8).

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// Claims kept from an access token or an introspection answer.
///
/// `null` and wrong types of optional text claims count as absent: a property mapping may set
/// anything, and an odd display name must not lock a user out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// Subject: who this is, within core.
    pub sub: String,
    /// End of validity, seconds since the epoch. Required for sessions.
    #[serde(default)]
    pub exp: i64,
    /// E-mail address.
    #[serde(default, deserialize_with = "lenient_text")]
    pub email: String,
    /// Whether core has verified the address.
    #[serde(default, deserialize_with = "lenient_bool")]
    pub email_verified: bool,
    /// Display name.
    #[serde(default, deserialize_with = "lenient_text")]
    pub name: String,
    /// User name.
    #[serde(default, deserialize_with = "lenient_text")]
    pub preferred_username: String,
    /// Group names.
    #[serde(default, deserialize_with = "lenient_list")]
    pub groups: Vec<String>,
    /// Application entitlements.
    #[serde(default, deserialize_with = "lenient_list")]
    pub entitlements: Vec<String>,
    /// Core's session; absent from `client_credentials` tokens and then never matches a session end.
    #[serde(default)]
    pub sid: Option<String>,
    /// The part made for proxy outposts.
    #[serde(default, deserialize_with = "lenient_proxy")]
    pub ak_proxy: ProxyClaims,
}

/// The `ak_proxy` claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProxyClaims {
    /// Deep merge of brand, group and user attributes: any JSON.
    #[serde(default, deserialize_with = "lenient_map")]
    pub user_attributes: Map<String, Value>,
    /// Another upstream for this user, if a mapping set one.
    #[serde(default)]
    pub backend_override: Option<String>,
    /// Another `Host` to the upstream, if a mapping set one.
    #[serde(default)]
    pub host_header: Option<String>,
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
}

fn lenient_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

fn lenient_bool<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_bool().unwrap_or(false))
}

fn lenient_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(values) => values
            .into_iter()
            .filter_map(|value| match value {
                Value::String(text) => Some(text),
                _ => None,
            })
            .collect(),
        Value::String(text) => vec![text],
        _ => Vec::new(),
    })
}

fn lenient_map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Object(map) => map,
        _ => Map::new(),
    })
}

fn lenient_proxy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ProxyClaims, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(if value.is_object() {
        serde_json::from_value(value).unwrap_or_default()
    } else {
        ProxyClaims::default()
    })
}
