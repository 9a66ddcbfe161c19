//! What tests of pages share.

use super::{Page, frame, render};
use crate::model::{ProviderRef, Role, SessionRow, Shell, Viewer};

/// A moment.
pub(super) const NOW: i64 = 1_795_314_913;

/// What others may write into anything.
pub(super) const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&</textarea></script>";

/// Around every page, for somebody who may do this.
pub(super) fn shell(role: Role) -> Shell {
    let viewer =
        Viewer { name: "olivia".into(), role, csrf: "csrf-of-olivia".into(), signed_in: false };
    Shell { now: NOW, outpost: "Edge".into(), viewer, ..Shell::default() }
}

/// The page's own part of the document.
pub(super) fn main_of(role: Role, page: &dyn Page) -> String {
    let html = render(&shell(role), page);
    for forbidden in ["<img", " style=", "<style", "javascript:"] {
        assert!(!html.contains(forbidden), "{forbidden} in {html}");
    }
    for handler in [" onclick=", " onload=", " onsubmit=", " onchange="] {
        assert!(!html.contains(handler), "{handler} in {html}");
    }
    let (_, rest) = html.split_once("<main").unwrap();
    rest.split_once("</main>").unwrap().0.to_owned()
}

/// Asserts that what is sent while one looks stands on the page in the same way.
pub(super) fn assert_changes_are_on_the_page(page: &dyn Page) {
    let shell = shell(Role::Act);
    let html = render(&shell, page);
    let frame = frame(shell.standing, shell.viewer.role, page);
    assert!(!frame.regions.is_empty());
    for region in &frame.regions {
        let (_, rest) = html.split_once(&format!("id=\"{}\"", region.id)).unwrap();
        let (_, inner) = rest.split_once('>').unwrap();
        assert!(inner.starts_with(&region.html), "{}\n{}\n{html}", region.id, region.html);
    }
}

/// Asserts that a text is in a page.
#[track_caller]
pub(super) fn assert_has(html: &str, part: &str) {
    assert!(html.contains(part), "{part}\n{html}");
}

/// Asserts that a text is not in a page.
#[track_caller]
pub(super) fn assert_lacks(html: &str, part: &str) {
    assert!(!html.contains(part), "{part}\n{html}");
}

/// A session of this user.
pub(super) fn session(user: &str) -> SessionRow {
    SessionRow {
        key: format!("key-of-{user}"),
        user: user.into(),
        sub: format!("sub-of-{user}"),
        sid: Some("a sid".into()),
        provider: ProviderRef { pk: 7, name: "Wiki".into() },
        origin: "sign_in".into(),
        created: NOW - 600,
        seen: NOW - 12,
        verified: NOW - 60,
        expires: NOW + 3600,
        idle_until: Some(NOW + 900),
        client_address: Some("192.0.2.1".into()),
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0".into(),
    }
}

/// The same with hostile texts everywhere.
pub(super) fn hostile_session() -> SessionRow {
    SessionRow {
        key: HOSTILE.into(),
        user: HOSTILE.into(),
        sub: HOSTILE.into(),
        sid: Some(HOSTILE.into()),
        provider: ProviderRef { pk: 7, name: HOSTILE.into() },
        origin: HOSTILE.into(),
        client_address: Some(HOSTILE.into()),
        user_agent: HOSTILE.into(),
        ..session("alice")
    }
}
