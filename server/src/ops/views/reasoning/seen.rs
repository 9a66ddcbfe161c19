//! Who said what of where a request came from and went to, and whether it counted.

use outpost_dashboard::model::SeenHeader;
use outpost_decision::decision::Step;
use outpost_decision::dialect::Dialect;

use super::{Evidence, fault};
use crate::ops::event::Decided;

/// The headers, in the order in which they came.
pub(super) fn headers(decided: &Decided, evidence: &Evidence<'_>) -> Vec<SeenHeader> {
    all(evidence, |name| counts(name, decided, evidence))
}

/// Those of a request about which nothing was decided: none counted.
pub(super) fn of_undecided(evidence: &Evidence<'_>) -> Vec<SeenHeader> {
    all(evidence, |_| false)
}

fn all(evidence: &Evidence<'_>, counts: impl Fn(&str) -> bool) -> Vec<SeenHeader> {
    let seen = |name: &str, value: &str| SeenHeader {
        name: name.to_owned(),
        value: value.to_owned(),
        from: evidence.peer.to_string(),
        trusted: evidence.peer_trusted,
        believed: counts(name),
    };
    if evidence.forwarding.is_empty() {
        return vec![seen("Host", evidence.host)];
    }
    evidence.forwarding.iter().map(|(name, value)| seen(name, value)).collect()
}

/// Whether a header had a say.
fn counts(name: &str, decided: &Decided, evidence: &Evidence<'_>) -> bool {
    if fault(decided) == Some(name) {
        return false;
    }
    let ignored =
        |step: &Step| matches!(step, Step::Ignored { header } if header.eq_ignore_ascii_case(name));
    if decided.steps.iter().any(ignored) {
        return false;
    }
    let source = decided.steps.iter().find_map(|step| match step {
        Step::Origin { source, .. } => Some(*source),
        _ => None,
    });
    let nginx = decided.dialect == Some(Dialect::Nginx);
    let forward_auth = matches!(decided.dialect, Some(Dialect::Traefik | Dialect::Caddy));
    let is_read = match name {
        // The request's own, which anybody may choose; a forwarded one takes its place.
        "Host" => {
            return !matches!(
                source,
                Some("X-Forwarded-Host" | "Forwarded" | "X-Forwarded-Uri" | "X-Original-URL")
            );
        }
        "X-Forwarded-For" | "X-Forwarded-Host" | "X-Forwarded-Proto" => true,
        // Off unless the settings say otherwise; beside the customary ones it is not said to be.
        "Forwarded" => evidence.peer_trusted && source == Some("Forwarded"),
        "X-Forwarded-Uri" => forward_auth,
        "X-Forwarded-Method" => forward_auth || nginx,
        "X-Original-URL" | "X-Original-URI" => nginx,
        "X-Original-Method" => nginx || decided.dialect == Some(Dialect::NginxAkprox),
        _ => false,
    };
    is_read && evidence.peer_trusted
}
