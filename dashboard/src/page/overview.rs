//! The overview page.

use leptos::prelude::*;

use super::Page;
use crate::model::{Link, LinkState, Notice, Overview, Place, Severity, Shell};
use crate::time;

impl Page for Overview {
    fn place(&self) -> Place {
        Place::Overview
    }

    fn content(&self, _: &Shell) -> AnyView {
        view! {
            <h1>{self.outpost.clone()}</h1>
            {state_of(self)}
            {facts(self)}
            {notices(self)}
        }
        .into_any()
    }
}

/// The one-glance state, in words and colour.
fn state_of(overview: &Overview) -> impl IntoView + use<> {
    let (class, text) = if !overview.missing.is_empty() {
        ("pill bad", "Not ready")
    } else if overview.link.state != LinkState::Connected || overview.refresh.error.is_some() {
        ("pill odd", "Serving, without core")
    } else {
        ("pill good", "Serving")
    };
    view! { <p class=class role="status">{text}</p> }
}

fn facts(overview: &Overview) -> impl IntoView + use<> {
    let now = overview.now;
    let Link { state, since, last_hello, last_ack, error } = overview.link.clone();
    let (class, text) = match state {
        LinkState::Connected => ("good", "connected"),
        LinkState::Connecting => ("odd", "connecting"),
        LinkState::Disconnected => ("bad", "disconnected, retrying"),
        LinkState::Stopped => ("odd", "stopped"),
    };
    let sessions = overview.sessions;
    let refresh = overview.refresh.clone();
    let in_providers = match overview.providers {
        1 => "in 1 provider".to_owned(),
        count => format!("in {count} providers"),
    };
    view! {
        <section aria-labelledby="core">
            <h2 id="core">"Connection to core"</h2>
            <p class="small wrap under">{overview.core.clone()}</p>
            <dl class="facts">
                <div>
                    <dt>"Websocket"</dt>
                    <dd><span class=class>{text}</span></dd>
                    <dd class="small">{since.map(|at| view! { "since " {moment(at, now, true)} })}</dd>
                    <dd class="small wrap">{error.filter(|_| state != LinkState::Connected)}</dd>
                </div>
                <div>
                    <dt>"Last hello"</dt>
                    <dd>{when(last_hello, now)}</dd>
                    <dd class="small">"acknowledged " {when(last_ack, now)}</dd>
                </div>
                <div>
                    <dt>"Configuration"</dt>
                    <dd>{when(refresh.last_success, now)}</dd>
                    <dd class="small">{refresh.next.map(|at| view! { "next " {moment(at, now, false)} })}</dd>
                    <dd class="small wrap">{refresh.error.map(|error| view! { <span class="bad">{error}</span> })}</dd>
                </div>
                <div>
                    <dt>"Sessions"</dt>
                    <dd>{sessions.map_or_else(|| "unknown".to_owned(), |count| count.to_string())}</dd>
                    <dd class="small">{in_providers}</dd>
                </div>
            </dl>
        </section>
    }
}

fn notices(overview: &Overview) -> Option<impl IntoView + use<>> {
    let mut all: Vec<Notice> = overview.missing.iter().chain(&overview.findings).cloned().collect();
    all.sort_by_key(|notice| std::cmp::Reverse(notice.severity));
    (!all.is_empty()).then(|| {
        view! {
            <section aria-labelledby="attention">
                <h2 id="attention">"Needs attention"</h2>
                {list(all)}
            </section>
        }
    })
}

fn list(notices: Vec<Notice>) -> impl IntoView {
    let items = notices.into_iter().map(|Notice { severity, code, message, remedy, .. }| {
        let (class, word) = match severity {
            Severity::Error => ("notice bad", "Error"),
            Severity::Warning => ("notice odd", "Warning"),
            Severity::Info => ("notice plain", "Note"),
        };
        view! {
            <li class=class>
                <p><strong>{word}</strong> " " {message}</p>
                {(!remedy.is_empty()).then(|| view! { <p>{remedy}</p> })}
                <p class="small"><code>{code}</code></p>
            </li>
        }
    });
    view! { <ul class="notices">{items.collect_view()}</ul> }
}

fn when(at: Option<i64>, now: i64) -> impl IntoView {
    match at {
        Some(at) => moment(at, now, false).into_any(),
        None => "never".into_any(),
    }
}

/// A moment: how far off it is, or itself, with the other one as its title.
fn moment(at: i64, now: i64, exact: bool) -> impl IntoView {
    let full = time::rfc3339(at);
    let relative = time::distance(at, now);
    let (shown, title) =
        if exact { (full.replace('T', " "), relative) } else { (relative, full.clone()) };
    view! { <time datetime=full title=title>{shown}</time> }
}
