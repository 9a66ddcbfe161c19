//! Reading of `[dashboard]` and `[admin]`.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::reader::Reader;
use super::types::{Admin, Dashboard, OperatorSignIn};
use super::{DAY, SECOND};

/// Shortest token of operators, in characters: strangers may guess, if not often.
const SHORTEST_TOKEN: usize = 16;

/// The listener has 512 connections: pages must find some beside those of viewers.
const MOST_VIEWERS: u32 = 400;

/// Reads both; they say together who may see the pages.
pub(super) fn operators(read: &mut Reader<'_>) -> (Dashboard, Admin) {
    let dashboard = Dashboard {
        listen: read.listeners("dashboard.listen"),
        url: url(read),
        sign_in: sign_in(read),
        session_lifetime: read.duration("dashboard.session_lifetime", 60 * SECOND..=30 * DAY),
        viewers: read.number("dashboard.viewers", 1..=MOST_VIEWERS),
    };
    let admin = Admin {
        token: token(read, "admin.token"),
        view_token: token(read, "admin.view_token"),
        failures_per_minute: read.number("admin.failures_per_minute", 1..=1000),
        failures_per_minute_of_all: read.number("admin.failures_per_minute_of_all", 1..=10_000),
    };
    if dashboard.sign_in.is_some() && dashboard.url.is_none() {
        let problem = "is not set: authentik sends operators back to it when they have signed in";
        read.mistake("dashboard.url", problem);
    }
    if let (Some(act), Some(view)) = (&admin.token, &admin.view_token)
        && act.expose_secret() == view.expose_secret()
    {
        let problem = "is the same as admin.token, so that nobody could only look with it";
        read.mistake("admin.view_token", problem);
    }
    let open = dashboard.listen.iter().find(|at| !at.ip().is_loopback());
    if let Some(open) = open
        && dashboard.sign_in.is_none()
        && !admin.has_token()
    {
        let problem = format!(
            "{open} is not a loopback address, and nobody there is asked who they are: set \
            admin.token, or sign-in through authentik (dashboard.application and what belongs to it)"
        );
        read.mistake("dashboard.listen", problem);
    }
    (dashboard, admin)
}

/// A token that nobody guesses.
fn token(read: &mut Reader<'_>, key: &'static str) -> Option<SecretString> {
    let token = read.optional_secret(key)?;
    if token.expose_secret().chars().count() < SHORTEST_TOKEN {
        let problem = format!(
            "is shorter than {SHORTEST_TOKEN} characters, which can be guessed: make one with \
            `openssl rand -hex 32`"
        );
        read.mistake(key, problem);
    }
    Some(token)
}

/// An origin: the pages lie at its root.
fn url(read: &mut Reader<'_>) -> Option<Url> {
    let url = read.url("dashboard.url")?;
    if url.path() != "/" {
        read.mistake("dashboard.url", "has a path; the pages lie at the root of their host");
        return None;
    }
    Some(url)
}

fn sign_in(read: &mut Reader<'_>) -> Option<OperatorSignIn> {
    let application = read.text("dashboard.application");
    let client_id = read.text("dashboard.client_id");
    let client_secret = read.optional_secret("dashboard.client_secret");
    let view_group = read.text("dashboard.view_group");
    let act_group = read.text("dashboard.act_group");
    let given = [&application, &client_id, &view_group, &act_group];
    if given.iter().all(|text| text.is_empty()) && client_secret.is_none() {
        return None;
    }
    let slug = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if application.is_empty() {
        let problem = "is not set: the slug of an application made for operators in authentik";
        read.mistake("dashboard.application", problem);
    } else if !application.chars().all(slug) {
        let problem = "is no slug: letters, digits, - and _, as in the application's address";
        read.mistake("dashboard.application", problem);
    }
    if client_id.is_empty() {
        let problem = "is not set: authentik shows it in the application's OAuth2 provider";
        read.mistake("dashboard.client_id", problem);
    }
    if view_group.is_empty() && act_group.is_empty() {
        let problem = "is not set, nor is dashboard.view_group: nobody who signs in through \
                       authentik could see anything";
        read.mistake("dashboard.act_group", problem);
    }
    let group = |name: String| Some(name).filter(|name| !name.is_empty());
    Some(OperatorSignIn {
        application,
        client_id,
        client_secret,
        view_group: group(view_group),
        act_group: group(act_group),
    })
}
