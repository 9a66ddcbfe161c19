//! One session.

use leptos::prelude::*;

use super::parts::{Fact, address, empty, facts, moment, pairs, provider_link, region, section};
use super::{Page, session_table};
use crate::live::{Frame, Region};
use crate::model::{Place, Role, SearchBy, SessionPage, SessionRow, Shell};

/// Ids of what changes while one looks.
const TIMES: &str = "session-times";
const OTHERS: &str = "session-others";

impl Page for SessionPage {
    fn place(&self) -> Place {
        Place::Sessions
    }

    fn title(&self) -> String {
        format!("Session of {}", session_table::named(&self.row))
    }

    fn address(&self) -> Option<String> {
        Some(session_table::link(&self.row))
    }

    fn content(&self, shell: &Shell) -> AnyView {
        let kept = view! {
            {names(&self.row)}
            <p class="prose small">
                "Claims and tokens are sealed: only with the cookie of the browser can they be opened, so they are not shown here."
            </p>
        };
        view! {
            <p class="kicker"><a href="/sessions">"All sessions"</a></p>
            <h1 class="wrap">{self.title()}</h1>
            {(shell.viewer.role == Role::Act).then(|| actions(&self.row))}
            {region(TIMES, times(&self.row, self.now))}
            {section("kept", "What the store keeps in the clear", kept.into_any())}
            {section("others", "Other sessions of this user", region(OTHERS, others(self)))}
        }
        .into_any()
    }

    fn changes(&self, _: Role) -> Frame {
        let regions = vec![
            Region { id: TIMES, html: super::html(times(&self.row, self.now)) },
            Region { id: OTHERS, html: super::html(others(self)) },
        ];
        Frame { regions, lines: None }
    }
}

/// Leads to plans of ending sessions; nothing here ends anything.
fn actions(row: &SessionRow) -> AnyView {
    let plan = |by: SearchBy, value: &str| {
        address("/sessions/revoke", &[("by", by.code()), ("value", value)])
    };
    let everywhere = (!row.user.is_empty()).then(|| {
        let words = format!("Sign {} out everywhere", row.user);
        view! { <a class="button wrap" href=plan(SearchBy::User, &row.user)>{words}</a> }
    });
    let sid = row.sid.as_ref().map(|sid| {
        view! { <a class="button" href=plan(SearchBy::Sid, sid)>"End all of the same sign-in"</a> }
    });
    view! {
        <div class="actions">
            <a class="button danger" href=plan(SearchBy::Key, &row.key)>"End this session"</a>
            {everywhere} {sid}
        </div>
    }
    .into_any()
}

fn times(row: &SessionRow, now: i64) -> AnyView {
    let mut ends = Fact::new("Ends", moment(row.expires, now));
    if let Some(idle) = row.idle_until {
        ends = ends.line(view! { "if unused, " {moment(idle, now)} });
    }
    facts(vec![
        Fact::new("Since", moment(row.created, now)),
        Fact::new("Last seen", moment(row.seen, now)),
        Fact::new("Core last vouched for it", moment(row.verified, now)),
        ends,
    ])
}

fn names(row: &SessionRow) -> AnyView {
    let origin = match row.origin.as_str() {
        "sign_in" => "Somebody signed in with a browser".to_owned(),
        "header" => "An Authorization header was accepted".to_owned(),
        other => other.to_owned(),
    };
    let agent = if row.user_agent.is_empty() { "unknown" } else { &row.user_agent };
    let search = |by: SearchBy, value: &str| {
        let href = address("/sessions", &[("by", by.code()), ("value", value)]);
        view! { <a href=href>{value.to_owned()}</a> }.into_any()
    };
    let user = (!row.user.is_empty()).then(|| {
        view! {
            {search(SearchBy::User, &row.user)} " ("
            <a href=address("/decisions", &[("user", &row.user)])>"decisions about their requests"</a> ")"
        }
    });
    let user = user.map_or_else(|| "none".into_any(), IntoAny::into_any);
    let none = || "none: it hangs on no session at authentik".into_any();
    let lines = [
        ("User name", user),
        ("Subject (sub)", search(SearchBy::Sub, &row.sub)),
        (
            "Session at authentik (sid)",
            row.sid.as_ref().map_or_else(none, |sid| search(SearchBy::Sid, sid)),
        ),
        ("Provider", provider_link(&row.provider)),
        ("Came to be", origin.into_any()),
        (
            "Client address",
            row.client_address
                .as_ref()
                .map_or_else(|| "unknown".into_any(), |client| search(SearchBy::Address, client)),
        ),
        ("User agent", agent.to_owned().into_any()),
        ("Key", view! { <code>{row.key.clone()}</code> }.into_any()),
    ];
    pairs(lines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn others(page: &SessionPage) -> AnyView {
    if page.others.is_empty() {
        return empty("This is the only one.", "The user is signed in nowhere else.");
    }
    session_table::sessions(&page.others, page.now, "Other sessions of this user")
}

#[cfg(test)]
mod tests;
