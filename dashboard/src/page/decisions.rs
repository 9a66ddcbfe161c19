//! Decisions: Decisions.

use leptos::prelude::*;

use super::Page;
use crate::model::{Decisions, Place, Shell};

impl Page for Decisions {
    fn place(&self) -> Place {
        Place::Decisions
    }

    fn content(&self, _: &Shell) -> AnyView {
        view! { <h1>{self.title()}</h1> }.into_any()
    }
}
