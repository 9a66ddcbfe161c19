//! `[dashboard]` and `[admin]`: who may see the operators' pages.

use secrecy::ExposeSecret;

use super::*;

const LISTEN: (&str, &str) = ("OUTPOST__DASHBOARD__LISTEN", "0.0.0.0:9301");

/// Sign-in through core, in full.
const SIGN_IN: [(&str, &str); 4] = [
    ("OUTPOST__DASHBOARD__URL", "https://outpost.example.com"),
    ("OUTPOST__DASHBOARD__APPLICATION", "outpost-dashboard"),
    ("OUTPOST__DASHBOARD__CLIENT_ID", "client"),
    ("OUTPOST__DASHBOARD__ACT_GROUP", "operators"),
];

#[test]
fn by_default_the_pages_are_for_this_machine() {
    let settings = load(&[]);
    assert!(settings.dashboard.listen.iter().all(|at| at.ip().is_loopback()));
    assert!(settings.dashboard.url.is_none() && settings.dashboard.sign_in.is_none());
    assert!(!settings.admin.has_token());
    assert_eq!(settings.dashboard.session_lifetime, 8 * HOUR);
    assert!(load(&[("OUTPOST__DASHBOARD__LISTEN", "off")]).dashboard.listen.is_empty());
}

#[test]
fn others_are_listened_to_only_if_they_have_to_say_who_they_are() {
    let found = mistakes(&sources(&[LISTEN]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("set admin.token, or sign-in through authentik"), "{found:?}");
    for way in [
        &[("OUTPOST__ADMIN__TOKEN", "act-token-of-tests")][..],
        &[("OUTPOST__ADMIN__VIEW_TOKEN", "view-token-of-tests")],
        &SIGN_IN,
    ] {
        let settings = load(&[&[LISTEN], way].concat());
        assert_eq!(settings.dashboard.listen.len(), 1, "{way:?}");
    }
}

#[test]
fn sign_in_through_core_is_whole_or_not_there() {
    let found = load(&SIGN_IN).dashboard.sign_in.unwrap();
    assert_eq!(
        (found.application.as_str(), found.client_id.as_str()),
        ("outpost-dashboard", "client")
    );
    assert_eq!((found.view_group, found.act_group.as_deref()), (None, Some("operators")));
    assert!(found.client_secret.is_none());
    for (left_out, told) in [
        (0, "OUTPOST__DASHBOARD__URL: is not set"),
        (1, "OUTPOST__DASHBOARD__APPLICATION: is not set"),
        (2, "OUTPOST__DASHBOARD__CLIENT_ID: is not set"),
        (3, "OUTPOST__DASHBOARD__ACT_GROUP: is not set, nor is dashboard.view_group"),
    ] {
        let mut given = SIGN_IN.to_vec();
        given.remove(left_out);
        let found = mistakes(&sources(&given));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(told), "{found:?}");
    }
    let secret_alone = [("OUTPOST__DASHBOARD__CLIENT_SECRET", "hush")];
    assert_eq!(mistakes(&sources(&secret_alone)).len(), 4);
    for (key, value, told) in [
        (SIGN_IN[1].0, "a/../b", "is no slug"),
        (SIGN_IN[0].0, "https://outpost.example.com/pages", "has a path"),
        (SIGN_IN[0].0, "ftp://outpost.example.com", "has the scheme"),
        ("OUTPOST__DASHBOARD__SESSION_LIFETIME", "1s", "is not between 1m and 720h"),
    ] {
        let mut given = SIGN_IN.to_vec();
        given.retain(|(name, _)| *name != key);
        given.push((key, value));
        let found = mistakes(&sources(&given));
        assert!(found.iter().any(|found| found.contains(told)), "{value}: {found:?}");
    }
}

#[test]
fn tokens_are_two_and_no_secret_is_shown() {
    let same = [
        ("OUTPOST__ADMIN__TOKEN", "hush-1-hush-1-hush"),
        ("OUTPOST__ADMIN__VIEW_TOKEN", "hush-1-hush-1-hush"),
    ];
    let found = mistakes(&sources(&same));
    assert!(found.len() == 1 && found[0].contains("is the same as admin.token"), "{found:?}");
    assert!(!found[0].contains("hush"), "{found:?}");
    for key in ["OUTPOST__ADMIN__TOKEN", "OUTPOST__ADMIN__VIEW_TOKEN"] {
        let found = mistakes(&sources(&[(key, "hush-hush-hush-")]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!("{key}: is shorter than 16 characters")),
            "{found:?}"
        );
        assert!(
            found[0].contains("openssl rand -hex 32") && !found[0].contains("hush"),
            "{found:?}"
        );
        assert!(load(&[(key, "hush-hush-hush-h")]).admin.has_token());
    }
    let mut given = SIGN_IN.to_vec();
    given.extend([
        ("OUTPOST__ADMIN__TOKEN", "hush-1-hush-1-hush"),
        ("OUTPOST__ADMIN__VIEW_TOKEN", "hush-2-hush-2-hush"),
        ("OUTPOST__DASHBOARD__CLIENT_SECRET", "hush-3"),
    ]);
    let settings = load(&given);
    let secret = settings.dashboard.sign_in.as_ref().unwrap().client_secret.as_ref().unwrap();
    assert_eq!(secret.expose_secret(), "hush-3");
    for shown in [settings.to_toml(), format!("{settings:?}")] {
        assert!(!shown.contains("hush"), "{shown}");
    }
}
