//! A core with providers, and the command.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore};
use outpost_render::Target;
use outpost_tests::program::executable;
use serde_json::{Value, json};

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// `outpost render <arguments>` with these variables alone, and this on its standard input.
pub(crate) fn run(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Said {
    let mut child = Command::new(executable())
        .arg("render")
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who does not read it has ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap().into()
}

/// The same, with nothing known of any core.
pub(crate) fn render_from(saved: &Value, arguments: &[&str]) -> Said {
    run(&[arguments, &["--from", "-"]].concat(), &[], &saved.to_string())
}

/// The same, asking this core.
pub(crate) fn render(core: &StandInCore, arguments: &[&str]) -> Said {
    render_with(core, arguments, &[])
}

/// The same with more variables.
pub(crate) fn render_with(
    core: &StandInCore,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Said {
    let (host, token) = (core.url(), core.token());
    let known = [("AUTHENTIK_HOST", host.as_str()), ("AUTHENTIK_TOKEN", &token)];
    run(arguments, &[&known, variables].concat(), "")
}

/// What went well: its output, and nothing on standard error.
#[track_caller]
pub(crate) fn fine(said: Said) -> String {
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    said.out
}

/// A core with these providers.
pub(crate) fn core(providers: impl IntoIterator<Item = ProviderSpec>) -> StandInCore {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    for provider in providers {
        core.put_provider(provider).unwrap();
    }
    core
}

/// One of each mode.
pub(crate) fn cast() -> [ProviderSpec; 3] {
    [
        ProviderSpec::proxy("wiki", "https://wiki.example.com", "http://wiki.internal:8080"),
        ProviderSpec::forward_single("shop", "https://shop.example.com").named("The shop"),
        ProviderSpec::forward_domain("all", "https://auth.example.org", "example.org"),
    ]
}

/// What core says, in a file.
pub(crate) fn saved(core: &StandInCore) -> Value {
    serde_json::from_str(&fine(render(core, &["--dump"]))).unwrap()
}

/// What core says of one provider in forward auth, without a core.
pub(crate) fn one_provider() -> Value {
    json!({
        "outpost": {"pk": "0f0e0f0e-0000-4000-8000-000000000000", "name": "edge", "config": {}},
        "providers": [{
            "pk": 7, "name": "shop", "mode": "forward_single", "client_id": "id",
            "external_host": "https://shop.example.com", "assigned_application_slug": "shop-slug",
            "oidc_configuration": {
                "issuer": "https://core.example.com/application/o/shop-slug/",
                "authorization_endpoint": "https://core.example.com/application/o/authorize/",
                "token_endpoint": "https://core.example.com/application/o/token/",
                "id_token_signing_alg_values_supported": ["HS256"],
            },
        }],
    })
}

/// Every target, by name, but those that need the compatibility switch.
pub(crate) fn targets() -> Vec<&'static str> {
    let codes = Target::ALL.into_iter().map(Target::code);
    codes.filter(|code| !code.ends_with("-akprox")).collect()
}
