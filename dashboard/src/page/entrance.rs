//! What stands outside: signing in, and messages to whoever is not let in.

use leptos::prelude::*;

use super::document;
use super::parts::{address, hidden};
use super::shell::{head, mark};

/// The form to sign in with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entrance {
    /// Whether a token opens (form field `token`, POST `/sign-in`).
    pub token: bool,
    /// Whether core opens (link to `/sign-in/core?next=`).
    pub core: bool,
    /// Path and query to go on to (form field `next`).
    pub next: String,
    /// Why it did not work the last time.
    pub problem: Option<String>,
}

/// A message in place of a page: not found, not allowed, not now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// What is the matter.
    pub title: String,
    /// Why.
    pub text: String,
    /// What to do about it; may be empty.
    pub remedy: String,
}

impl Entrance {
    /// Renders it as a whole document.
    #[must_use]
    pub fn render(&self) -> String {
        let or = (self.token && self.core).then(|| view! { <p class="or small">"or"</p> });
        let closed = (!self.token && !self.core).then(|| {
            view! {
                <p class="prose">
                    "Nobody can sign in yet: the settings of this outpost name neither a token ("
                    <code>"admin.token"</code> ") nor an application at authentik ("
                    <code>"dashboard.application"</code> ")."
                </p>
            }
        });
        outside("Sign in", || {
            view! {
                <h1>"Sign in to the dashboard"</h1>
                {self.problem.clone().map(refused)}
                {self.core.then(|| through_core(&self.next))}
                {or}
                {self.token.then(|| with_token(self))}
                {closed}
            }
            .into_any()
        })
    }
}

impl Message {
    /// Renders it as a whole document.
    #[must_use]
    pub fn render(&self) -> String {
        let Self { title, text, remedy } = self.clone();
        let remedy = (!remedy.is_empty()).then(|| view! { <p class="prose">{remedy}</p> });
        outside(&self.title, || {
            view! {
                <h1 class="wrap">{title}</h1>
                <p class="prose">{text}</p>
                {remedy}
                <p><a class="button" href="/">"To the overview"</a></p>
            }
            .into_any()
        })
    }
}

/// A document without navigation: one card in the middle.
fn outside(title: &str, content: impl FnOnce() -> AnyView) -> String {
    document(|| {
        view! {
            <html lang="en">
                {head(&format!("{title} · Outpost"), false)}
                <body class="outside">
                    <main id="main">
                        <div class="brand">{mark()} <p class="name">"Outpost"</p></div>
                        <div class="card stack">{content()}</div>
                    </main>
                </body>
            </html>
        }
    })
}

/// Why it did not work the last time; the field names it as its error.
fn refused(text: String) -> impl IntoView {
    view! { <p class="notice bad" id="problem" role="alert"><strong>{text}</strong></p> }
}

fn through_core(next: &str) -> impl IntoView + use<> {
    view! {
        <p><a class="button main" href=address("/sign-in/core", &[("next", next)])>"Sign in with authentik"</a></p>
        <p class="small prose">"For members of the groups that the settings name."</p>
    }
}

fn with_token(entrance: &Entrance) -> impl IntoView + use<> {
    let Entrance { core, next, problem, .. } = entrance;
    let refused = problem.is_some();
    // One of the two ways is the first to see.
    let class = if *core { "" } else { "main" };
    let described = if refused { "problem token-hint" } else { "token-hint" };
    view! {
        <form class="stack" method="post" action="/sign-in">
            <div class="field">
                <label for="token">"Token"</label>
                <input type="password" id="token" name="token" required autocomplete="current-password"
                    autocapitalize="off" spellcheck="false" aria-describedby=described
                    aria-invalid=refused.then_some("true") />
                <p class="hint" id="token-hint">
                    "What stands in the settings of this outpost as " <code>"admin.token"</code> " or "
                    <code>"admin.view_token"</code> "; whoever runs it can tell you."
                </p>
            </div>
            {hidden("next", next)}
            <button type="submit" class=class>"Sign in with the token"</button>
        </form>
    }
}

#[cfg(test)]
mod tests;
