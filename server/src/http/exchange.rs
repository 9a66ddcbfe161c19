//! One request on its way through the phases: what is known of it so far.

use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use http::{Method, Response};
use outpost_decision::cookie;
use outpost_decision::decision::Decision;
use outpost_decision::facts::Headers;
pub use outpost_decision::gather::Facts;
use outpost_decision::gather::{CoreRequest, Refusal};
use outpost_decision::headers::{HeaderNote, IdentityHeaders};
use outpost_decision::provider::Provider;
use outpost_decision::time::Timestamp;

use super::fields::Fields;
use super::pages::Problem;
use super::span::{self, Identity};
use super::{Gateway, SessionNotice, Worker};
use crate::carried::{AnswerBody, Carried};
use crate::clock;
use crate::downstream;
use crate::oidc::OidcClient;
use crate::ops::event::UpstreamEvent;
use crate::session::{EndedSession, Session, SessionId, StoreError, providers_of};
use crate::snapshot::Snapshot;
use crate::trace::{Kind, Scope, Span};

/// A request, and what there is to answer it with.
pub struct Exchange<'a> {
    /// What this thread owns.
    pub worker: &'a Worker,
    /// The request.
    pub carried: &'a Carried,
    /// What was noted when it came.
    pub begun: Begun,
}

/// What is noted when a request comes: the configuration it is served by, the time, and its name.
pub struct Begun {
    /// The one configuration this request is served by.
    pub snapshot: Arc<Snapshot>,
    /// The one reading of the clock.
    pub now: Timestamp,
    /// Sessions that core vouched for before this moment were in doubt when it came.
    pub doubts_before: Timestamp,
    /// When work began, for the duration.
    pub began: Instant,
    /// Finds log line, page and decision.
    pub id: Arc<str>,
    /// The request as traces show it.
    pub span: Span,
}

impl Begun {
    /// The span of the log's lines about the request.
    #[must_use]
    pub fn log_span(&self) -> tracing::Span {
        span::of_log(&self.id, &self.span)
    }
}

/// What was noted is read as if it were the request's own.
impl Deref for Exchange<'_> {
    type Target = Begun;

    fn deref(&self) -> &Begun {
        &self.begun
    }
}

/// An answer, with what is to be recorded of how it came to be.
pub struct Answer<R = HttpResponse> {
    /// The answer.
    pub response: R,
    /// How it came to be.
    pub account: Account,
}

/// An answer to a request that was to be forwarded.
pub type Passed = Answer<Response<AnswerBody>>;

/// What is to be recorded of how an answer came to be.
#[derive(Default)]
pub struct Account {
    /// User name, where one is known.
    pub user: Option<String>,
    /// Time until the application's answer began, in proxy mode.
    pub upstream: Option<UpstreamEvent>,
    /// What went wrong after the decision (a code exchange refused, an application away), as a
    /// stable name.
    pub failure: Option<&'static str>,
    /// What is the matter with the identity that the application was told.
    pub identity: Vec<HeaderNote>,
}

impl From<HttpResponse> for Answer {
    fn from(response: HttpResponse) -> Self {
        Self { response, account: Account::default() }
    }
}

impl From<Response<AnswerBody>> for Passed {
    fn from(response: Response<AnswerBody>) -> Self {
        Self { response, account: Account::default() }
    }
}

/// A page in the place of what was to be passed on.
impl From<Answer> for Passed {
    fn from(Answer { response, account }: Answer) -> Self {
        Self { response: downstream::adapt(response.into()), account }
    }
}

impl<R> Answer<R> {
    /// About this user.
    #[must_use]
    pub fn of(mut self, user: &str) -> Self {
        self.account.user = Some(user.to_owned());
        self
    }

    /// With what is the matter with the identity that was told.
    #[must_use]
    pub fn noting(mut self, identity: &IdentityHeaders) -> Self {
        self.account.identity = identity.notes().to_vec();
        self
    }

    /// With a failure after the decision.
    #[must_use]
    pub const fn failed(mut self, failure: &'static str) -> Self {
        self.account.failure = Some(failure);
        self
    }
}

