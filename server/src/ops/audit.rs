//! What operators do, and what is refused to them: told in the log, whatever its level, and what
//! changes something in core's event log as well. Nobody waits for core.

use std::net::IpAddr;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::access::{How, Operator, Refusal};
use crate::authentik::{OperatorAction, OperatorReport};

/// The target of log lines about operators.
pub const TARGET: &str = "outpost::audit";

/// Longest text of others that is told, in characters.
const LONGEST: usize = 200;

/// The time over which failed sign-ins are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Failed sign-ins that core is told of within [`WINDOW`]: strangers make them.
const FAILURES: u32 = 10;

/// Where it is told. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Audit {
    deeds: mpsc::Sender<OperatorReport>,
    replica: String,
    failures: Arc<Mutex<Failures>>,
}

/// Failed sign-ins that core was told of, since when.
#[derive(Debug, Default)]
struct Failures {
    since: Option<Instant>,
    told: u32,
}

impl Failures {
    /// Whether core is told of one more.
    fn admit(&mut self, now: Instant) -> bool {
        if self.since.is_none_or(|since| now.duration_since(since) >= WINDOW) {
            *self = Self { since: Some(now), told: 0 };
        }
        let fits = self.told < FAILURES;
        self.told += u32::from(fits);
        fits
    }
}

/// Somebody, as far as they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// How they are called; empty where nobody knows.
    pub name: String,
    /// How they came in, or tried to.
    pub how: How,
    /// Who was connected.
    pub peer: Option<IpAddr>,
}

impl Who {
    /// Somebody who is let in.
    #[must_use]
    pub fn is(operator: &Operator) -> Self {
        Self { name: operator.name.clone(), how: operator.how, peer: operator.peer }
    }
}

/// What somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed<'a> {
    /// Came in.
    SignedIn,
    /// Was not let in.
    NotSignedIn {
        /// Why not.
        why: &'a str,
    },
    /// Went out.
    SignedOut,
    /// Ended sessions.
    Ended {
        /// What they were named by.
        by: &'a str,
        /// What it was.
        value: &'a str,
        /// How many.
        count: usize,
        /// What went wrong before all had ended.
        failure: Option<String>,
    },
}

impl Audit {
    /// Tells core through `deeds`, by the name of this `replica`.
    #[must_use]
    pub fn new(deeds: mpsc::Sender<OperatorReport>, replica: String) -> Self {
        Self { deeds, replica, failures: Arc::default() }
    }

    /// Tells of a deed.
    pub fn tell(&self, who: &Who, deed: &Deed<'_>) {
        let message = sentence(deed);
        let (action, details) = described(deed);
        let (name, how) = (shown(&who.name), who.how.code());
        let shown = Value::Object(details.clone());
        if matches!(deed, Deed::NotSignedIn { .. } | Deed::Ended { failure: Some(_), .. }) {
            tracing::warn!(target: TARGET, operator = name, how, peer = ?who.peer, details = %shown, "{message}");
        } else {
            tracing::info!(target: TARGET, operator = name, how, peer = ?who.peer, details = %shown, "{message}");
        }
        if matches!(deed, Deed::NotSignedIn { .. }) && !self.admits_failure() {
            return;
        }
        let mut context = details;
        let about =
            [("operator", name.as_str()), ("signed_in_by", how), ("replica", &self.replica)];
        context.extend(about.map(|(key, value)| (key.to_owned(), Value::from(value))));
        let report = OperatorReport { action, message, client_ip: who.peer, context };
        if self.deeds.try_send(report).is_err() {
            tracing::warn!(target: TARGET, "core is not told of it: too much waits for core already");
        }
    }

    /// Whether core is told of one more failed sign-in. Half of the places are for what operators
    /// did: strangers never take those.
    fn admits_failure(&self) -> bool {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        self.deeds.capacity() > self.deeds.max_capacity() / 2 && failures.admit(Instant::now())
    }

    /// Tells of somebody who came back from core without a sign-in. Core is not told: anybody can
    /// make such a link.
    pub fn astray(peer: Option<IpAddr>, why: &str) {
        let why = shown(why);
        tracing::warn!(target: TARGET, ?peer, why, "a sign-in of an operator through core has failed");
    }

    /// Tells of a request that was refused. Core is not told: anybody can send such.
    pub fn refused(peer: Option<IpAddr>, path: &str, refusal: Refusal) {
        let path = shown(path);
        if matches!(refusal, Refusal::Limited(_)) {
            // Those that led to this were told; guessing on does not fill the log.
            tracing::debug!(?peer, path, %refusal, "a request of an operator was refused");
            return;
        }
        tracing::warn!(target: TARGET, ?peer, path, %refusal, "a request of an operator was refused");
    }
}

