use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;

use outpost_decision::headers::Encoding;
use secrecy::ExposeSecret;

use super::*;

#[test]
fn what_asks_core_nothing_needs_no_core() {
    let alone = Sources { without_core: true, ..Sources::default() };
    assert_eq!(Settings::load(&alone).unwrap().core.host.as_str(), "http://core.invalid/");
    // What is there counts, and what is wrong is told.
    let named = Sources { without_core: true, ..sources(&[]) };
    assert_eq!(Settings::load(&named).unwrap().core.host.as_str(), "https://core.example.com/sub");
    let wrong = Sources { without_core: true, ..sources(&[("AUTHENTIK_HOST", "ftp://core")]) };
    assert_eq!(mistakes(&wrong).len(), 1);
    assert_eq!(mistakes(&Sources::default()).len(), 2, "the outpost itself needs both");
}

mod identity;
mod limits;
mod modes;
mod operators;
mod sessions;
mod tracing;
mod upstream;

fn sources(variables: &[(&str, &str)]) -> Sources {
    let mut environment: Environment =
        [("AUTHENTIK_HOST", "https://core.example.com/sub"), ("AUTHENTIK_TOKEN", "hush-hush")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
    for (name, value) in variables {
        environment.insert((*name).to_owned(), (*value).to_owned());
    }
    Sources { environment, ..Sources::default() }
}

fn load(variables: &[(&str, &str)]) -> Settings {
    Settings::load(&sources(variables)).unwrap()
}

fn mistakes(sources: &Sources) -> Vec<String> {
    Settings::load(sources).unwrap_err().mistakes.iter().map(ToString::to_string).collect()
}

/// A file that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("outpost-settings-{}", uuid::Uuid::new_v4()));
        std::fs::File::create(&path).unwrap().write_all(content.as_bytes()).unwrap();
        Self(path)
    }

    fn url(&self) -> String {
        format!("file://{}", self.0.display())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn with_file(content: &str, variables: &[(&str, &str)]) -> (Scratch, Sources) {
    let scratch = Scratch::new(content);
    let sources = Sources { file: Some(scratch.0.clone()), ..sources(variables) };
    (scratch, sources)
}

#[test]
fn defaults_are_the_contracts() {
    let settings = load(&[]);
    assert_eq!(settings.core.host.as_str(), "https://core.example.com/sub");
    assert_eq!(settings.core.token.expose_secret(), "hush-hush");
    assert!(!settings.core.insecure);
    assert_eq!(settings.core.host_browser, None);
    assert_eq!(settings.listen.http, [Address::Tcp("[::]:9000".parse().unwrap())]);
    assert_eq!(settings.listen.https, [Address::Tcp("[::]:9443".parse().unwrap())]);
    assert_eq!(settings.listen.metrics, ["[::]:9300".parse().unwrap()]);
    assert_eq!(settings.listen.trusted_proxy_cidrs.len(), 6);
    assert_eq!(settings.web.workers, None);
    assert_eq!(settings.web.read_header_timeout, 5 * SECOND);
    assert_eq!(settings.web.idle_timeout, 120 * SECOND);
    assert_eq!(settings.log.level, None);
}

#[test]
fn every_default_is_read_and_every_setting_has_a_default() {
    let read: BTreeSet<String> =
        load(&[]).effective.iter().map(|effective| effective.key.to_owned()).collect();
    let known = layers::merge(&Sources::default()).defaults.into_keys().collect();
    assert_eq!(read, known);
}

#[test]
fn every_contract_variable_is_heard() {
    for (name, value, shown) in [
        ("AUTHENTIK_HOST", "http://other", "host = \"http://other\""),
        ("AUTHENTIK_INSECURE", "1", "insecure = true"),
        ("AUTHENTIK_HOST_BROWSER", "https://sso", "host_browser = \"https://sso\""),
        ("AUTHENTIK_LISTEN__HTTP", "127.0.0.1:1, [::1]:2", r#"http = ["127.0.0.1:1", "[::1]:2"]"#),
        ("AUTHENTIK_LISTEN__HTTPS", "off", "https = []"),
        ("AUTHENTIK_LISTEN__METRICS", ":3", r#"metrics = ["[::]:3"]"#),
        ("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "1.2.3.4", r#"_cidrs = ["1.2.3.4/32"]"#),
        ("AUTHENTIK_LOG_LEVEL", "Warning", r#"level = "warning""#),
        ("AUTHENTIK_LOG__HTTP_HEADERS", "X-A,Y", r#"http_headers = ["x-a", "y"]"#),
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_READ_HEADER", "1s", r#"read_header_timeout = "1s""#),
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_READ", "2s", r#"read_timeout = "2s""#),
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_WRITE", "3s", r#"write_timeout = "3s""#),
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_IDLE", "100ms", r#"idle_timeout = "100ms""#),
    ] {
        let text = load(&[(name, value)]).to_toml();
        let line = format!("{shown} # {name}");
        assert!(text.lines().any(|found| found.ends_with(&line)), "{line} in\n{text}");
    }
}

#[test]
fn later_layers_win() {
    let file =
        "[core]\nrequest_timeout = \"1s\"\nhello_interval = \"2s\"\n[listen]\nhttp = \"off\"";
    let (_scratch, sources) = with_file(
        file,
        &[
            ("OUTPOST__CORE__HELLO_INTERVAL", "3s"),
            ("OUTPOST__CORE__HOST", "http://loses"),
            ("OUTPOST__LOG__FORMAT", ""),
        ],
    );
    let settings = Settings::load(&sources).unwrap();
    assert_eq!(settings.core.request_timeout, SECOND);
    assert_eq!(settings.core.hello_interval, 3 * SECOND);
    assert_eq!(settings.core.host.as_str(), "https://core.example.com/sub");
    assert!(settings.listen.http.is_empty());
    assert_eq!(settings.log.format, LogFormat::Json, "an empty variable is not set");
}

#[test]
fn every_mistake_is_told_with_its_place_and_an_example() {
    let (scratch, mut sources) = with_file(
        "typo = 1\n[listen]\nhtp = \"x\"\n[web]\nworkers = \"4\"\n[core]\nconnect_timeout = 5\n[log]\nhttp_headers = [1]\n",
        &[
            ("AUTHENTIK_HOST", "ftp://user:pass-word@core"),
            ("AUTHENTIK_INSECURE", "maybe"),
            ("AUTHENTIK_LISTEN__HTTP", "9000"),
            ("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "10.0.0.0/8,lan"),
            ("AUTHENTIK_LOG_LEVEL", "loud"),
            ("AUTHENTIK_WEB__TIMEOUT_HTTP_READ", "30"),
            ("OUTPOST__CORE__HELLO_INTERVAL", "20s"),
            ("OUTPOST__DASHBORD__LISTEN", "off"),
            ("OUTPOST__DASHBOARD__LISTEN", "0.0.0.0:9301"),
            ("OUTPOST__LIMITS__COOKIE_BYTES", "1"),
            ("OUTPOST__SESSIONS__STORE", "redis://:pass-word@cache:0"),
            ("AUTHENTIK_POSTGRESQL__HOST", "db"),
        ],
    );
    sources.environment.remove("AUTHENTIK_TOKEN");
    let path = scratch.0.display();
    let expected = [
        format!("listen.htp in {path}: is not a setting; did you mean listen.http?"),
        format!("typo in {path}: is not a setting"),
        "OUTPOST__DASHBORD__LISTEN: is not a setting; did you mean OUTPOST__DASHBOARD__LISTEN?".into(),
        "AUTHENTIK_HOST: has the scheme \"ftp\", and must have http or https (example: AUTHENTIK_HOST=https://authentik.example.com)".into(),
        "AUTHENTIK_TOKEN: is required and not set (example: AUTHENTIK_TOKEN=file:///run/secrets/outpost-token)".into(),
        "AUTHENTIK_INSECURE: \"maybe\" is neither true nor false (example: AUTHENTIK_INSECURE=false)".into(),
        format!("core.connect_timeout in {path}: must be a duration with a unit, in quotes (example: connect_timeout = \"5s\")"),
        "OUTPOST__CORE__HELLO_INTERVAL: \"20s\" is not between 10ms and 14s (example: OUTPOST__CORE__HELLO_INTERVAL=10s)".into(),
        "AUTHENTIK_LISTEN__HTTP: \"9000\" is not an address, unix:/path or systemd:<number> to listen on (example: AUTHENTIK_LISTEN__HTTP=[::]:9000)".into(),
        "AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS: \"lan\" is not a network (address/length) (example: AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS=127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fe80::/10,::1/128)".into(),
        format!("web.workers in {path}: must be a whole number (example: workers = 0)"),
        "AUTHENTIK_WEB__TIMEOUT_HTTP_READ: \"30\" is a duration without a unit (example: AUTHENTIK_WEB__TIMEOUT_HTTP_READ=30s)".into(),
        "OUTPOST__LIMITS__COOKIE_BYTES: 1 is not between 1024 and 131072 (example: OUTPOST__LIMITS__COOKIE_BYTES=32768)".into(),
        "OUTPOST__SESSIONS__STORE: has a port that is not between 1 and 65535 (example: OUTPOST__SESSIONS__STORE=redis://redis.example.com:6379/0)".into(),
        "AUTHENTIK_LOG_LEVEL: \"loud\" is none of trace, debug, info, warning, warn, error (example: AUTHENTIK_LOG_LEVEL=info)".into(),
        format!("log.http_headers in {path}: must be a list of texts (example: http_headers = [\"User-Agent\"])"),
        "OUTPOST__DASHBOARD__LISTEN: 0.0.0.0:9301 is not a loopback address, and nobody there is asked who they are: set admin.token, or sign-in through authentik (dashboard.application and what belongs to it) (example: OUTPOST__DASHBOARD__LISTEN=127.0.0.1:9301)".into(),
    ];
    let found = mistakes(&sources);
    for line in &expected {
        assert!(found.contains(line), "missing: {line}\namong:\n{}", found.join("\n"));
    }
    assert_eq!(found.len(), expected.len(), "{}", found.join("\n"));
    assert!(!found.join("\n").contains("pass-word"));
}

#[test]
fn files_that_cannot_be_used() {
    let (scratch, broken) = with_file("[core]\ntoken = \"pass-word\nhost = 1", &[]);
    let found = mistakes(&broken);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with(&format!("{} line 2: is not TOML", scratch.0.display())));
    assert!(!found[0].contains("pass-word"));

    let absent = Sources { file: Some("/nowhere/outpost.toml".into()), ..sources(&[]) };
    assert!(mistakes(&absent)[0].starts_with("/nowhere/outpost.toml: cannot be read"));

    let optional = Sources { optional_file: Some("/nowhere/outpost.toml".into()), ..sources(&[]) };
    assert!(Settings::load(&optional).is_ok());

    let (_scratch, section) = with_file("listen = 5", &[]);
    assert!(mistakes(&section)[0].contains("is a section, write [listen]"));
}

#[test]
fn references_are_followed() {
    let token = Scratch::new("  from-file \n");
    let settings = load(&[
        ("AUTHENTIK_TOKEN", &token.url()),
        ("AUTHENTIK_INSECURE", "env://MY_SWITCH"),
        ("MY_SWITCH", "true"),
        ("AUTHENTIK_HOST", "env://UNSET?https://fallback.example.com"),
        ("OUTPOST__CORE__REQUEST_TIMEOUT", "file:///nowhere?7s"),
    ]);
    assert_eq!(settings.core.token.expose_secret(), "from-file");
    assert!(settings.core.insecure);
    assert_eq!(settings.core.host.host_str(), Some("fallback.example.com"));
    assert_eq!(settings.core.request_timeout, 7 * SECOND);

    let found = mistakes(&sources(&[
        ("AUTHENTIK_TOKEN", "file:///nowhere/token"),
        ("AUTHENTIK_HOST", "env://UNSET"),
        ("AUTHENTIK_HOST_BROWSER", "file://relative"),
    ]));
    assert!(found[0].starts_with("AUTHENTIK_HOST: the variable UNSET is not set"), "{found:?}");
    assert!(found[1].starts_with("AUTHENTIK_TOKEN: /nowhere/token cannot be read"), "{found:?}");
    assert!(found[2].starts_with("AUTHENTIK_HOST_BROWSER: file:// wants an absolute path"));
}

#[test]
fn references_in_a_file_may_be_of_any_type() {
    let (_scratch, sources) = with_file(
        "[core]\ninsecure = \"env://S\"\n[web]\nworkers = \"env://N\"",
        &[("S", "t"), ("N", "3")],
    );
    let settings = Settings::load(&sources).unwrap();
    assert!(settings.core.insecure);
    assert_eq!(settings.web.workers, Some(3));
}

#[test]
fn what_is_shown_has_no_secret_and_can_be_read_again() {
    let settings = load(&[("OUTPOST__IDENTITY__ENCODING", "percent")]);
    let text = settings.to_toml();
    assert!(text.contains("token = \"******\" # AUTHENTIK_TOKEN"), "{text}");
    assert!(!text.contains("hush") && !format!("{settings:?}").contains("hush"));
    let (_scratch, sources) = with_file(&text, &[]);
    let again = Settings::load(&sources).unwrap();
    assert_eq!(again.identity.rules.default.encoding, Encoding::Percent);
    assert_eq!(again.listen.trusted_proxy_cidrs, settings.listen.trusted_proxy_cidrs);
}

#[test]
fn listeners_do_not_collide_and_something_is_served() {
    let found = mistakes(&sources(&[("AUTHENTIK_LISTEN__HTTPS", "[::]:9000")]));
    assert!(found[0].starts_with("AUTHENTIK_LISTEN__HTTPS: [::]:9000 is listened on already"));
    let found = mistakes(&sources(&[
        ("AUTHENTIK_LISTEN__HTTP", "off"),
        ("AUTHENTIK_LISTEN__HTTPS", "off"),
    ]));
    assert!(found[0].starts_with("AUTHENTIK_LISTEN__HTTP: is off"), "{found:?}");
    let found =
        mistakes(&sources(&[("AUTHENTIK_LISTEN__HTTP", "x"), ("AUTHENTIK_LISTEN__HTTPS", "y")]));
    assert_eq!(found.len(), 2, "what cannot be read is not off: {found:?}");
    load(&[("AUTHENTIK_LISTEN__HTTP", "127.0.0.1:0"), ("AUTHENTIK_LISTEN__HTTPS", "127.0.0.1:0")]);
}

#[test]
fn core_may_listen_on_a_socket() {
    let settings = load(&[("AUTHENTIK_HOST", "unix:///run/core.sock")]);
    assert_eq!(settings.core.host.path(), "/run/core.sock");
    for wrong in ["unix://host/path", "unix:///", "unix:///path?query"] {
        assert_eq!(mistakes(&sources(&[("AUTHENTIK_HOST", wrong)])).len(), 1, "{wrong}");
    }
}

#[test]
fn foreign_variables_are_named_and_left_alone() {
    let settings = load(&[("AUTHENTIK_POSTGRESQL__PASSWORD", "hush-too")]);
    assert_eq!(settings.foreign_variables, ["AUTHENTIK_POSTGRESQL__PASSWORD"]);
}
