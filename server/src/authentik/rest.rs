//! The REST client (contract 3) on awc. One per thread.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use actix_web::http::{Method, StatusCode, header};
use actix_web::web::Bytes;
use async_trait::async_trait;
use awc::error::PayloadError;
use outpost_decision::wire::{GlobalConfig, KeypairRecord, OutpostRecord, Page};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::connection::CoreConnection;
use super::listed::{First, Providers};
use super::records::{cores_own_words, without_values};
use super::{ApiError, CoreApi, ProviderList, Report};
use crate::limits::{Limit, LimitFigures};
use crate::trace::{Kind, Scope};

/// How much of core's answers is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestLimits {
    /// How long a response's body may take, from its head to its end.
    pub body_timeout: Duration,
    /// Size of a body in bytes.
    pub body_size: usize,
    /// Records to ask for in a page. Core may give fewer.
    pub page_size: u32,
    /// Pages of one list.
    pub pages: u32,
}

impl Default for RestLimits {
    fn default() -> Self {
        Self {
            body_timeout: Duration::from_secs(30),
            body_size: 32 * 1024 * 1024,
            page_size: 100,
            pages: 1_000,
        }
    }
}

/// Core's REST interface.
pub struct RestClient {
    http: awc::Client,
    connection: CoreConnection,
    limits: RestLimits,
    scope: Scope,
    figures: Option<LimitFigures>,
}

impl RestClient {
    /// A client for the calling thread.
    #[must_use]
    pub fn new(connection: CoreConnection, limits: RestLimits) -> Self {
        let (http, scope) = (connection.client(), Scope::default());
        Self { http, connection, limits, scope, figures: None }
    }

    /// The same client; each question to core begins a trace in `scope`.
    #[must_use]
    pub fn within(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// The same client; answers beyond [`RestLimits::body_size`] are counted in `figures`.
    #[must_use]
    pub fn counting(self, figures: LimitFigures) -> Self {
        Self { figures: Some(figures), ..self }
    }

    fn url(&self, segments: &[&str]) -> Url {
        self.connection.address().url(&[&["api", "v3"], segments].concat())
    }

    /// Sends one request and reads the whole answer, successful or not.
    async fn exchange(
        &self,
        method: Method,
        url: &Url,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), ApiError> {
        let mut span = self.scope.begin("core api", Kind::Client);
        if span.is_recorded() {
            span.set("http.request.method", method.to_string());
            span.set("url.path", url.path().to_owned());
        }
        let answer = self.exchange_within(span.scope(), method, url, body).await;
        match &answer {
            Ok((status, _)) => span.set("http.response.status_code", status.as_u16()),
            Err(ApiError::Unreachable(_)) => span.fail("unreachable"),
            Err(_) => span.fail("malformed"),
        }
        answer
    }

    async fn exchange_within(
        &self,
        scope: &Scope,
        method: Method,
        url: &Url,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), ApiError> {
        let mut request = self
            .http
            .request(method, url.as_str())
            .insert_header((header::AUTHORIZATION, self.connection.authorization()))
            .insert_header((header::USER_AGENT, self.connection.agent()))
            // Anything that prefers text/html is answered 406 (fixture 08).
            .insert_header((header::ACCEPT, "application/json"));
        for (name, value) in scope.headers() {
            request = request.insert_header((name, value));
        }
        let sent = match body {
            Some(body) => request.send_json(body).await,
            None => request.send().await,
        };
        let mut response = sent.map_err(|error| ApiError::Unreachable(error.to_string()))?;
        let status = response.status();
        let body = response.body().limit(self.limits.body_size);
        let body = tokio::time::timeout(self.limits.body_timeout, body)
            .await
            .map_err(|_| ApiError::Unreachable("its answer does not end".to_owned()))?
            .map_err(|error| malformed(url, self.unreadable(&error)))?;
        Ok((status, body))
    }

    /// Why a body was not read.
    fn unreadable(&self, error: &PayloadError) -> String {
        let PayloadError::Overflow = error else { return error.to_string() };
        if let Some(figures) = &self.figures {
            figures.reached(Limit::CorePage);
        }
        let most = self.limits.body_size;
        format!("it is larger than {most} bytes; if that is right, raise limits.core_page_bytes")
    }

    /// The body of a successful answer.
    async fn get(&self, url: &Url) -> Result<Bytes, ApiError> {
        let (status, body) = self.exchange(Method::GET, url, None).await?;
        successful(status, url)?;
        Ok(body)
    }

    async fn get_json<T: DeserializeOwned>(&self, segments: &[&str]) -> Result<T, ApiError> {
        let url = self.url(segments);
        read(&url, &self.get(&url).await?)
    }

    /// Follows `pagination.next` to the end, whatever the pages' sizes, and takes the results of each.
    async fn all_pages<R: DeserializeOwned>(
        &self,
        segments: &[&str],
        mut take: impl FnMut(R),
    ) -> Result<(), ApiError> {
        let url = self.url(segments);
        let mut page = 1;
        for _ in 0..self.limits.pages {
            let mut at = url.clone();
            at.query_pairs_mut()
                .append_pair("page", &page.to_string())
                .append_pair("page_size", &self.limits.page_size.to_string());
            let answer: Page<R> = read(&at, &self.get(&at).await?)?;
            take(answer.results);
            let next = answer.pagination.next;
            if next <= 0.0 || next.is_nan() {
                return Ok(());
            }
            // A page number fits easily; the cast saturates on nonsense, which the check refuses.
            let next = next as u64;
            if next <= page {
                return Err(malformed(&url, format!("page {page} is followed by page {next}")));
            }
            page = next;
        }
        Err(malformed(&url, format!("more than {} pages", self.limits.pages)))
    }

    async fn pem(&self, uuid: &str, view: &str) -> Result<String, ApiError> {
        let answer: PemAnswer =
            self.get_json(&["crypto", "certificatekeypairs", uuid, view]).await?;
        Ok(answer.data)
    }
}

impl fmt::Debug for RestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestClient").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// What the views of a keypair answer.
#[derive(Deserialize)]
struct PemAnswer {
    data: String,
}

/// An instance of the outpost as core's health page shows it (fixture 33).
#[derive(Deserialize)]
struct InstanceHealth {
    #[serde(default)]
    version_should: Option<String>,
    #[serde(default)]
    uid: String,
    #[serde(default)]
    hostname: String,
    #[serde(default)]
    last_seen: String,
}

/// An instance of the outpost that core has heard of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeardInstance {
    /// Its uuid, new with each start.
    pub uid: String,
    /// Name of its machine.
    pub hostname: String,
    /// When core last heard of it, as core writes it.
    pub last_seen: String,
}