fn sentence(deed: &Deed<'_>) -> String {
    match deed {
        Deed::SignedIn => "An operator of the outpost has signed in".to_owned(),
        Deed::NotSignedIn { .. } => "An operator of the outpost was not let in".to_owned(),
        Deed::SignedOut => "An operator of the outpost has signed out".to_owned(),
        Deed::Ended { count: 1, .. } => "An operator of the outpost ended 1 session".to_owned(),
        Deed::Ended { count, .. } => format!("An operator of the outpost ended {count} sessions"),
    }
}

fn described(deed: &Deed<'_>) -> (OperatorAction, Map<String, Value>) {
    let mut details = Map::new();
    let mut add = |key: &str, value: Value| {
        details.insert(key.to_owned(), value);
    };
    let action = match deed {
        Deed::SignedIn => OperatorAction::Login,
        Deed::SignedOut => OperatorAction::Logout,
        Deed::NotSignedIn { why } => {
            add("why", shown(why).into());
            OperatorAction::LoginFailed
        }
        Deed::Ended { by, value, count, failure } => {
            add("by", (*by).into());
            add("value", shown(value).into());
            add("sessions", (*count).into());
            if let Some(failure) = failure {
                add("failure", shown(failure).into());
            }
            OperatorAction::Deleted
        }
    };
    (action, details)
}

/// A text of others: short, on one line.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who() -> Who {
        Who { name: "alice\n".into(), how: How::Core, peer: "192.0.2.7".parse().ok() }
    }

    #[test]
    fn core_is_told_who_did_what_from_where() {
        let (sender, mut told) = mpsc::channel(8);
        let audit = Audit::new(sender, "replica-1".into());
        let ended = |count, failure| Deed::Ended { by: "user", value: "bob", count, failure };
        for (deed, action, message) in [
            (Deed::SignedIn, "login", "has signed in"),
            (Deed::NotSignedIn { why: "no group" }, "login_failed", "was not let in"),
            (Deed::SignedOut, "logout", "has signed out"),
            (ended(1, None), "model_deleted", "ended 1 session"),
            (ended(7, Some("away".into())), "model_deleted", "ended 7 sessions"),
        ] {
            audit.tell(&who(), &deed);
            let report = told.try_recv().unwrap();
            assert_eq!(report.action.as_str(), action);
            assert!(report.message.ends_with(message), "{}", report.message);
            assert_eq!(report.client_ip, who().peer);
            assert_eq!(report.context["operator"], "alice");
            assert_eq!(report.context["signed_in_by"], "core");
            assert_eq!(report.context["replica"], "replica-1");
            if let Deed::Ended { count, failure, .. } = deed {
                assert_eq!(
                    (&report.context["by"], &report.context["value"]),
                    (&"user".into(), &"bob".into())
                );
                assert_eq!(report.context["sessions"], count);
                assert_eq!(report.context.contains_key("failure"), failure.is_some());
            }
        }
    }

    #[test]
    fn strangers_neither_flood_core_nor_take_the_place_of_what_operators_do() {
        let (sender, mut told) = mpsc::channel(100);
        let audit = Audit::new(sender, String::new());
        for _ in 0..100 {
            audit.tell(&who(), &Deed::NotSignedIn { why: "made up" });
        }
        for _ in 0..FAILURES {
            assert_eq!(told.try_recv().unwrap().action.as_str(), "login_failed");
        }
        assert!(told.try_recv().is_err());
        let mut failures = Failures::default();
        let start = Instant::now();
        assert_eq!((0..20).filter(|_| failures.admit(start)).count(), FAILURES as usize);
        assert!(failures.admit(start + WINDOW));

        let (sender, mut told) = mpsc::channel(8);
        let audit = Audit::new(sender, String::new());
        for _ in 0..20 {
            audit.tell(&who(), &Deed::NotSignedIn { why: "made up" });
        }
        for _ in 0..4 {
            audit.tell(&who(), &Deed::SignedOut);
        }
        let mut actions = Vec::new();
        while let Ok(report) = told.try_recv() {
            actions.push(report.action.as_str());
        }
        assert_eq!(actions, [["login_failed"; 4], ["logout"; 4]].concat());
    }

    #[test]
    fn a_full_queue_holds_nobody_up() {
        let (sender, mut told) = mpsc::channel(1);
        let audit = Audit::new(sender, String::new());
        for _ in 0..3 {
            audit.tell(&who(), &Deed::SignedOut);
        }
        assert!(told.try_recv().is_ok() && told.try_recv().is_err());
    }
}
