//! Core as seen from here: what can be asked of it over REST, and its websocket.

pub mod connection;
mod listed;
mod records;
pub mod rest;
pub mod saved;
pub(crate) mod spelled;
mod unix;
pub mod websocket;

use std::net::IpAddr;

use async_trait::async_trait;
use outpost_decision::wire::{GlobalConfig, KeypairRecord, OutpostRecord, ProviderRecord};
use secrecy::SecretString;
use serde_json::{Map, Value};
use thiserror::Error;

pub(crate) use self::records::provider as provider_record;

/// The user agent of everything said to core.
#[must_use]
pub fn user_agent() -> String {
    format!("goauthentik.io/outpost/{}", outpost_decision::COMPATIBLE_VERSION)
}

/// What core answers to an outpost (contract 3). A trait so that the registry can be tested
/// without sockets.
#[async_trait(?Send)]
pub trait CoreApi {
    /// The outpost this token belongs to.
    async fn outpost(&self) -> Result<OutpostRecord, ApiError>;
    /// Every provider, all pages. A record that cannot be read is reported, not fatal.
    async fn providers(&self) -> Result<ProviderList, ApiError>;
    /// Global configuration.
    async fn global_config(&self) -> Result<GlobalConfig, ApiError>;
    /// Metadata of a keypair, for its fingerprint.
    async fn keypair(&self, uuid: &str) -> Result<KeypairRecord, ApiError>;
    /// Certificate chain of a keypair, PEM.
    async fn certificate(&self, uuid: &str) -> Result<String, ApiError>;
    /// Private key of a keypair, PEM.
    async fn private_key(&self, uuid: &str) -> Result<SecretString, ApiError>;
    /// The version core expects of outposts (`version_should`), where it can be learned.
    async fn expected_version(&self, outpost_uuid: &str) -> Result<Option<String>, ApiError>;
    /// Puts a report into core's event log.
    async fn report(&self, report: &Report) -> Result<(), ApiError>;
}

/// The providers of an outpost as far as they could be read.
#[derive(Debug, Default)]
pub struct ProviderList {
    /// Records that could be read.
    pub records: Vec<ProviderRecord>,
    /// Records that could not: their key and name as far as known, and why.
    pub unreadable: Vec<UnreadableRecord>,
}

/// A provider record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableRecord {
    /// Its key, if it has one.
    pub pk: Option<i64>,
    /// Its name, if it has one.
    pub name: String,
    /// What is wrong with it. Holds no secret.
    pub error: String,
}

/// A misconfiguration seen in a request (contract 3).
#[derive(Clone, Debug, PartialEq)]
pub struct MisconfigurationReport {
    /// What is wrong.
    pub message: String,
    /// Address of the client, without a port.
    pub client_ip: Option<IpAddr>,
    /// Details. Holds no secret.
    pub context: Map<String, Value>,
}

/// What an operator did, or was kept from.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorReport {
    /// What it is to core.
    pub action: OperatorAction,
    /// What happened, in a sentence.
    pub message: String,
    /// Address of whoever was connected, without a port.
    pub client_ip: Option<IpAddr>,
    /// Details. Holds no secret.
    pub context: Map<String, Value>,
}

/// What something that operators do is to core: one of its event actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorAction {
    /// Somebody has signed in.
    Login,
    /// Somebody was not let in.
    LoginFailed,
    /// Somebody has signed out.
    Logout,
    /// Sessions have ended; core says so of its own in the same way.
    Deleted,
}

impl OperatorAction {
    /// Core's name of it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginFailed => "login_failed",
            Self::Logout => "logout",
            Self::Deleted => "model_deleted",
        }
    }
}

/// Something for core's event log.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// What a request shows.
    Misconfiguration(MisconfigurationReport),
    /// What an operator did.
    Operator(OperatorReport),
}

impl From<MisconfigurationReport> for Report {
    fn from(report: MisconfigurationReport) -> Self {
        Self::Misconfiguration(report)
    }
}

impl From<OperatorReport> for Report {
    fn from(report: OperatorReport) -> Self {
        Self::Operator(report)
    }
}

/// Why core did not give what was asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ApiError {
    /// No connection, or it broke, or it took too long.
    #[error("core cannot be reached: {0}")]
    Unreachable(String),
    /// 401 or 403.
    #[error("core refused the token: check AUTHENTIK_TOKEN")]
    Unauthorized,
    /// Any other status than success.
    #[error("core answered {status} to {path}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// What was asked.
        path: String,
    },
    /// A success that makes no sense (a page without `results`, for one).
    #[error("core's answer to {path} cannot be read: {error}")]
    Malformed {
        /// What was asked.
        path: String,
        /// What is wrong.
        error: String,
    },
    /// The token sees no outpost at all.
    #[error("the token sees no outpost: assign it to an outpost of type proxy")]
    NoOutpost,
}

impl ApiError {
    /// Whether core itself says that we are nobody to it (any more). Everything else may pass: a
    /// core that is away is often spoken for by something in front of it.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Unauthorized | Self::NoOutpost)
    }
}