impl RestClient {
    /// The instances of an outpost that core has heard of lately.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn instances(&self, outpost_uuid: &str) -> Result<Vec<HeardInstance>, ApiError> {
        let found: Vec<InstanceHealth> =
            self.get_json(&["outposts", "instances", outpost_uuid, "health"]).await?;
        let heard = |InstanceHealth { uid, hostname, last_seen, .. }| HeardInstance {
            uid,
            hostname,
            last_seen,
        };
        Ok(found.into_iter().map(heard).collect())
    }
}

#[async_trait(?Send)]
impl CoreApi for RestClient {
    async fn outpost(&self) -> Result<OutpostRecord, ApiError> {
        let url = self.url(&["outposts", "instances"]);
        let page: Page<First<OutpostRecord>> = read(&url, &self.get(&url).await?)?;
        page.results.0.ok_or(ApiError::NoOutpost)
    }

    async fn providers(&self) -> Result<ProviderList, ApiError> {
        let mut list = ProviderList::default();
        // A list that changes while it is read can show a record on two pages.
        let mut seen = HashSet::new();
        self.all_pages(&["outposts", "proxy"], |Providers(page)| {
            for one in page {
                match one {
                    Ok(record) if seen.insert(record.pk) => list.records.push(record),
                    Ok(_) => {}
                    Err(unreadable) => list.unreadable.push(unreadable),
                }
            }
        })
        .await?;
        Ok(list)
    }

    async fn global_config(&self) -> Result<GlobalConfig, ApiError> {
        self.get_json(&["root", "config"]).await
    }

    async fn keypair(&self, uuid: &str) -> Result<KeypairRecord, ApiError> {
        self.get_json(&["crypto", "certificatekeypairs", uuid]).await
    }

    async fn certificate(&self, uuid: &str) -> Result<String, ApiError> {
        self.pem(uuid, "view_certificate").await
    }

    async fn private_key(&self, uuid: &str) -> Result<SecretString, ApiError> {
        self.pem(uuid, "view_private_key").await.map(SecretString::from)
    }

    async fn expected_version(&self, outpost_uuid: &str) -> Result<Option<String>, ApiError> {
        let instances: Vec<InstanceHealth> =
            self.get_json(&["outposts", "instances", outpost_uuid, "health"]).await?;
        Ok(instances
            .into_iter()
            .filter_map(|instance| instance.version_should)
            .find(|version| !version.is_empty()))
    }

    async fn report(&self, report: &Report) -> Result<(), ApiError> {
        let (action, message, client_ip, context) = match report {
            Report::Misconfiguration(it) => {
                ("configuration_error", &it.message, it.client_ip, &it.context)
            }
            Report::Operator(it) => (it.action.as_str(), &it.message, it.client_ip, &it.context),
        };
        let mut context = context.clone();
        context.insert("message".to_owned(), Value::from(message.clone()));
        let mut event = json!({
            "action": action,
            "app": "authentik.providers.proxy",
            "context": context,
        });
        if let Some(address) = client_ip {
            // Without a port: core refuses one (fixture 05).
            event["client_ip"] = Value::from(address.to_canonical().to_string());
        }
        let url = self.url(&["events", "events"]);
        let (status, _) = self.exchange(Method::POST, &url, Some(&event)).await?;
        successful(status, &url)
    }
}

fn successful(status: StatusCode, url: &Url) -> Result<(), ApiError> {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(ApiError::Unauthorized),
        status if status.is_success() => Ok(()),
        status => Err(ApiError::Status { status: status.as_u16(), path: url.path().to_owned() }),
    }
}

fn read<T: DeserializeOwned>(url: &Url, body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        let mut text = without_values(&error);
        if let Some(words) = cores_own_words(body) {
            text = format!("{text}; core says: {words}");
        }
        malformed(url, text)
    })
}

fn malformed(url: &Url, error: String) -> ApiError {
    ApiError::Malformed { path: url.path().to_owned(), error }
}

#[cfg(test)]
mod tests;
