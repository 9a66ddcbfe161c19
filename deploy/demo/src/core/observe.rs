//! What the stand-in core has seen.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use super::{fault::Endpoint, http::Ask};

/// How many requests, hellos and handshakes are kept; older ones are dropped (the counts go on).
const KEPT: usize = 10_000;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// Endpoint it was for.
    pub endpoint: Endpoint,
    /// Method.
    pub method: String,
    /// Path below the base path.
    pub path: String,
    /// Query string without the question mark.
    pub query: String,
    /// Every header line in order, names in lower case: repeated ones appear repeatedly.
    pub headers: Vec<(String, String)>,
    /// Form fields, for a form.
    pub form: Vec<(String, String)>,
}

impl RecordedRequest {
    pub(crate) fn new(endpoint: Endpoint, ask: &Ask) -> Self {
        Self {
            endpoint,
            method: ask.method.clone(),
            path: ask.path.clone(),
            query: ask.raw_query.clone(),
            headers: ask.headers.clone(),
            form: ask.form.clone(),
        }
    }

    /// Every value of a header.
    pub fn header_values(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The first value of a form field.
    pub fn form_value(&self, name: &str) -> Option<&str> {
        self.form.iter().find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }

    /// The first value of a query parameter.
    pub fn query_value(&self, name: &str) -> Option<String> {
        super::http::pairs(self.query.as_bytes())
            .into_iter()
            .find_map(|(key, value)| (key == name).then_some(value))
    }
}

/// One hello of an outpost.
#[derive(Clone, Debug)]
pub struct Hello {
    /// Number of the connection it came on.
    pub connection: u64,
    /// `instance_uuid` of the connection, or core's own name for it.
    pub uid: String,
    /// The arguments as sent.
    pub args: Value,
}

/// One open websocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebsocketConnection {
    /// Number of the connection, counting from 1 over the core's life.
    pub id: u64,
    /// Query string of the handshake.
    pub query: String,
}

impl WebsocketConnection {
    /// The `attempt` of the handshake, if it names one.
    pub fn attempt(&self) -> Option<u64> {
        let mut pairs = super::http::pairs(self.query.as_bytes()).into_iter();
        pairs.find(|(key, _)| key == "attempt").and_then(|(_, value)| value.parse().ok())
    }
}

/// What was done with one token. Kept for the core's life, also after the token has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenUse {
    /// Whose it is; `None` for a service account's and for a token core does not know.
    pub username: Option<String>,
    /// `sid` of the session it belongs to.
    pub sid: Option<String>,
    /// How often it was sent: introspections of it (an access token), tries to redeem it (a refresh token), those
    /// that a fault kept from their answer included.
    pub asked: u64,
    /// How often core said yes: answers that it is active (an access token), redeems (a refresh token).
    pub granted: u64,
}

impl TokenUse {
    pub(crate) fn new(username: Option<&str>, sid: Option<&str>) -> Self {
        let (username, sid) = (username.map(str::to_owned), sid.map(str::to_owned));
        Self { username, sid, asked: 0, granted: 0 }
    }
}

/// Everything observed so far.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The latest requests, websocket handshakes included, oldest first.
    pub requests: VecDeque<RecordedRequest>,
    /// Requests per endpoint since the start.
    pub counts: HashMap<Endpoint, u64>,
    /// The latest hellos, oldest first.
    pub hellos: VecDeque<Hello>,
    /// Every message of an outpost that was no hello, as text.
    pub other_frames: VecDeque<String>,
    /// Accepted events.
    pub events: Vec<Value>,
    /// Open websockets.
    pub connections: Vec<WebsocketConnection>,
    /// Codes of the close frames that outposts sent, oldest first; `None` for one without a code.
    pub close_frames: Vec<Option<u16>>,
    /// Websockets opened since the start.
    pub connections_opened: u64,
    /// Websocket handshakes refused since the start.
    pub handshakes_refused: u64,
    /// Codes granted since the start.
    pub codes_granted: u64,
    /// Access tokens issued since the start, for codes, refresh tokens and client credentials together.
    pub tokens_issued: u64,
    /// Every access token issued, and every other text introspected as a token.
    pub access_tokens: HashMap<String, TokenUse>,
    /// Every refresh token issued, and every other text that was to be redeemed.
    pub refresh_tokens: HashMap<String, TokenUse>,
    /// Requests being answered now, per endpoint.
    pub(crate) under_way: HashMap<Endpoint, u64>,
    /// Most requests to an endpoint at the same time.
    pub(crate) most_at_once: HashMap<Endpoint, u64>,
}

