//! What stands around every page: the outpost's name and state, the navigation, who looks.

use leptos::prelude::*;

use super::parts::{address, csrf, exact, icon, pill};
use super::{Message, Page};
use crate::assets::{ICON, SCRIPT, STYLE};
use crate::model::{Place, Role, Shell, Standing, Tone, Viewer};

/// Id of the region that tells how it stands with the outpost.
pub(super) const STANDING: &str = "standing";

/// A page, with what stands around it.
pub(super) fn whole(shell: &Shell, page: &dyn Page) -> AnyView {
    let name = outpost(shell);
    let live = page.address();
    let feed = live.is_some();
    let data_live = live.map(|own| address("/live", &[("page", &own)]));
    view! {
        <html lang="en">
            {head(&format!("{} · {name}", page.title()), true)}
            <body>
                <a class="skip" href="#main">"Skip to the content"</a>
                <header>
                    <div class="brand">
                        {mark()}
                        <div>
                            <p class="name">{name}</p>
                            <div id=STANDING>{standing(shell.standing)}</div>
                        </div>
                    </div>
                    {feed.then(live_feed)}
                    {navigation(page.place())}
                    {viewer(shell)}
                </header>
                <main id="main" tabindex="-1" data-live=data_live data-now=shell.now.to_string()>
                    {shell.done.clone().map(done)}
                    <div id=GONE></div>
                    {page.content(shell)}
                </main>
                {footer(shell)}
            </body>
        </html>
    }
    .into_any()
}

/// The head of every document.
pub(super) fn head(title: &str, script: bool) -> AnyView {
    let title = title.to_owned();
    view! {
        <head>
            <meta charset="utf-8" />
            <meta name="viewport" content="width=device-width, initial-scale=1" />
            <meta name="color-scheme" content="light dark" />
            <meta name="robots" content="noindex" />
            <title>{title}</title>
            <link rel="icon" type=ICON.content_type href=ICON.path />
            <link rel="stylesheet" href=STYLE.path />
            {script.then(|| view! { <script src=SCRIPT.path defer></script> })}
        </head>
    }
    .into_any()
}

/// Our mark: a tower with a gate, and its light.
pub(super) fn mark() -> AnyView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <path class="tower" d="M10 29l2-15h8l2 15h-4v-5a2 2 0 0 0-4 0v5zM11 8h10v3.5H11zM16 2l5 4H11z" />
            <path class="light" d="M8.5 9.7L2 7.6v4.3zM23.5 9.7L30 7.6v4.3z" />
        </svg>
    }
    .into_any()
}

/// How it stands with the outpost, in words, shape and colour.
pub(super) fn standing(standing: Standing) -> AnyView {
    match standing {
        Standing::Serving => pill(Tone::Good, "Serving"),
        Standing::WithoutCore => pill(Tone::Odd, "Serving without core"),
        Standing::NotReady => pill(Tone::Bad, "Not ready"),
    }
}

/// Where the script shows how it stands with the live feed; empty without the script. It writes
/// into `.feed-state`, says the same as `data-state` on `.feed` (`live`, `waiting`, `paused`,
/// `closed`), and adds a button to pause.
fn live_feed() -> impl IntoView {
    view! { <div class="feed" id="feed"><span class="feed-state" role="status"></span></div> }
}

fn navigation(current: Place) -> impl IntoView {
    let places = Place::ALL.map(|place| {
        let here = (place == current).then_some("page");
        view! {
            <li>
                <a href=place.path() aria-current=here>
                    <svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=sign(place) /></svg>
                    {place.title()}
                </a>
            </li>
        }
    });
    view! { <nav class="places" aria-label="Pages"><ul>{places.collect_view()}</ul></nav> }
}

/// The sign of a place, drawn with a pen.
const fn sign(place: Place) -> &'static str {
    match place {
        Place::Overview => "M4 19h16M6 19v-6M11 19V6M16 19v-9M20 19V4",
        Place::Providers => "M4 5h16v6H4zM4 14h16v5H4zM7.5 8h.01M7.5 16.5h.01M11 8h6M11 16.5h6",
        Place::Sessions => "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20a7.5 7.5 0 0 1 15 0",
        Place::Decisions => {
            "M12 21v-6M12 15c0-5-6-3-6-10M12 15c0-5 6-3 6-10M3.5 7L6 4.5 8.5 7M15.5 7L18 4.5 20.5 7"
        }
        Place::Explain => {
            "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.5 9.5a2.5 2.5 0 1 1 3.6 2.200c-.8.4-1.1.9-1.1 1.800M12 16.8v.01"
        }
        Place::Doctor => "M3 12h4l2.5-6 4 12 2.5-6h5",
    }
}

fn viewer(shell: &Shell) -> impl IntoView + use<> {
    let Viewer { name, role, signed_in, .. } = shell.viewer.clone();
    let may = match role {
        Role::View => "may look",
        Role::Act => "may look and act",
    };
    let leave = signed_in.then(|| {
        view! {
            <form method="post" action="/sign-out">
                {csrf(shell)}
                <button type="submit" class="quiet">"Sign out"</button>
            </form>
        }
    });
    view! {
        <div class="viewer">
            <p><span class="unseen">"You are "</span><b class="wrap">{name}</b><span class="small">{may}</span></p>
            {leave}
        </div>
    }
}

/// Id of the place where a page says that what it shows is no longer there.
pub(super) const GONE: &str = "gone";

/// That what a page shows is no longer there, or cannot be told of now.
pub(super) fn gone(message: &Message) -> AnyView {
    let Message { title, text, remedy } = message.clone();
    view! { <p class="notice odd prose" role="status"><strong>{title} ". "</strong> {text} " " {remedy}</p> }.into_any()
}

fn done(text: String) -> impl IntoView {
    view! { <p class="done" role="status">{icon(Tone::Good)}{text}</p> }
}

fn footer(shell: &Shell) -> impl IntoView + use<> {
    view! {
        <footer>
            <p>"Outpost " {shell.version.clone()}</p>
            <p class="wrap">"Instance " <code>{shell.instance.clone()}</code></p>
            <p>"Made " {exact(shell.now, shell.now)}</p>
        </footer>
    }
}

fn outpost(shell: &Shell) -> String {
    if shell.outpost.is_empty() { "Outpost".to_owned() } else { shell.outpost.clone() }
}
