//! `[embedded]` and `[compat]`.

use super::*;

const CORE: &str = "OUTPOST__EMBEDDED__CORE";

/// Contract 15: the secret key is all that an embedded outpost needs beside where core is.
#[test]
fn an_embedded_outpost_needs_its_core_and_the_secret_key() {
    let settings = load(&[
        ("AUTHENTIK_HOST", ""),
        ("AUTHENTIK_TOKEN", ""),
        ("AUTHENTIK_SECRET_KEY", "key/of=core+"),
        (CORE, "http://127.0.0.1:8000"),
    ]);
    assert_eq!(settings.core.host.as_str(), "http://127.0.0.1:8000/");
    assert_eq!(settings.core.token.expose_secret(), "key/of=core+");
    let embedded = settings.embedded.clone().unwrap();
    assert_eq!((embedded.core.as_str(), embedded.static_files), ("http://127.0.0.1:8000/", None));
    assert!(!settings.to_toml().contains("key/of"), "it is masked");

    let both = load(&[
        ("AUTHENTIK_SECRET_KEY", "key"),
        (CORE, "unix:///run/core.sock"),
        ("OUTPOST__EMBEDDED__STATIC_FILES", "/srv/authentik"),
    ]);
    assert_eq!(both.core.host.as_str(), "https://core.example.com/sub");
    assert_eq!(both.core.token.expose_secret(), "hush-hush", "what is said of it wins");
    let embedded = both.embedded.unwrap();
    assert_eq!(embedded.core.path(), "/run/core.sock");
    assert_eq!(embedded.static_files, Some("/srv/authentik".into()));
    assert!(load(&[("AUTHENTIK_SECRET_KEY", "key")]).embedded.is_none());
}

#[test]
fn what_an_embedded_outpost_lacks_is_told() {
    for (core, token, expected) in [
        ("", "", "AUTHENTIK_TOKEN: is required and not set"),
        ("http://core", "", "AUTHENTIK_TOKEN: is required and not set"),
        ("ftp://core", "t", "OUTPOST__EMBEDDED__CORE: has the scheme \"ftp\""),
        ("http://core/path", "t", "OUTPOST__EMBEDDED__CORE: must not have a path"),
        ("unix://core", "t", "OUTPOST__EMBEDDED__CORE: names no socket"),
    ] {
        let found = mistakes(&sources(&[("AUTHENTIK_TOKEN", token), (CORE, core)]));
        assert!(found.iter().any(|it| it.starts_with(expected)), "{core:?} {token:?}: {found:?}");
    }
}

/// Contract 16.
#[test]
fn the_old_ports_come_with_the_switch() {
    let http = |settings: &Settings| {
        settings.listen.http.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(http(&load(&[])), ["[::]:9000"]);
    let on = load(&[("OUTPOST__COMPAT__AKPROX", "true")]);
    assert!(on.compat.akprox);
    assert_eq!(http(&on), ["[::]:9000", "[::]:4180"]);
    assert_eq!(on.listen.https.last().unwrap().to_string(), "[::]:4443");
    let named = [("OUTPOST__COMPAT__AKPROX", "true"), ("AUTHENTIK_LISTEN__HTTP", "[::]:4180")];
    assert_eq!(http(&load(&named)), ["[::]:4180"]);
    let off = [("OUTPOST__COMPAT__AKPROX", "true"), ("OUTPOST__COMPAT__AKPROX_HTTP", "off")];
    assert_eq!(http(&load(&off)), ["[::]:9000"]);
}
