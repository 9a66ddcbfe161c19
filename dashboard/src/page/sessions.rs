//! Sessions: Sessions.

use leptos::prelude::*;

use super::Page;
use crate::model::{Place, Sessions, Shell};

impl Page for Sessions {
    fn place(&self) -> Place {
        Place::Sessions
    }

    fn content(&self, _: &Shell) -> AnyView {
        view! { <h1>{self.title()}</h1> }.into_any()
    }
}
