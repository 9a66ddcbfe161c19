//! Logout over the back channel (OpenID Connect Back-Channel Logout 1.0), as core sends it to providers with a
//! `logout_uri`.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use url::{Url, form_urlencoded};
use uuid::Uuid;

use crate::core::{
    StandInCore,
    crypto::KeyError,
    state::Provider,
    tokens::{self, Person},
};

/// The member of `events` that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// How long a logout token counts, in seconds.
const LIFETIME: u64 = 120;

impl StandInCore {
    /// The claims of a logout token of the provider of this name, as core makes them: of a session (`sid`), of a
    /// user, or of both. `None` if there is no such provider.
    pub fn logout_claims(
        &self,
        name: &str,
        sid: Option<&str>,
        username: Option<&str>,
    ) -> Option<Map<String, Value>> {
        let issuer = self.url();
        self.shared.read(|state| {
            let provider = state.providers.iter().find(|provider| provider.spec.name == name)?;
            let now = state.clock.now().as_secs();
            let mut claims = json!({
                "iss": format!("{issuer}/application/o/{}/", provider.spec.slug),
                "aud": provider.spec.client_id,
                "iat": now,
                "exp": now + LIFETIME,
                "jti": Uuid::new_v4().to_string(),
                "events": {EVENT: {}},
            });
            if let Some(sid) = sid {
                tokens::merge(&mut claims, json!({"sid": sid}));
            }
            if let Some(username) = username {
                let sub = Person::of(state, username, &provider.spec.slug).sub;
                tokens::merge(&mut claims, json!({"sub": sub}));
            }
            claims.as_object().cloned()
        })
    }

    /// Signs claims as a logout token of the provider of this name; `None` if there is no such provider.
    ///
    /// # Errors
    /// Signing failed.
    pub fn mint_logout_token(
        &self,
        name: &str,
        claims: Map<String, Value>,
    ) -> Result<Option<String>, KeyError> {
        self.shared.read(|state| {
            let provider = state.providers.iter().find(|provider| provider.spec.name == name);
            provider
                .map(|provider| tokens::sign_as("logout+jwt", state, provider, claims))
                .transpose()
        })
    }

    /// Ends the session with this `sid`, tells nobody over the websocket, and sends a logout token to every
    /// provider that has a `logout_uri`; the names of those and the statuses that they answered.
    ///
    /// # Errors
    /// One of them could not be asked, or a token not signed.
    pub async fn end_session_by_back_channel(&self, sid: &str) -> io::Result<Vec<(String, u16)>> {
        self.end_session_untold(sid);
        let wanted = |provider: &Provider| {
            let uri = provider.spec.logout_uri.clone()?;
            Some((provider.spec.name.clone(), uri))
        };
        let told: Vec<_> =
            self.shared.read(|state| state.providers.iter().filter_map(wanted).collect());
        let mut statuses = Vec::new();
        for (name, uri) in told {
            let claims = self.logout_claims(&name, Some(sid), None).unwrap_or_default();
            let token = self.mint_logout_token(&name, claims).map_err(io::Error::other)?;
            let status = post_logout(&uri, &token.unwrap_or_default()).await?;
            statuses.push((name, status));
        }
        Ok(statuses)
    }
}

/// Posts a logout token to an `http` address, every host of which is this machine; gives the answer's status.
async fn post_logout(uri: &str, token: &str) -> io::Result<u16> {
    let url = Url::parse(uri).map_err(io::Error::other)?;
    let port = url.port_or_known_default().unwrap_or(80);
    let body =
        form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", token).finish();
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: {}:{port}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        url.path(),
        url.host_str().unwrap_or_default(),
        body.len(),
    );
    let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::other("no HTTP answer"))
}
