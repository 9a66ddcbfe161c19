//! Providers: Providers.

use leptos::prelude::*;

use super::Page;
use crate::model::{Place, Providers, Shell};

impl Page for Providers {
    fn place(&self) -> Place {
        Place::Providers
    }

    fn content(&self, _: &Shell) -> AnyView {
        view! { <h1>{self.title()}</h1> }.into_any()
    }
}
