//! Sessions: SessionPage.

use leptos::prelude::*;

use super::Page;
use crate::model::{Place, SessionPage, Shell};

impl Page for SessionPage {
    fn place(&self) -> Place {
        Place::Sessions
    }

    fn content(&self, _: &Shell) -> AnyView {
        view! { <h1>{self.title()}</h1> }.into_any()
    }
}
