//! Sessions: looking for them.

use leptos::prelude::*;

use super::parts::{Choice, address, empty, hidden, pager, problem, region, select, text_input};
use super::{Page, session_table};
use crate::live::{Frame, Region};
use crate::model::{Place, Role, SearchBy, Sessions, Shell};
use crate::number::counted;

/// Id of what was found.
const FOUND: &str = "sessions-found";

impl Page for Sessions {
    fn place(&self) -> Place {
        Place::Sessions
    }

    fn address(&self) -> Option<String> {
        Some(page_address(self, self.query.cursor.as_deref().unwrap_or_default()))
    }

    fn content(&self, shell: &Shell) -> AnyView {
        view! {
            <h1>{self.title()}</h1>
            <div class="searches">
                {search(self)}
                {(!self.providers.is_empty()).then(|| of_provider(self))}
            </div>
            {region(FOUND, found(self, shell.viewer.role))}
        }
        .into_any()
    }

    fn changes(&self, role: Role) -> Frame {
        let html = super::html(found(self, role));
        Frame { regions: vec![Region { id: FOUND, html }], lines: None }
    }
}

fn search(sessions: &Sessions) -> AnyView {
    let query = &sessions.query;
    let choices = SearchBy::ALL.into_iter().filter(|by| *by != SearchBy::Provider);
    let choices = choices.map(|by| Choice::new(by.code(), label(by))).collect();
    // The other form is about providers.
    let (by, value) = match query.by {
        SearchBy::Provider => (SearchBy::User, ""),
        by => (by, query.value.as_str()),
    };
    view! {
        <form class="search" method="get" action="/sessions" role="search" aria-label="Find sessions">
            {select("by", "Find by", choices, by.code())}
            {text_input("value", "What it is", value, "")}
            <button type="submit">"Find"</button>
        </form>
    }
    .into_any()
}

const fn label(by: SearchBy) -> &'static str {
    match by {
        SearchBy::User => "User name",
        SearchBy::Sid => "Session at authentik (sid)",
        SearchBy::Address => "Client address",
        SearchBy::Provider => "Provider",
        SearchBy::Sub => "Subject (sub)",
        SearchBy::Key => "Session key",
    }
}

fn of_provider(sessions: &Sessions) -> AnyView {
    let query = &sessions.query;
    let chosen = if query.by == SearchBy::Provider { query.value.as_str() } else { "" };
    let choices = sessions.providers.iter().map(|provider| {
        let value = provider.pk.to_string();
        let selected = value == chosen;
        view! { <option value=value selected=selected>{provider.name.clone()}</option> }
    });
    // Both forms have a field of the name `value`: an id of its own for this one.
    view! {
        <form class="search" method="get" action="/sessions" role="search" aria-label="Sessions of a provider">
            {hidden("by", SearchBy::Provider.code())}
            <div class="field">
                <label for="of-provider">"Or all of a provider"</label>
                <select id="of-provider" name="value">{choices.collect_view()}</select>
            </div>
            <button type="submit">"Show"</button>
        </form>
    }
    .into_any()
}

fn found(sessions: &Sessions, role: Role) -> AnyView {
    if let Some(text) = &sessions.problem {
        return view! {
            {problem("Sessions cannot be shown", text)}
            <p class="prose">"Correct the search above, or see on "<a href="/">"the overview"</a>" how the store is."</p>
        }
        .into_any();
    }
    if sessions.rows.is_empty() {
        return view! { {summary(sessions)} {nothing(sessions)} }.into_any();
    }
    let next = sessions.next.as_deref().map(|cursor| page_address(sessions, cursor));
    let first = sessions.query.cursor.as_ref().map(|_| page_address(sessions, ""));
    view! {
        <div class="bar">{summary(sessions)} {end_all(sessions, role)}</div>
        {session_table::sessions(&sessions.rows, sessions.now, "Sessions")}
        {pager(first, next)}
    }
    .into_any()
}

fn page_address(sessions: &Sessions, cursor: &str) -> String {
    let query = &sessions.query;
    let by = if query.value.is_empty() { "" } else { query.by.code() };
    address("/sessions", &[("by", by), ("value", &query.value), ("cursor", cursor)])
}

fn summary(sessions: &Sessions) -> AnyView {
    let total = sessions.total.map_or_else(
        || "The number of live sessions is unknown".to_owned(),
        |total| counted(total as u64, "live session", "live sessions"),
    );
    let rest = asked(sessions).map(|asked| {
        view! { " in all; shown: " <strong>{asked}</strong> " (" <a href="/sessions">"show all"</a> ")" }
    });
    view! { <p class="summary wrap">{total} {rest}</p> }.into_any()
}

/// What was asked for, in words; `None` for all.
fn asked(sessions: &Sessions) -> Option<String> {
    let value = &sessions.query.value;
    (!value.is_empty()).then(|| match sessions.query.by {
        SearchBy::User => format!("user {value}"),
        SearchBy::Sid => format!("sid {value}"),
        SearchBy::Address => format!("begun from {value}"),
        SearchBy::Provider => {
            let known = sessions.providers.iter().find(|one| one.pk.to_string() == *value);
            format!("provider {}", known.map_or(value, |one| &one.name))
        }
        SearchBy::Sub => format!("subject {value}"),
        SearchBy::Key => format!("key {value}"),
    })
}

/// Leads to the plan of ending what was found; nothing here ends anything.
fn end_all(sessions: &Sessions, role: Role) -> Option<AnyView> {
    let query = &sessions.query;
    if role != Role::Act || query.value.is_empty() {
        return None;
    }
    let words = match query.by {
        SearchBy::User | SearchBy::Sub => "Sign out everywhere",
        SearchBy::Provider => "End all sessions of this provider",
        SearchBy::Sid | SearchBy::Address => "End all of these",
        SearchBy::Key => "End this session",
    };
    let href = address("/sessions/revoke", &[("by", query.by.code()), ("value", &query.value)]);
    Some(view! { <a class="button danger" href=href>{words}</a> }.into_any())
}

fn nothing(sessions: &Sessions) -> AnyView {
    if sessions.query.cursor.is_some() {
        let then = view! {
            "The rest has ended since. " <a href=page_address(sessions, "")>"Back to the first page"</a> "."
        };
        return empty("Nothing comes after this.", then);
    }
    if asked(sessions).is_some() {
        let then = view! {
            "What is looked for is compared as a whole, in the case that authentik has it, and sessions that have ended are gone. "
            <a href="/sessions">"Show all sessions"</a> ", or see among the "
            <a href="/decisions">"latest decisions"</a> " what became of a request."
        };
        return empty("No live session matches.", then);
    }
    let then = view! {
        "A session appears here as soon as somebody signs in to an application; "
        <a href="/providers">"the providers"</a> " tell where those are."
    };
    empty("Nobody is signed in.", then)
}

#[cfg(test)]
mod tests;
