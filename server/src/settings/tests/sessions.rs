//! `[sessions]`, `[admin]`, and what they say where they are wrong.

use super::*;

const STORE: &str = "OUTPOST__SESSIONS__STORE";

/// The one mistake of these variables.
fn mistake(variables: &[(&str, &str)]) -> String {
    let mut found = mistakes(&sources(variables));
    assert_eq!(found.len(), 1, "{variables:?}: {found:?}");
    found.remove(0)
}

#[test]
fn sessions_need_no_setting() {
    let sessions = load(&[]).sessions;
    assert!(matches!(sessions.store, StoreUrl::Memory));
    assert_eq!(sessions.prefix, "outpost:");
    assert_eq!(sessions.tls, StoreTls::default());
    assert!(sessions.sentinel.username.is_none() && sessions.sentinel.password.is_none());
    assert_eq!(sessions.connect_timeout, SECOND);
    assert_eq!(sessions.timeout, 500 * MILLISECOND);
    assert_eq!(sessions.grace, 60 * SECOND);
    assert_eq!((sessions.cache_capacity, sessions.cache_ttl), (100_000, 30 * SECOND));
    assert_eq!(sessions.lifetimes, Lifetimes::default());
    assert_eq!((sessions.recheck_within, sessions.recheck_rate), (60 * SECOND, 50));
    assert_eq!(sessions.renew_before, Some(300 * SECOND));
    assert!(load(&[]).admin.token.is_none());
    assert!(load(&[]).core.last_known_good);
}

#[test]
fn one_slash_is_the_store_and_three_are_a_file_that_holds_its_url() {
    let place = |url: &str| load(&[(STORE, url)]).sessions.store.to_string();
    assert_eq!(place("file:/var/lib/outpost/sessions.db"), "file:/var/lib/outpost/sessions.db");
    assert_eq!(place("file:sessions.db"), "file:sessions.db");
    let holds = |content| Scratch::new(content);
    assert_eq!(place(&holds("rediss://:word@cache\n").url()), "rediss://cache:6379/0");
    assert_eq!(place(&holds("file:/data/s.db").url()), "file:/data/s.db");
    // What is found is not followed further, so that here three slashes are the store.
    assert_eq!(place(&holds("file:///data/s.db").url()), "file:/data/s.db");
    assert_eq!(place("file:///nowhere?file:/data/s.db"), "file:/data/s.db");
    assert_eq!(place("env://NO_SUCH?redis://cache"), "redis://cache:6379/0");
}

#[test]
fn who_means_a_store_and_writes_a_reference_is_told_the_difference() {
    for reference in ["file:///var/lib/no/such/sessions.db", "file://sessions.db"] {
        let found = mistake(&[(STORE, reference)]);
        assert!(found.contains("a store in a file is file:/path"), "{found}");
    }
    let found = mistake(&[("OUTPOST__ADMIN__TOKEN", "file:///no/such")]);
    assert!(!found.contains("store"), "{found}");
}

#[test]
fn what_is_secret_about_sessions_is_never_shown_and_the_rest_can_be_read_again() {
    let held = Scratch::new("redis+sentinel://u:hush-1@s1,s2/main/3");
    for store in [&*held.url(), "redis+sentinel://u:hush-1@s1,s2/main/3"] {
        let settings = load(&[
            (STORE, store),
            ("OUTPOST__SESSIONS__SENTINEL_USERNAME", "watch"),
            ("OUTPOST__SESSIONS__SENTINEL_PASSWORD", "hush-2"),
            ("OUTPOST__ADMIN__TOKEN", "hush-3-hush-3-hush"),
        ]);
        let secret = |text: &Option<secrecy::SecretString>| {
            text.as_ref().map(|text| text.expose_secret().to_owned())
        };
        assert_eq!(secret(&settings.sessions.sentinel.password).as_deref(), Some("hush-2"));
        assert_eq!(secret(&settings.admin.token).as_deref(), Some("hush-3-hush-3-hush"));
        let shown = settings.to_toml();
        for line in [
            r#"store = "redis+sentinel://u:******@s1,s2/main/3" # OUTPOST__SESSIONS__STORE"#,
            r#"sentinel_username = "watch" # OUTPOST__SESSIONS__SENTINEL_USERNAME"#,
            r#"sentinel_password = "******" # OUTPOST__SESSIONS__SENTINEL_PASSWORD"#,
            r#"token = "******" # OUTPOST__ADMIN__TOKEN"#,
        ] {
            assert!(shown.lines().any(|found| found == line), "{line} in\n{shown}");
        }
        assert!(!format!("{settings:?}{shown}").contains("hush-"), "{shown}");
        // What stands in place of a token is none.
        let token = ("OUTPOST__ADMIN__TOKEN", "hush-3-hush-3-hush");
        let (_scratch, again) = with_file(&shown, &[token]);
        let again = Settings::load(&again).unwrap().sessions;
        assert_eq!(again.store.to_string(), settings.sessions.store.to_string());
    }
}

