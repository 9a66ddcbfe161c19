//! Explain: ExplainPage.

use leptos::prelude::*;

use super::Page;
use crate::model::{ExplainPage, Place, Shell};

impl Page for ExplainPage {
    fn place(&self) -> Place {
        Place::Explain
    }

    fn content(&self, _: &Shell) -> AnyView {
        view! { <h1>{self.title()}</h1> }.into_any()
    }
}
