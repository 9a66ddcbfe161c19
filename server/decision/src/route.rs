//! Host to provider, by ordered specificity (contract 5).

use serde::Serialize;

/// How a host found its provider, most specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// The host and port of an `external_host`.
    ExactHost,
    /// Under the `cookie_domain` of a `forward_domain` provider.
    CookieDomain,
    /// There is only one provider.
    OnlyProvider,
}
