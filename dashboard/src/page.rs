//! The pages: each is a read model that knows how it looks.

mod decision;
mod decisions;
mod doctor;
mod entrance;
mod explain;
mod overview;
mod provider;
mod providers;
mod revoke;
mod session;
mod sessions;

use leptos::prelude::*;

use crate::assets::{SCRIPT, STYLE};
use crate::live::Frame;
use crate::model::{Place, Shell};

pub use entrance::{Entrance, Message};

/// A page within the frame of navigation and footer.
pub trait Page {
    /// Where it belongs in the navigation.
    fn place(&self) -> Place;

    /// What it is called; the browser shows it before the outpost's name.
    fn title(&self) -> String {
        self.place().title().to_owned()
    }

    /// What stands in its `<main>`.
    fn content(&self, shell: &Shell) -> AnyView;

    /// What has changed since whoever looks was last told; called within a reactive owner.
    fn changes(&self, shell: &Shell) -> Frame {
        let _ = shell;
        Frame::default()
    }
}

/// Renders a page as a whole document.
#[must_use]
pub fn render(shell: &Shell, page: &dyn Page) -> String {
    document(|| whole(shell, page))
}

/// Renders the parts of a page that change.
#[must_use]
pub fn frame(shell: &Shell, page: &dyn Page) -> Frame {
    owned(|| page.changes(shell))
}

/// Renders what stands outside of the frame of navigation and footer.
pub(crate) fn document<V: IntoView>(view: impl FnOnce() -> V) -> String {
    format!("<!DOCTYPE html>{}", owned(|| html(view())))
}

/// Renders a view. Markers between text nodes, of use to hydration only, are taken out: texts
/// cannot hold one, since `<` is escaped.
pub(crate) fn html(view: impl IntoView) -> String {
    view.into_view().to_html().replace("<!>", "")
}

fn owned<T>(work: impl FnOnce() -> T) -> T {
    let owner = Owner::new_root(None);
    let done = owner.with(work);
    owner.unset_with_forced_cleanup();
    done
}

fn whole(shell: &Shell, page: &dyn Page) -> AnyView {
    let name = if shell.outpost.is_empty() { "Outpost".to_owned() } else { shell.outpost.clone() };
    let title = format!("{} · {name}", page.title());
    let places = Place::ALL.map(|place| {
        let current = (place == page.place()).then_some("page");
        view! { <li><a href=place.path() aria-current=current>{place.title()}</a></li> }
    });
    view! {
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <title>{title}</title>
                <link rel="stylesheet" href=STYLE.path />
                <script src=SCRIPT.path defer></script>
            </head>
            <body>
                <nav aria-label="Pages"><ul>{places.collect_view()}</ul></nav>
                <main>{page.content(shell)}</main>
            </body>
        </html>
    }
    .into_any()
}
