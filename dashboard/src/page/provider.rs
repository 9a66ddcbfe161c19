//! Providers: ProviderPage.

use leptos::prelude::*;

use super::Page;
use crate::model::{Place, ProviderPage, Shell};

impl Page for ProviderPage {
    fn place(&self) -> Place {
        Place::Providers
    }

    fn content(&self, _: &Shell) -> AnyView {
        view! { <h1>{self.title()}</h1> }.into_any()
    }
}
