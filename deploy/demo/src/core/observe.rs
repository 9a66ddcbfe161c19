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
    /// Tokens issued since the start, for codes and client credentials together.
    pub tokens_issued: u64,
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

    pub(crate) fn record(&mut self, request: RecordedRequest) {
        *self.counts.entry(request.endpoint).or_default() += 1;
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
