use super::*;

const ROOT: OwnPaths<'_> = OwnPaths::at_root(false);

#[test]
fn own_paths_are_exact() {
    for (path, expected) in [
        ("/outpost.goauthentik.io/ping", Endpoint::Ping),
        ("/outpost.goauthentik.io/static/dist/x.css", Endpoint::Static),
        ("/outpost.goauthentik.io/start", Endpoint::Start),
        ("/outpost.goauthentik.io/callback", Endpoint::Callback),
        ("/outpost.goauthentik.io/sign_out", Endpoint::SignOut),
        ("/outpost.goauthentik.io/backchannel_logout", Endpoint::BackchannelLogout),
        ("/outpost.goauthentik.io/backchannel_logout/", Endpoint::Unknown),
        ("/outpost.goauthentik.io/auth/nginx", Endpoint::Auth(Dialect::Nginx)),
        ("/outpost.goauthentik.io/auth/traefik", Endpoint::Auth(Dialect::Traefik)),
        ("/outpost.goauthentik.io/auth/caddy", Endpoint::Auth(Dialect::Caddy)),
        ("/outpost.goauthentik.io/auth/envoy", Endpoint::Auth(Dialect::Envoy)),
        ("/outpost.goauthentik.io/auth/envoy/a/b", Endpoint::Auth(Dialect::Envoy)),
        ("/outpost.goauthentik.io/auth/envoy//a/../%2f", Endpoint::Auth(Dialect::Envoy)),
        ("/outpost.goauthentik.io/auth/envoyx", Endpoint::Unknown),
        ("/outpost.goauthentik.io", Endpoint::Unknown),
        ("/outpost.goauthentik.io/", Endpoint::Unknown),
        ("/outpost.goauthentik.io/starts", Endpoint::Unknown),
        ("/outpost.goauthentik.iox", Endpoint::Application),
        ("/outpost.goauthentik.io.evil/start", Endpoint::Application),
        ("/Outpost.goauthentik.io/start", Endpoint::Application),
        ("/x/outpost.goauthentik.io/start", Endpoint::Application),
        ("/outpost.goauthentik.io/../start", Endpoint::Application),
        ("/outpost.goauthentik.io/static/../../private", Endpoint::Application),
        ("/outpost.goauthentik.io//start", Endpoint::Application),
        ("//outpost.goauthentik.io/start", Endpoint::Application),
        ("/outpost%2egoauthentik.io/start", Endpoint::Application),
        ("/outpost.goauthentik.io/st%61rt", Endpoint::Unknown),
        ("/outpost.goauthentik.io;x/start", Endpoint::Application),
        ("/", Endpoint::Application),
    ] {
        assert_eq!(classify(path, None, ROOT), expected, "{path}");
    }
}

#[test]
fn the_prefix_counts_below_the_base_and_at_the_root() {
    for (path, base, expected) in [
        ("/sub/outpost.goauthentik.io/start", "/sub", Endpoint::Start),
        ("/outpost.goauthentik.io/start", "/sub", Endpoint::Start),
        ("/sub/outpost.goauthentik.io/start", "", Endpoint::Application),
        ("/subx/outpost.goauthentik.io/start", "/sub", Endpoint::Application),
        ("/sub/outpost.goauthentik.io/auth/envoy/x", "/sub", Endpoint::Auth(Dialect::Envoy)),
    ] {
        let paths = OwnPaths { base, home: base, akprox: false };
        assert_eq!(classify(path, None, paths), expected, "{path} {base}");
    }
}

