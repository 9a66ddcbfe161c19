//! The stops a browser makes in core's own interface on its way through sign-in and sign-out.

use super::{quote, quote_plus};
use crate::core::{
    crypto,
    http::{Ask, Reply},
    pages,
    state::{Provider, State},
};

/// Sends a browser without a session to sign in and back to the URL it asked for.
pub(crate) fn from_endpoint(ask: &Ask) -> Reply {
    let next = match ask.raw_query.as_str() {
        "" => ask.path.clone(),
        query => format!("{}?{query}", ask.path),
    };
    let location = format!(
        "{base}/flows/-/default/authentication/?next={}",
        quote(&next),
        base = ask.base_path
    );
    let anonymous = format!(
        "{}={}; HttpOnly; Path=/; SameSite=Lax",
        super::SESSION_COOKIE,
        crypto::random_text(32)
    );
    Reply::redirect(&location).with("set-cookie", &anonymous)
}

/// `/flows/-/default/authentication/`: on to the flow's page.
pub(crate) fn to_sign_in(ask: &Ask) -> Reply {
    let next = quote_plus(ask.query("next").unwrap_or("/"));
    Reply::redirect(&format!("{}/if/flow/default-authentication-flow/?next={next}", ask.base_path))
}

/// The sign-in page; its form posts to the URL the browser came for.
pub(crate) fn sign_in_page(ask: &Ask) -> Reply {
    let next = ask.query("next").filter(|next| next.starts_with("/application/")).unwrap_or("/");
    pages::sign_in(&format!("{}{next}", ask.base_path), None, None)
}

/// What a person sees after an application's sign-out.
pub(crate) fn signed_out_page(_state: &State, provider: Option<&Provider>) -> Reply {
    let name =
        provider.map_or("the application", |provider| provider.spec.application_name.as_str());
    pages::message(
        200,
        &format!("You've logged out of {name}"),
        "You are still signed in here: the next sign-in to an application asks for nothing.",
    )
}