impl<'a> Exchange<'a> {
    /// Takes up a request.
    #[must_use]
    pub fn begin(worker: &'a Worker, carried: &'a Carried) -> Self {
        let Identity { id, span } = Identity::of(worker, carried);
        let begun = Begun {
            snapshot: worker.gateway.snapshot.load_full(),
            now: clock::now(),
            doubts_before: worker.gateway.rechecks.doubts_before(),
            began: Instant::now(),
            id,
            span,
        };
        Self { worker, carried, begun }
    }

    /// The request's method.
    #[must_use]
    pub fn method(&self) -> &'a Method {
        &self.carried.head().method
    }

    /// The time to note for a session that core vouches for in the course of this request.
    #[must_use]
    pub fn verified(&self) -> Timestamp {
        self.now.max(self.doubts_before)
    }

    /// What all workers share.
    #[must_use]
    pub fn gateway(&self) -> &'a Gateway {
        &self.worker.gateway
    }

    /// The request's place in a trace.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        self.span.scope()
    }

    /// The way to core's OAuth2 endpoints, for questions that this request asks.
    #[must_use]
    pub fn oidc(&self) -> Rc<OidcClient> {
        if self.scope().is_empty() {
            return Rc::clone(&self.worker.oidc);
        }
        Rc::new(self.worker.oidc.within(self.scope()))
    }

    /// The request's headers.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields(&self.carried.head().headers)
    }

    /// The values of the request's cookie `name`; browsers may send several of one name.
    #[must_use]
    pub fn cookies(&self, name: &str) -> Vec<&'a str> {
        cookie::values(self.cookie_headers(), name)
    }

    /// Names of flow cookies that this browser has too many of.
    #[must_use]
    pub fn surplus_flows(&self, provider: &Provider) -> Vec<String> {
        let most = self.gateway().policy.flows_per_browser;
        cookie::surplus_flows(self.cookie_headers(), &provider.cookie.name, most)
    }

    fn cookie_headers(&self) -> impl Iterator<Item = &'a [u8]> {
        let headers = self.carried.head().headers.get_all(http::header::COOKIE);
        headers.into_iter().map(http::HeaderValue::as_bytes)
    }

    /// The client's `User-Agent`, cut to 200 bytes.
    #[must_use]
    pub fn user_agent(&self) -> String {
        let fields = self.fields();
        let agent = fields.text("user-agent").unwrap_or_default();
        agent[..agent.floor_char_boundary(200)].to_owned()
    }

    /// Looks for a session.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn session(&self, id: &SessionId) -> Result<Option<Arc<Session>>, StoreError> {
        let mut span = self.scope().begin("session look-up", Kind::Internal);
        let found = self.gateway().sessions.get(id, self.now).await;
        match &found {
            Ok(session) => span.set("outpost.session.found", session.is_some()),
            Err(_) => span.fail("store_unavailable"),
        }
        found
    }

    /// Tells the actor of a provider that its sessions have changed.
    pub fn notice(&self, notice: SessionNotice) {
        // Full: the actor counts anew from the store at intervals.
        let _ = self.gateway().notices.try_send(notice);
    }

    /// Tells the actors of the providers that these sessions belonged to, each once.
    pub fn notice_ended(&self, ended: &[EndedSession]) {
        for provider in providers_of(ended) {
            self.notice(SessionNotice { provider });
        }
    }

    /// A problem that carries this request's id.
    #[must_use]
    pub fn problem(
        &self,
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        message: impl Into<String>,
    ) -> Problem {
        Problem::new(status, code, title, message, &self.id)
    }
}

/// A request as it stands when its decision is made.
pub enum Judged {
    /// Liveness.
    Ping,
    /// A static file of ours.
    Static,
    /// Core's own, in embedded mode.
    Core(CoreRequest),
    /// Nobody can be asked about it: refused before a provider was known.
    Refused(Refusal),
    /// Decided about.
    Full {
        /// The facts.
        facts: Facts,
        /// What became of the credentials.
        credentials: super::credentials::Credentials,
        /// The decision.
        decision: Decision,
    },
}
