//! Whoever asks, and what they may do.

use std::net::IpAddr;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, Version};
use actix_web::{HttpMessage, HttpRequest};
use outpost_dashboard::model::{Role, Viewer};

use super::badge::{Badge, How};
use super::refusal::Refusal;

/// A request, as far as it decides who asks.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// Who is connected.
    pub peer: Option<IpAddr>,
    /// The version of HTTP.
    pub version: Version,
    /// The method.
    pub method: &'a Method,
    /// The headers.
    pub headers: &'a HeaderMap,
}

/// Somebody who may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// How they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// How they came in.
    pub how: How,
    /// Where they are ([`Access::client`](super::Access::client)).
    pub peer: Option<IpAddr>,
    /// Their session, where they have one.
    pub badge: Option<Badge>,
    /// Whether nobody can tell if the session was signed out: such may not act.
    pub(super) unsure: bool,
    /// Goes with every form of theirs.
    pub(super) csrf: String,
}

/// The ways to sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// With a token.
    pub token: bool,
    /// Through core.
    pub core: bool,
}

impl<'a> Asking<'a> {
    /// Of a request on its way to a handler.
    #[must_use]
    pub fn of(request: &'a HttpRequest) -> Self {
        let peer = request.peer_addr().map(|peer| peer.ip());
        let version = request.version();
        Self { peer, version, method: request.method(), headers: request.headers() }
    }

    /// Of a request on its way through the middleware.
    #[must_use]
    pub fn of_service(request: &'a ServiceRequest) -> Self {
        let peer = request.peer_addr().map(|peer| peer.ip());
        let version = request.version();
        Self { peer, version, method: request.method(), headers: request.headers() }
    }

    pub(super) fn reads(&self) -> bool {
        *self.method == Method::GET || *self.method == Method::HEAD
    }
}

impl Operator {
    /// As pages see them.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        Viewer {
            name: self.name.clone(),
            role: self.role,
            csrf: self.csrf.clone(),
            signed_in: self.badge.is_some(),
        }
    }

    /// Whether they may do what asks for `role`.
    ///
    /// # Errors
    /// [`Refusal::Role`], [`Refusal::Unsure`].
    pub fn may(&self, role: Role) -> Result<(), Refusal> {
        if self.role < role {
            return Err(Refusal::Role);
        }
        if role == Role::Act && self.unsure { Err(Refusal::Unsure) } else { Ok(()) }
    }

    /// The operator whom [`Access::call`] has let through.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }
}
