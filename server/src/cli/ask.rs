//! Asking the running outpost, by its API.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use awc::Client;
use awc::error::SendRequestError;
use awc::http::{Method, header};
use bytes::Bytes;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;
use url::{Host, Url};

use crate::core_tls::{self, CoreTimeouts, CoreTrust};
use crate::ops::api::PREFIX;
use crate::settings::Settings;

/// Longest answer: a full page of sessions with long names has less.
const ANSWER_BYTES: usize = 32 << 20;

/// Limit of connecting.
const CONNECT: Duration = Duration::from_secs(3);
/// Who asks.
const AGENT: &str = concat!("outpost/", env!("CARGO_PKG_VERSION"));

/// Limit of a question that names none.
const ANSWER: Duration = Duration::from_secs(60);

/// Whom to ask.
#[derive(Debug, Args)]
pub(super) struct Where {
    /// The operators' listener [default: dashboard.listen]; https:// except on this machine
    #[arg(long)]
    pub(super) url: Option<Url>,
}

/// Why a command did not do what it was asked to.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// It makes no sense.
    #[error("{0}")]
    Usage(String),
    /// It could not be done.
    #[error("{0}")]
    NotDone(String),
    /// Nobody could be asked.
    #[error("{0}")]
    Unreached(String),
    /// Whoever read our output does not want to hear more.
    #[error("nobody reads the output")]
    Unheard,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unheard,
            _ => Self::NotDone(format!("the output cannot be written: {error}")),
        }
    }
}

/// The running outpost.
pub(super) struct Outpost {
    client: Client,
    /// Where it may be, the one that answered first.
    bases: Vec<Url>,
    token: Option<SecretString>,
}

#[derive(Debug, Deserialize)]
struct Problem {
    message: String,
    #[serde(default)]
    remedy: String,
}

impl Outpost {
    /// The outpost of `settings`, or the one at `url`.
    ///
    /// # Errors
    /// When there is nobody to ask.
    pub(super) fn new(settings: &Settings, url: Option<Url>) -> Result<Self, Failure> {
        let bases = match url {
            Some(url) => vec![checked(url)?],
            None => configured(settings)?,
        };
        let trust = if bases.iter().any(|base| base.scheme() == "https") {
            CoreTrust::NativeRoots
        } else {
            CoreTrust::Nobody
        };
        let tls = core_tls::client_config(&trust)
            .map_err(|error| Failure::NotDone(format!("TLS cannot be set up: {error}")))?;
        let timeouts = CoreTimeouts { connect: CONNECT, response: ANSWER };
        let client = core_tls::http_client(Arc::new(tls), timeouts);
        // Whoever may only look may still ask.
        let admin = &settings.admin;
        let token = admin.token.clone().or_else(|| admin.view_token.clone());
        Ok(Self { client, bases, token })
    }

    /// Reads what the API answers to a question.
    ///
    /// # Errors
    /// When nobody can be asked, or refuses to answer.
    pub(super) async fn get<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, Failure> {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        read(&self.ask(Method::GET, &format!("{path}?{query}"), None, ANSWER).await?)
    }

    /// Sends an order, which may take as long as `limit`.
    ///
    /// # Errors
    /// When nobody can be asked, or refuses.
    pub(super) async fn post<T: DeserializeOwned>(
        &mut self,
        path: &str,
        order: &Value,
        limit: Duration,
    ) -> Result<T, Failure> {
        read(&self.ask(Method::POST, path, Some(order), limit).await?)
    }

    /// Asks the first place where somebody listens, and stays with it.
    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        limit: Duration,
    ) -> Result<Bytes, Failure> {
        let mut silent = Vec::new();
        for (place, base) in self.bases.iter().enumerate() {
            let address = format!("{}{PREFIX}/{path}", base.as_str().trim_end_matches('/'));
            let mut request = self.client.request(method.clone(), address).timeout(limit);
            request = request.insert_header((header::USER_AGENT, AGENT));
            if let Some(token) = &self.token {
                request = request.bearer_auth(token.expose_secret());
            }
            let sent = match body {
                Some(body) => request.send_json(body).await,
                None => request.send().await,
            };
            let mut answer = match sent {
                Ok(answer) => answer,
                // Nothing was sent: the next address may be the one that is bound.
                Err(SendRequestError::Connect(error)) => {
                    silent.push(format!("{base}: {error}"));
                    continue;
                }
                Err(error) => return Err(Failure::Unreached(format!("{base}: {error}"))),
            };
            let status = answer.status();
            let body = answer.body().limit(ANSWER_BYTES).await;
            let body = body.map_err(|error| Failure::Unreached(format!("{base}: {error}")))?;
            if !status.is_success() {
                return Err(refused(base, status.as_u16(), &body));
            }
            self.bases.swap(0, place);
            return Ok(body);
        }
        Err(Failure::Unreached(format!(
            "no outpost answers (is it running, and is dashboard.listen on?): {}",
            silent.join("; ")
        )))
    }
}

/// Where the settings say that operators are answered.
fn configured(settings: &Settings) -> Result<Vec<Url>, Failure> {
    let bound = &settings.dashboard.listen;
    if bound.is_empty() {
        let message = "dashboard.listen is off, so that nobody answers operators; turn it on, or \
            name another outpost with --url";
        return Err(Failure::Unreached(message.to_owned()));
    }
    if bound.iter().any(|address| address.port() == 0) {
        let message = "dashboard.listen leaves the port to the machine; name it with --url";
        return Err(Failure::Unreached(message.to_owned()));
    }
    Ok(bound.iter().filter_map(|at| Url::parse(&format!("http://{at}")).ok()).collect())
}

/// A place that names, addresses and, where it must, the token can be trusted to.
fn checked(mut url: Url) -> Result<Url, Failure> {
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if here => {}
        "http" => {
            let message = "--url: http:// is for this machine; to another one the token and the \
                names of users need https://";
            return Err(Failure::Usage(message.to_owned()));
        }
        other => return Err(Failure::Usage(format!("--url: {other}: is neither http nor https"))),
    }
    if !url.username().is_empty() || url.password().is_some() {
        let message = "--url: takes no user and password; the token is admin.token";
        return Err(Failure::Usage(message.to_owned()));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// What the outpost said against it.
fn refused(base: &Url, status: u16, body: &[u8]) -> Failure {
    let problem = serde_json::from_slice::<Problem>(body);
    Failure::NotDone(match problem {
        Ok(Problem { message, remedy }) if remedy.is_empty() => message,
        Ok(Problem { message, remedy }) => format!("{message}. {remedy}"),
        Err(_) => format!("{base} answers {status}; is it an outpost's dashboard.listen?"),
    })
}

pub(super) fn strange() -> Failure {
    let message = "what answers does not speak as this outpost does; is it another version?";
    Failure::NotDone(message.to_owned())
}

fn read<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(answer).map_err(|_| strange())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_without_tls() {
        for right in [
            "http://localhost:9301",
            "http://127.8.0.1:9301/",
            "http://[::1]:9301",
            "https://outpost.example.com/operators",
        ] {
            assert!(checked(right.parse().unwrap()).is_ok(), "{right}");
        }
        for wrong in [
            "http://outpost.example.com",
            "http://192.0.2.1:9301",
            "http://localhost.example.com",
            "ftp://localhost",
            "unix:/run/outpost",
            "https://user:password@outpost.example.com",
        ] {
            let refused = checked(wrong.parse().unwrap());
            assert!(matches!(refused, Err(Failure::Usage(_))), "{wrong}: {refused:?}");
        }
    }
}
