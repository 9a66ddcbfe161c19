//! Sessions: RevokePlan.

use leptos::prelude::*;

use super::Page;
use crate::model::{Place, RevokePlan, Shell};

impl Page for RevokePlan {
    fn place(&self) -> Place {
        Place::Sessions
    }

    fn content(&self, _: &Shell) -> AnyView {
        view! { <h1>{self.title()}</h1> }.into_any()
    }
}
