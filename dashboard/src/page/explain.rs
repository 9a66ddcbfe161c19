//! Asking what would be decided about a request that is never sent.

use leptos::prelude::*;

use super::parts::{Choice, address, problem, section, select, text_area, text_input};
use super::reasoning::{reasoning, verdict};
use super::{Page, words};
use crate::model::{ExplainForm, ExplainPage, Explained, Place, Shell, Via};

impl Page for ExplainPage {
    fn place(&self) -> Place {
        Place::Explain
    }

    fn content(&self, _: &Shell) -> AnyView {
        let wrong = self.problem.as_deref().map(|text| problem("This cannot be answered", text));
        let answer = self.explained.as_ref().map(answer);
        let tries = (answer.is_none() && wrong.is_none()).then(tries);
        view! {
            <div>
                <h1>{self.title()}</h1>
                <p class="lead">
                    "What would this outpost decide about a request, and why? Nothing is sent, and nothing changes: the same rules are asked as for real requests."
                </p>
            </div>
            {wrong}
            {form(&self.form)}
            {answer}
            {tries}
        }
        .into_any()
    }
}

const fn label(via: Via) -> &'static str {
    match via {
        Via::Direct => "Directly (proxy mode)",
        Via::Nginx => "Asked by nginx (auth_request)",
        Via::Traefik => "Asked by Traefik (forwardAuth)",
        Via::Caddy => "Asked by Caddy (forward_auth)",
        Via::Envoy => "Asked by Envoy (ext_authz)",
    }
}

fn form(form: &ExplainForm) -> AnyView {
    let ways = Via::ALL.map(|via| Choice::new(via.code(), label(via))).into();
    view! {
        <form class="form card ask" method="get" action="/explain" aria-label="A request">
            <div class="wide">
                {text_input("url", "URL", &form.url, "As the browser shows it, e.g. https://app.example.com/reports?year=2026")}
            </div>
            {text_input("method", "Method", &form.method, "GET if empty")}
            {select("via", "How it reaches the outpost", ways, form.via.code())}
            {text_input("user", "Signed in as", &form.user, "A user name; nobody if empty")}
            {text_input("peer", "Connection from", &form.peer, "Address of the client or the reverse proxy; 127.0.0.1 if empty")}
            <div class="wide">
                {text_area("headers", "More headers", &form.headers, "One a line, e.g. Accept: application/json. Values of Cookie and Authorization do not matter and are not shown")}
            </div>
            <div class="actions"><button type="submit" class="main">"Explain"</button></div>
        </form>
    }
    .into_any()
}

fn answer(explained: &Explained) -> AnyView {
    let request = explained.request.join("\n");
    view! {
        <section class="stack" aria-labelledby="answer">
            <h2 id="answer">{words::action(&explained.reasoning.action)}</h2>
            {verdict(&explained.reasoning)}
            <p class="prose"><strong>"The client would be answered: "</strong> {explained.answer.clone()}</p>
        </section>
        {reasoning(&explained.reasoning)}
        {section("request", "The request, as the outpost would see it", view! { <pre class="card code-block" tabindex="0" aria-labelledby="request">{request}</pre> }.into_any())}
    }
    .into_any()
}

/// Questions to begin with.
fn tries() -> AnyView {
    let all = [
        ("A page, with nobody signed in", &[("url", "https://app.example.com/")][..]),
        (
            "A program that wants JSON",
            &[
                ("url", "https://app.example.com/api/items"),
                ("headers", "Accept: application/json"),
            ],
        ),
        (
            "A page that nginx asks about, for a signed-in user",
            &[("url", "https://app.example.com/"), ("via", "nginx"), ("user", "alice")],
        ),
        (
            "Headers from a machine that is no trusted proxy",
            &[("url", "https://app.example.com/"), ("via", "traefik"), ("peer", "203.0.113.7")],
        ),
    ];
    let items = all.map(|(words, fields)| {
        view! { <li><a href=address("/explain", fields)>{words}</a></li> }
    });
    let tries = view! {
        <ul class="tries card">{items.collect_view()}</ul>
        <p class="small prose">
            "Replace the host by one of yours. The page of a "<a href="/decisions">"decision"</a>
            " fills this form with its request."
        </p>
    };
    section("tries", "Questions to begin with", tries.into_any())
}

#[cfg(test)]
mod tests;