impl Observed {
    /// Requests to an endpoint since the start.
    pub fn count(&self, endpoint: Endpoint) -> u64 {
        self.counts.get(&endpoint).copied().unwrap_or_default()
    }

    /// The kept requests to an endpoint, oldest first.
    pub fn requests_to(&self, endpoint: Endpoint) -> impl Iterator<Item = &RecordedRequest> {
        self.requests.iter().filter(move |request| request.endpoint == endpoint)
    }

    /// The most requests to an endpoint that were under way at the same time, each from its arrival (faults
    /// included) to its answer.
    pub fn most_at_once(&self, endpoint: Endpoint) -> u64 {
        self.most_at_once.get(&endpoint).copied().unwrap_or_default()
    }

    /// Introspections of the tokens of one session with core.
    pub fn introspections_of_session(&self, sid: &str) -> u64 {
        let of_session =
            self.access_tokens.values().filter(|token| token.sid.as_deref() == Some(sid));
        of_session.map(|token| token.asked).sum()
    }

    /// Refresh tokens of a user that were redeemed, each time counted.
    pub fn redeems_of(&self, username: &str) -> u64 {
        let of_user = self
            .refresh_tokens
            .values()
            .filter(|token| token.username.as_deref() == Some(username));
        of_user.map(|token| token.granted).sum()
    }

    /// The most often that any one refresh token was sent to be redeemed: one, unless two replicas (or one, after a
    /// lost answer) tried the same.
    pub fn most_tries_of_a_refresh_token(&self) -> u64 {
        self.refresh_tokens.values().map(|token| token.asked).max().unwrap_or_default()
    }

    pub(crate) fn redeemed(&mut self, refresh_token: &str) {
        self.refresh_tokens.entry(refresh_token.to_owned()).or_default().granted += 1;
    }

    pub(crate) fn found_active(&mut self, token: &str) {
        self.access_tokens.entry(token.to_owned()).or_default().granted += 1;
    }

    /// A request has been answered, or its sender is gone.
    pub(crate) fn done(&mut self, endpoint: Endpoint) {
        if let Some(under_way) = self.under_way.get_mut(&endpoint) {
            *under_way = under_way.saturating_sub(1);
        }
    }

    pub(crate) fn record(&mut self, request: RecordedRequest) {
        let endpoint = request.endpoint;
        *self.counts.entry(endpoint).or_default() += 1;
        let under_way = self.under_way.entry(endpoint).or_default();
        *under_way += 1;
        let most = self.most_at_once.entry(endpoint).or_default();
        *most = (*most).max(*under_way);
        let (tokens, field) = match endpoint {
            Endpoint::Introspect => (&mut self.access_tokens, "token"),
            _ => (&mut self.refresh_tokens, "refresh_token"),
        };
        if matches!(endpoint, Endpoint::Introspect | Endpoint::Refresh)
            && let Some(token) = request.form_value(field)
        {
            tokens.entry(token.to_owned()).or_default().asked += 1;
        }
        push_bounded(&mut self.requests, request);
    }

    pub(crate) fn record_hello(&mut self, hello: Hello) {
        push_bounded(&mut self.hellos, hello);
    }

    pub(crate) fn record_frame(&mut self, frame: String) {
        push_bounded(&mut self.other_frames, frame);
    }
}

fn push_bounded<T>(queue: &mut VecDeque<T>, item: T) {
    if queue.len() == KEPT {
        queue.pop_front();
    }
    queue.push_back(item);
}
