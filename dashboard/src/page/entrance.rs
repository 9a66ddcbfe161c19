//! What stands outside: signing in, and messages to whoever is not let in.

use leptos::prelude::*;

use super::document;
use crate::assets::STYLE;

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
        let Self { next, .. } = self.clone();
        document(|| {
            view! {
                <html lang="en">
                    <head><title>"Sign in"</title><link rel="stylesheet" href=STYLE.path /></head>
                    <body><main><p>{next}</p></main></body>
                </html>
            }
        })
    }
}

impl Message {
    /// Renders it as a whole document.
    #[must_use]
    pub fn render(&self) -> String {
        let Self { title, text, remedy } = self.clone();
        document(|| {
            view! {
                <html lang="en">
                    <head><title>{title.clone()}</title><link rel="stylesheet" href=STYLE.path /></head>
                    <body><main><h1>{title}</h1><p>{text}</p><p>{remedy}</p></main></body>
                </html>
            }
        })
    }
}
