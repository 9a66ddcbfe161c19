//! The overview page.

use leptos::prelude::*;

use crate::model::{Link, LinkState, Notice, Overview, ProviderRow, Severity};
use crate::{STYLE_PATH, time};

/// Renders the page as a whole document.
#[must_use]
pub fn render(overview: &Overview) -> String {
    let owner = Owner::new_root(None);
    let html = owner.with(|| document(overview).to_html());
    owner.unset_with_forced_cleanup();
    // Markers between text nodes, of use to hydration only. Texts cannot hold one: `<` is escaped.
    format!("<!DOCTYPE html>{}", html.replace("<!>", ""))
}

fn document(overview: &Overview) -> impl IntoView {
    let name = if overview.outpost.is_empty() { "Outpost" } else { overview.outpost.as_str() };
    let title = format!("{name} · Outpost");
    view! {
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <title>{title}</title>
                <link rel="stylesheet" href=STYLE_PATH />
            </head>
            <body>
                <a class="skip" href="#providers">"Skip to the providers"</a>
                <header>
                    <div>
                        <p class="kicker">"authentik outpost"</p>
                        <h1>{name.to_owned()}</h1>
                    </div>
                    {state_of(overview)}
                </header>
                <main>
                    {facts(overview)}
                    {notices(overview)}
                    {providers(overview)}
                </main>
                <footer>
                    <p>"Outpost " {overview.version.clone()} " · instance " <code>{overview.instance.clone()}</code></p>
                    <p>"As of " {moment(overview.now, overview.now, true)} " · " <a href="/">"Look again"</a></p>
                </footer>
            </body>
        </html>
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
    let sessions: Option<usize> = overview.providers.iter().map(|row| row.sessions).sum();
    let refresh = overview.refresh.clone();
    let in_providers = match overview.providers.len() {
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
    let items = notices.into_iter().map(|Notice { severity, code, message, remedy }| {
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

fn providers(overview: &Overview) -> impl IntoView + use<> {
    let body = if !overview.providers.is_empty() {
        table(&overview.providers).into_any()
    } else if overview.refresh.last_success.is_some() {
        view! {
            <div class="empty">
                <p><strong>"This outpost has no provider yet."</strong></p>
                <p>
                    "In authentik, open Applications › Outposts, edit this outpost, and select the applications it is to protect. They appear here within seconds."
                </p>
            </div>
        }
        .into_any()
    } else {
        view! {
            <div class="empty">
                <p><strong>"Nothing has been heard from core yet."</strong></p>
                <p>
                    "Check that " <code>"AUTHENTIK_HOST"</code> " names the authentik server, that "
                    <code>"AUTHENTIK_TOKEN"</code> " is the token of this outpost, and that core is up. It is tried again by itself."
                </p>
            </div>
        }
        .into_any()
    };
    view! {
        <section aria-labelledby="providers">
            <h2 id="providers" tabindex="-1">"Providers"</h2>
            {body}
        </section>
    }
}

/// The roles repeat what the elements say: a narrow screen lays the table out as blocks, and browsers
/// then forget that it is one.
fn table(rows: &[ProviderRow]) -> impl IntoView + use<> {
    let rows = rows.iter().cloned().map(row).collect_view();
    view! {
        <table role="table">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Provider"</th>
                    <th role="columnheader" scope="col">"Address"</th>
                    <th role="columnheader" scope="col">"Application"</th>
                    <th role="columnheader" scope="col">"Mode"</th>
                    <th role="columnheader" scope="col" class="number">"Sessions"</th>
                    <th role="columnheader" scope="col">"State"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
}

fn row(row: ProviderRow) -> impl IntoView {
    let mode = match row.mode.as_str() {
        "proxy" => "Proxy".to_owned(),
        "forward_single" => "Forward auth, one application".to_owned(),
        "forward_domain" => "Forward auth, whole domain".to_owned(),
        other => other.to_owned(),
    };
    let sessions = row.sessions.map_or_else(|| "–".to_owned(), |count| count.to_string());
    let worst = row.findings.iter().map(|notice| notice.severity).max();
    let (class, state) = match (row.up_to_date, worst) {
        (false, _) => ("bad", "Keeps its last good version"),
        (true, Some(Severity::Error)) => ("bad", "In effect, in part"),
        (true, Some(Severity::Warning)) => ("odd", "In effect, with warnings"),
        (true, _) => ("good", "In effect"),
    };
    let findings = (!row.findings.is_empty()).then(|| {
        view! { <tr role="row" class="findings"><td role="cell" colspan="6">{list(row.findings)}</td></tr> }
    });
    view! {
        <tr role="row">
            <th role="rowheader" scope="row">{row.name}</th>
            <td role="cell" data-label="Address" class="wrap">{address(row.external_host)}</td>
            <td role="cell" data-label="Application">{row.application}</td>
            <td role="cell" data-label="Mode">{mode}</td>
            <td role="cell" data-label="Sessions" class="number">{sessions}</td>
            <td role="cell" data-label="State"><span class=class>{state}</span></td>
        </tr>
        {findings}
    }
}

/// A link, if it is one that leads to a web page: other schemes could run a script.
fn address(url: String) -> impl IntoView {
    if url.starts_with("https://") || url.starts_with("http://") {
        view! { <a href=url.clone() rel="noreferrer">{url.clone()}</a> }.into_any()
    } else {
        url.into_any()
    }
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

#[cfg(test)]
mod tests;
