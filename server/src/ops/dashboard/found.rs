//! What stands on the page that somebody asks for.

use outpost_dashboard::model::{ExplainPage, RevokePlan, Sessions};
use outpost_dashboard::page::{Message, Page};

use super::asked::{Asked, Named, Understood};
use crate::clock;
use crate::ops::questions::FleetDecision;
use crate::ops::views::Views;
use crate::session::StoreError;

/// Decisions on one page.
const DECISIONS: usize = 200;

/// What was found.
pub(super) enum Found {
    /// The page.
    Page {
        /// Itself.
        page: Box<dyn Page>,
        /// Number of the latest decision, on a page of decisions.
        latest: Option<u64>,
    },
    /// It is about something that is not there (any more).
    Nothing(Message),
    /// It cannot be told.
    Away(Message),
    /// It cannot be told yet.
    Later(Message),
}

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// Somebody who opens the page.
    Page,
    /// Somebody who has it open; decisions up to the one with this number are there already.
    Feed(Option<u64>),
}

/// Looks for it.
pub(super) async fn find(views: &Views, asked: &Asked, reader: Reader) -> Found {
    let now = clock::now().0;
    match asked.clone() {
        Asked::Overview => page(views.overview()),
        Asked::Providers => page(views.providers()),
        Asked::Provider { pk, tried } => {
            let found = match reader {
                Reader::Page => views.provider(pk, tried.as_deref()),
                Reader::Feed(_) => views.provider_now(pk, tried.as_deref()),
            };
            match found {
                Some(provider) => page(provider),
                None => nothing(
                    "No such provider",
                    "This outpost has no provider of this key.",
                    "It may have been taken from the outpost in authentik; the list of providers \
                    is at /providers.",
                ),
            }
        }
        Asked::Sessions(Understood { question, problem: None }) => {
            page(views.sessions(question).await)
        }
        Asked::Sessions(Understood { question: query, problem }) => {
            page(Sessions { now, query, problem, ..Sessions::default() })
        }
        Asked::Session(key) => match views.session(&key).await {
            Ok(Some(session)) => page(session),
            Ok(None) => nothing(
                "No such session",
                "No session of this key lives.",
                "It may have ended; the sessions that live are at /sessions.",
            ),
            Err(error) => Found::Away(store_away(&error)),
        },
        Asked::Revoke(Understood { question: named, problem: None }) => {
            page(views.revoke_plan(named.by, &named.value).await)
        }
        Asked::Revoke(Understood { question: Named { by, value }, problem }) => {
            page(RevokePlan { now, by, value, problem, ..RevokePlan::default() })
        }
        Asked::Decisions(filter) => {
            let after = match reader {
                Reader::Page => None,
                Reader::Feed(after) => after,
            };
            let decisions = views.decisions(&filter, after, DECISIONS);
            let latest = Some(decisions.latest);
            Found::Page { page: Box::new(decisions), latest }
        }
        Asked::Decision(id) => match views.decision(&id) {
            Some(decision) => page(decision),
            None => elsewhere(views, &id).await,
        },
        Asked::Explain(Understood { question: form, problem: None }) => page(views.explain(form)),
        Asked::Explain(Understood { question: form, problem }) => {
            page(ExplainPage { now, form, problem, explained: None })
        }
        Asked::Doctor => page(views.doctor()),
    }
}

/// A decision that another replica may have made.
async fn elsewhere(views: &Views, id: &str) -> Found {
    match views.fleet_decision(id).await {
        FleetDecision::Found(decision) => page(*decision),
        FleetDecision::Asking => Found::Later(Message {
            title: "Asking the other replicas".into(),
            text: "The journal of this replica has no decision with this id. The others are being \
                asked for it."
                .into(),
            remedy: "This page looks again by itself; an answer takes a few seconds.".into(),
        }),
        FleetDecision::Away(error) => Found::Away(Message {
            title: "The other replicas cannot be asked".into(),
            text: format!(
                "The journal of this replica has no decision with this id, and the others are \
                asked through the store: {error}."
            ),
            remedy: "Look at each replica's own dashboard, or try again when it is back.".into(),
        }),
        FleetDecision::Nobody => nothing(
            "No such decision",
            "No journal of a replica has a decision with this id.",
            "It may have been made so long ago that newer ones have taken its place \
            (journal.capacity), or by a replica that is gone; log lines with the same id tell more.",
        ),
    }
}

fn page(page: impl Page + 'static) -> Found {
    Found::Page { page: Box::new(page), latest: None }
}

fn nothing(title: &str, text: &str, remedy: &str) -> Found {
    Found::Nothing(Message { title: title.into(), text: text.into(), remedy: remedy.into() })
}

/// What is said while the session store cannot tell.
pub(super) fn store_away(error: &StoreError) -> Message {
    Message {
        title: "The session store does not answer".into(),
        text: error.to_string(),
        remedy: "Try again when it is back.".into(),
    }
}