#[test]
fn queries_mark_callbacks_and_sign_outs_anywhere() {
    for (path, query, expected) in [
        ("/", "X-authentik-auth-callback=true", Endpoint::Callback),
        ("/app", "a=b&X-authentik-auth-callback=TRUE&code=c", Endpoint::Callback),
        ("/", "X-authentik-auth-callback=true?error=login_required&state=s", Endpoint::Callback),
        ("/", "X-authentik-auth-callback=true%3Ferror=x", Endpoint::Callback),
        ("/", "X%2Dauthentik-auth-callback=%74rue", Endpoint::Callback),
        ("/", "X-authentik-logout=true", Endpoint::SignOut),
        ("/a%2Fb", "X-authentik-logout=True", Endpoint::SignOut),
        ("/outpost.goauthentik.io/nothing", "X-authentik-logout=true", Endpoint::SignOut),
        ("/outpost.goauthentik.io/start", "X-authentik-logout=true", Endpoint::Start),
        ("/", "X-authentik-auth-callback=truex", Endpoint::Application),
        (
            "/",
            "X-authentik-auth-callback=false&X-authentik-auth-callback=true",
            Endpoint::Application,
        ),
        ("/", "x-authentik-auth-callback=true", Endpoint::Application),
        ("/", "X-authentik-auth-callback", Endpoint::Application),
        ("/", "xX-authentik-logout=true", Endpoint::Application),
        ("/", "", Endpoint::Application),
    ] {
        assert_eq!(classify(path, Some(query), ROOT), expected, "{path}?{query}");
    }
}

#[test]
fn what_follows_the_envoy_prefix_is_untouched() {
    for (path, expected) in [
        ("/outpost.goauthentik.io/auth/envoy/a/b%2F;c", Some("/a/b%2F;c")),
        ("/outpost.goauthentik.io/auth/envoy//a/../b", Some("//a/../b")),
        ("/outpost.goauthentik.io/auth/envoy", Some("")),
        ("/sub/outpost.goauthentik.io/auth/envoy/a", None),
        ("/outpost.goauthentik.io/auth/envoyx/a", None),
        ("/a/outpost.goauthentik.io/auth/envoy/b", None),
    ] {
        assert_eq!(behind_envoy_prefix(path), expected, "{path}");
    }
}

#[test]
fn the_prefix_counts_where_core_sends_browsers_back() {
    let paths = OwnPaths { base: "/a/b", home: "/a", akprox: false };
    for (path, expected) in [
        ("/a/outpost.goauthentik.io/callback", Endpoint::Callback),
        ("/a/b/outpost.goauthentik.io/start", Endpoint::Start),
        ("/outpost.goauthentik.io/start", Endpoint::Start),
        ("/a/bb/outpost.goauthentik.io/start", Endpoint::Application),
    ] {
        assert_eq!(classify(path, None, paths), expected, "{path}");
    }
    for (path, home, expected) in [
        ("/outpost.goauthentik.io/start", "", true),
        ("/akprox/start", "", true),
        ("/a/outpost.goauthentik.io/start", "/a", true),
        ("/outpost.goauthentik.io/start", "/a", false),
        ("/ab/outpost.goauthentik.io/start", "/a", false),
    ] {
        assert_eq!(is_at_home(path, home), expected, "{path} {home}");
    }
}

/// Contract 16.
#[test]
fn the_paths_of_2021_are_served_only_when_switched_on() {
    let nginx = Endpoint::Auth(Dialect::NginxAkprox);
    let traefik = Endpoint::Auth(Dialect::Traefik);
    for (path, query, expected) in [
        ("/akprox/start", Some("rd=/x"), Endpoint::Start),
        ("/akprox/callback", Some("code=c&state=s"), Endpoint::Callback),
        ("/akprox/sign_out", None, Endpoint::SignOut),
        ("/akprox/ping", None, Endpoint::Ping),
        ("/akprox/auth", Some("nginx"), nginx),
        ("/akprox/auth", Some("traefik"), traefik),
        ("/akprox/auth", Some("a=b&nginx"), nginx),
        // As nginx writes what its configuration calls `/akprox/auth?nginx`.
        ("/akprox/auth%3Fnginx", None, nginx),
        ("/akprox/auth%3Fnginx/x", None, Endpoint::Application),
        ("/akprox/auth", Some("caddy"), Endpoint::Unknown),
        ("/akprox/auth", None, Endpoint::Unknown),
        ("/akprox/auth/nginx", None, Endpoint::Unknown),
        ("/akprox", None, Endpoint::Unknown),
        ("/akproxy/start", None, Endpoint::Application),
        ("/x/akprox/start", None, Endpoint::Application),
        ("/akprox/../start", None, Endpoint::Application),
        ("/akprox//start", None, Endpoint::Application),
    ] {
        assert_eq!(classify(path, query, OwnPaths::at_root(true)), expected, "{path} {query:?}");
        assert_eq!(classify(path, query, ROOT), Endpoint::Application, "{path} {query:?}");
    }
}
