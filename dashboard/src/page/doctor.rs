//! Doctor: Doctor.

use leptos::prelude::*;

use super::Page;
use crate::model::{Doctor, Place, Shell};

impl Page for Doctor {
    fn place(&self) -> Place {
        Place::Doctor
    }

    fn content(&self, _: &Shell) -> AnyView {
        view! { <h1>{self.title()}</h1> }.into_any()
    }
}