#[test]
fn a_wrong_store_is_told_without_its_password() {
    for store in ["redis://u:hush-1@", "hush-1", "hush-1:6379", "redis://:hush-1@c?a", "x:hush-1"] {
        let held = Scratch::new(store);
        for store in [store, &held.url()] {
            let found = mistake(&[(STORE, store)]);
            assert!(found.starts_with(STORE) && !found.contains("hush-1"), "{found}");
        }
    }
}

#[test]
fn sessions_are_limited_by_default_and_by_application() {
    let minutes = |count: u64| Some(Duration::from_secs(60 * count));
    let limits = |idle, max| LifetimeLimits { idle, max };
    let variables = [
        ("OUTPOST__SESSIONS__IDLE_TIMEOUT", "1h"),
        ("OUTPOST__SESSIONS__MAX_LIFETIME", "0s"),
        (
            "OUTPOST__SESSIONS__LIMITS",
            "a idle_timeout=30m max_lifetime=12h, b max_lifetime=8h,c  idle_timeout=0s",
        ),
    ];
    let settings = load(&variables);
    let lifetimes = &settings.sessions.lifetimes;
    assert_eq!(lifetimes.of("a"), limits(minutes(30), minutes(720)));
    assert_eq!(lifetimes.of("b"), limits(minutes(60), minutes(480)), "the rest is the default");
    assert_eq!(lifetimes.of("c"), limits(None, None), "zero lifts the default");
    assert_eq!(lifetimes.of("d"), limits(minutes(60), None));
    let (_scratch, again) = with_file(&settings.to_toml(), &[]);
    assert_eq!(&Settings::load(&again).unwrap().sessions.lifetimes, lifetimes);
}

#[test]
fn wrong_limits_are_told() {
    for (text, problem) in [
        ("idle_timeout=30m", "does not begin with the slug of an application"),
        ("a", "limits nothing"),
        ("a 30m", "knows idle_timeout= and max_lifetime="),
        ("a idle=30m", "has \"idle\", and knows idle_timeout= and max_lifetime="),
        ("a idle_timeout", "is not a duration"),
        ("a idle_timeout=30", "a duration without a unit: \"idle_timeout=30\""),
        ("a max_lifetime=-1h", "is negative"),
        ("a max_lifetime=9000h", "has a limit longer than 8784h"),
        ("a idle_timeout=1m idle_timeout=2m", "has idle_timeout twice"),
        ("a idle_timeout=1m,a max_lifetime=2m", "two entries for the application \"a\""),
    ] {
        let found = mistake(&[("OUTPOST__SESSIONS__LIMITS", text)]);
        assert!(found.contains(problem), "{text}: {found}");
        assert!(found.ends_with("LIMITS=grafana idle_timeout=30m max_lifetime=12h)"), "{found}");
    }
}

