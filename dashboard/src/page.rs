//! The pages: each is a read model that knows how it looks.

mod agent;
mod decision;
mod decisions;
mod doctor;
mod entrance;
mod explain;
mod overview;
pub(crate) mod parts;
mod provider;
mod providers;
mod reasoning;
mod revoke;
mod session;
mod session_table;
mod sessions;
mod shell;
#[cfg(test)]
mod testing;
mod words;

use leptos::prelude::*;

use crate::live::{Frame, Region};
use crate::model::{Place, Role, Shell, Standing};

pub use entrance::{Entrance, Message};

/// A page within the frame of navigation and footer.
pub trait Page {
    /// Where it belongs in the navigation.
    fn place(&self) -> Place;

    /// What it is called; the browser shows it before the outpost's name.
    fn title(&self) -> String {
        self.place().title().to_owned()
    }

    /// Its own path and query, by which the live feed is asked for it; `None` where nothing
    /// changes while one looks.
    fn address(&self) -> Option<String> {
        None
    }

    /// What stands in its `<main>`.
    fn content(&self, shell: &Shell) -> AnyView;

    /// What has changed since whoever looks was last told, the same for everybody with this role;
    /// called within a reactive owner.
    fn changes(&self, role: Role) -> Frame {
        let _ = role;
        Frame::default()
    }
}

/// Renders a page as a whole document.
#[must_use]
pub fn render(shell: &Shell, page: &dyn Page) -> String {
    document(|| shell::whole(shell, page))
}

/// Renders the parts of a page that change, and those of what stands around it, for everybody with
/// this role.
#[must_use]
pub fn frame(standing: Standing, role: Role, page: &dyn Page) -> Frame {
    owned(|| {
        let mut frame = page.changes(role);
        frame.regions.extend(regions([(shell::STANDING, shell::standing(standing))]));
        frame.regions.push(Region { id: shell::GONE, html: String::new() });
        frame
    })
}

/// What is said on a page that somebody looks at when what it shows is no longer there, or cannot
/// be told of now.
#[must_use]
pub fn gone(message: &Message) -> Frame {
    owned(|| Frame { regions: regions([(shell::GONE, shell::gone(message))]), lines: None })
}

/// Regions under these ids; to be called within a reactive owner.
fn regions<const N: usize>(parts: [(&'static str, AnyView); N]) -> Vec<Region> {
    parts.map(|(id, view)| Region { id, html: html(view) }).into()
}

/// Renders what stands outside of the frame of navigation and footer.
pub(crate) fn document<V: IntoView>(view: impl FnOnce() -> V) -> String {
    format!("<!DOCTYPE html>{}", rendered(view))
}

/// Renders a part within an owner of its own.
pub(crate) fn rendered<V: IntoView>(view: impl FnOnce() -> V) -> String {
    owned(|| html(view()))
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
