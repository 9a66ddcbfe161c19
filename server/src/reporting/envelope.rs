//! Where reports go and in what: data source names and envelopes of the Sentry protocol
//! (<https://develop.sentry.dev/sdk/data-model/envelopes/>).

use std::fmt;

use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

/// A data source name: where to, and by what key. The key is a public one; it is not shown all the
/// same.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Dsn {
    envelope: Url,
    key: String,
}

impl Dsn {
    /// Reads `https://<key>[:<secret>]@<host>[:<port>][/<path>]/<project>`; the secret is of old and
    /// left out.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut url = Url::parse(text.trim()).ok()?;
        let key = url.username().to_owned();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || key.is_empty() {
            return None;
        }
        let path = url.path().trim_end_matches('/');
        let (path, project) = path.rsplit_once('/')?;
        let plain = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if project.is_empty() || !plain(project) || !plain(&key) {
            return None;
        }
        let envelope = format!("{path}/api/{project}/envelope/");
        url.set_path(&envelope);
        url.set_query(None);
        url.set_fragment(None);
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        Some(Self { envelope: url, key })
    }

    /// Where envelopes are posted.
    pub(super) const fn url(&self) -> &Url {
        &self.envelope
    }

    /// The service, for the log.
    pub(super) fn host(&self) -> &str {
        self.envelope.host_str().unwrap_or_default()
    }

    /// Value of `X-Sentry-Auth`.
    pub(super) fn authorization(&self) -> String {
        let version = crate::VERSION;
        format!("Sentry sentry_version=7, sentry_client=outpost/{version}, sentry_key={}", self.key)
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Dsn").field(&self.envelope.as_str()).finish()
    }
}

/// An envelope with one event in it.
pub(super) fn envelope(id: Uuid, event: &Value) -> Vec<u8> {
    let payload = event.to_string();
    let header = json!({"event_id": id.simple().to_string()});
    let item = json!({"type": "event", "length": payload.len()});
    format!("{header}\n{item}\n{payload}\n").into_bytes()
}