#[test]
fn figures_of_sessions_have_bounds() {
    for (name, value) in [
        ("CONNECT_TIMEOUT", "0s"),
        ("TIMEOUT", "0s"),
        ("TIMEOUT", "2m"),
        ("GRACE", "61m"),
        ("GRACE", "60"),
        ("CACHE_CAPACITY", "-1"),
        ("CACHE_TTL", "0s"),
        ("IDLE_TIMEOUT", "9000h"),
        ("MAX_LIFETIME", "forever"),
        ("RECHECK_WITHIN", "2h"),
        ("RECHECK_RATE", "0"),
        ("RENEW_BEFORE", "25h"),
    ] {
        let name = format!("OUTPOST__SESSIONS__{name}");
        assert!(mistake(&[(&name, value)]).starts_with(&name), "{name}={value}");
    }
    let off = load(&[
        ("OUTPOST__SESSIONS__GRACE", "0s"),
        ("OUTPOST__SESSIONS__CACHE_CAPACITY", "0"),
        ("OUTPOST__SESSIONS__RECHECK_WITHIN", "0s"),
        ("OUTPOST__SESSIONS__RENEW_BEFORE", "0s"),
    ]);
    assert_eq!(off.sessions.grace, Duration::ZERO);
    assert_eq!(off.sessions.cache_capacity, 0);
    assert_eq!(off.sessions.recheck_within, Duration::ZERO);
    assert_eq!(off.sessions.renew_before, None);
}

#[test]
fn a_prefix_fits_into_keys() {
    let prefix = "OUTPOST__SESSIONS__PREFIX";
    let longest = "x".repeat(64);
    for good in ["a", "site-1/outpost:", &longest] {
        assert_eq!(load(&[(prefix, good)]).sessions.prefix, good);
    }
    let too_long = "x".repeat(65);
    for wrong in ["{outpost}:", "out post:", "out\tpost", "au\u{df}en:", &too_long] {
        assert!(mistake(&[(prefix, wrong)]).starts_with(prefix), "{wrong}");
    }
    let (_scratch, empty) = with_file("[sessions]\nprefix = \"\"", &[]);
    assert!(mistakes(&empty)[0].contains("must have 1 to 64 characters"));
}

#[test]
fn certificates_towards_the_store_are_whole_and_of_use() {
    let [ca, certificate, key] = ["CA_FILE", "CLIENT_CERTIFICATE", "CLIENT_KEY"]
        .map(|name| format!("OUTPOST__SESSIONS__{name}"));
    let tls = (STORE, "rediss://cache");
    let settings = load(&[tls, (&ca, "/ca.pem"), (&certificate, "/c.pem"), (&key, "/k.pem")]);
    let client = ClientCertificate { certificate: "/c.pem".into(), key: "/k.pem".into() };
    let expected = StoreTls { ca_file: Some("/ca.pem".into()), client: Some(client) };
    assert_eq!(settings.sessions.tls, expected);

    let found = mistake(&[tls, (&certificate, "/c.pem")]);
    assert!(found.starts_with(&key) && found.contains("both or none"), "{found}");
    let found = mistake(&[tls, (&key, "/k.pem")]);
    assert!(found.starts_with(&certificate) && found.contains("both or none"), "{found}");
    let found = mistake(&[(STORE, "redis://cache"), (&ca, "/ca.pem")]);
    assert!(found.starts_with(&ca) && found.contains("without TLS"), "{found}");
    let content = Scratch::new("-----BEGIN PRIVATE KEY-----\nhush-1\n");
    let found = mistake(&[tls, (&ca, &content.url())]);
    assert!(found.contains("must be the path of a file") && !found.contains("hush"), "{found}");
}

#[test]
fn an_empty_secret_is_none_and_one_with_blanks_is_a_mistake() {
    let (_scratch, empty) = with_file("[admin]\ntoken = \"\"", &[]);
    assert!(Settings::load(&empty).unwrap().admin.token.is_none());
    let pasted = load(&[("OUTPOST__ADMIN__TOKEN", " hush-1-hush-1-hush\n")]);
    let pasted = pasted.admin.token.map(|token| token.expose_secret().to_owned());
    assert_eq!(pasted.as_deref(), Some("hush-1-hush-1-hush"));
    let found = mistake(&[("OUTPOST__ADMIN__TOKEN", "hush hush-1")]);
    assert!(found.contains("holds blanks") && !found.contains("hush"), "{found}");
}
