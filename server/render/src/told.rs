//! What Envoy, and gateways made of it, tell the outpost of a request.

/// The header that says which scheme a browser uses. Envoy itself is told what to write there.
pub(crate) const SCHEME: &str = "x-forwarded-proto";

/// Request headers that a check is told beside method, path, `Host` and `Authorization`: what the
/// outpost decides by (sessions, and what tells a page from a script and a websocket), and what it
/// says of the request in its log.
pub(crate) const TOLD: [&str; 16] = [
    "accept",
    "access-control-request-method",
    "cookie",
    "origin",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-websocket-key",
    "traceparent",
    "tracestate",
    "upgrade",
    "user-agent",
    "x-forwarded-for",
    SCHEME,
    "x-request-id",
    "x-requested-with",
];
