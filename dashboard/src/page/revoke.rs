//! Ending sessions: what would end, and the button that ends it.

use leptos::prelude::*;

use super::parts::{address, csrf, empty, encoded, hidden, problem, section};
use super::{Page, session_table};
use crate::model::{Place, RevokePlan, Role, SearchBy, Shell};
use crate::number::{count, counted};

impl Page for RevokePlan {
    fn place(&self) -> Place {
        Place::Sessions
    }

    fn title(&self) -> String {
        if self.label.is_empty() {
            "End sessions".to_owned()
        } else {
            format!("End {}?", self.label)
        }
    }

    fn content(&self, shell: &Shell) -> AnyView {
        view! {
            <p class="kicker"><a href="/sessions">"All sessions"</a></p>
            <h1 class="wrap">{self.title()}</h1>
            {plan(self, shell)}
        }
        .into_any()
    }
}

fn plan(plan: &RevokePlan, shell: &Shell) -> AnyView {
    let back = || view! { <a href="/sessions">"Back to the sessions"</a> "." };
    if let Some(text) = &plan.problem {
        return view! {
            {problem("It cannot be told what would end", text)}
            <p class="prose">"Nothing has been ended. " {back()}</p>
        }
        .into_any();
    }
    if plan.count == 0 {
        let then = view! { "No live session is named by this, or not any more. " {back()} };
        return empty("There is nothing to end.", then);
    }
    let sample = session_table::sessions(&plan.sample, plan.now, "Sessions that would end");
    view! {
        <p class="lead plan">
            <strong>{counted(plan.count as u64, "live session", "live sessions")}</strong>
            " would end, for all replicas at once. Nothing has been ended yet."
        </p>
        <p class="prose">
            "The next request with such a session is asked to sign in, and its open websockets are closed. The sign-in at authentik itself goes on: to keep somebody out, end that, too, or take away the access."
        </p>
        {act(plan, shell)}
        {section("sample", sample_title(plan), sample)}
    }
    .into_any()
}

fn sample_title(plan: &RevokePlan) -> String {
    match plan.sample.len() {
        shown if shown < plan.count => {
            format!("{shown} of the {} that would end", count(plan.count as u64))
        }
        1 => "The one that would end".to_owned(),
        _ => "All that would end".to_owned(),
    }
}

fn act(plan: &RevokePlan, shell: &Shell) -> AnyView {
    let back = match plan.by {
        SearchBy::Key => format!("/sessions/{}", encoded(&plan.value)),
        by => address("/sessions", &[("by", by.code()), ("value", &plan.value)]),
    };
    if shell.viewer.role != Role::Act {
        return view! {
            <p class="notice plain prose">
                "You may look, but not end sessions: that takes the role "<strong>"act"</strong>
                ", which whoever runs this outpost can give you. "<a href=back>"Back"</a>
            </p>
        }
        .into_any();
    }
    let words = format!("End {}", counted(plan.count as u64, "session", "sessions"));
    view! {
        <form class="actions" method="post" action="/sessions/revoke">
            {hidden("by", plan.by.code())}
            {hidden("value", &plan.value)}
            {csrf(shell)}
            <button type="submit" class="danger main">{words}</button>
            <a class="button" href=back>"Cancel"</a>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests;
