//! JSON: the record of a provider, or fields that replace those of a good one.

use std::sync::Arc;

use outpost_decision::compile::{CompileContext, compile_provider, fingerprint};
use outpost_decision::cookie::SetCookie;
use outpost_decision::decide::{Credential, Inquiry, Scripts, decide};
use outpost_decision::decision::Action;
use outpost_decision::facts::{ClientKind, Endpoint};
use outpost_decision::finding::{Finding, Severity};
use outpost_decision::provider::{Mode, Provider};
use outpost_decision::route::Unrouted;
use outpost_decision::ruleset::Ruleset;
use outpost_decision::target::{Authority, Target as Asked};
use outpost_decision::wire::ProviderRecord;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::Target;
use crate::site;

pub(super) const TARGET: Target = Target {
    name: "provider",
    asserts: "what compiles has its secrets, serves its own host, calls back there and opens no path \
              without a rule that is written; what does not says why; no secret is ever shown",
    check,
};

fn check(data: &[u8]) {
    let Ok(Value::Object(fields)) = serde_json::from_slice(data) else { return };
    let mut whole = site::record(1, "proxy", "http://app.test:9000");
    for (name, value) in fields {
        whole[&name] = value;
    }
    let Ok(mut record) = serde_json::from_value::<ProviderRecord>(whole) else { return };
    // A secret that is there is one that is found wherever it is shown.
    let hidden = |secret: &str| if secret.is_empty() { "" } else { site::CLIENT_SECRET };
    let shown = |secret: &SecretString| {
        use secrecy::ExposeSecret as _;
        SecretString::from(hidden(secret.expose_secret()).to_owned())
    };
    record.client_secret = shown(&record.client_secret);
    record.cookie_secret = shown(&record.cookie_secret);
    assert_eq!(fingerprint(&record), fingerprint(&record.clone()));
    for akprox in [false, true] {
        let context = CompileContext { akprox, ..CompileContext::default() };
        match compile_provider(&record, &context) {
            Err(findings) => {
                assert!(findings.iter().any(|finding| finding.severity == Severity::Error));
                clean(&findings);
            }
            Ok(compiled) => {
                clean(&compiled.findings);
                judge(&compiled.provider, &record);
            }
        }
    }
}

fn clean(findings: &[Finding]) {
    for Finding { message, remedy, .. } in findings {
        assert!(!message.is_empty() && !remedy.is_empty());
        assert!(!message.contains(site::CLIENT_SECRET) && !remedy.contains(site::CLIENT_SECRET));
    }
}

fn judge(provider: &Provider, record: &ProviderRecord) {
    assert!(!provider.client_id.is_empty());
    assert!(!format!("{provider:?}").contains(site::CLIENT_SECRET), "a secret in debug output");
    assert_eq!(provider.internal.is_some(), provider.mode == Mode::Proxy);
    let external = &provider.external;
    if let Some(domain) = &provider.cookie_domain {
        assert_eq!(provider.mode, Mode::ForwardDomain);
        assert!(external.authority.is_within(domain), "{domain} for {}", external.authority);
    }
    let set = SetCookie::session(&provider.cookie, "value", 1).to_string();
    assert!(set.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{set}");
    assert!(set.matches("; Path=").count() == 1 && set.matches("; Domain=").count() <= 1, "{set}");
    assert_eq!(set.contains("; Secure"), external.origin().starts_with("https:"), "{set}");
    for url in [Some(&provider.endpoints.token), provider.internal.as_ref()].into_iter().flatten() {
        assert!(matches!(url.scheme(), "http" | "https" | "ws" | "wss"), "{url}");
    }
    assert!(matches!(provider.endpoints.authorization.scheme(), "http" | "https"));

    // As one of its hosts, where it has many.
    let host = external.authority.host.replace("*.", "some.").into();
    let authority = Authority { host, port: external.authority.port };
    let standing = provider.at(&authority);
    let provider = standing.as_ref().unwrap_or(provider);
    if let (Ok(back), Ok(own)) =
        (Url::parse(&provider.redirect_uri), Url::parse(&provider.external.origin()))
    {
        // Core wants the address as it was written, with the root's dot at the end of the host.
        let place = |url: &Url| {
            let host = url.host_str().map(|host| host.trim_end_matches('.').to_owned());
            (url.scheme().to_owned(), host, url.port_or_known_default())
        };
        assert_eq!(place(&back), place(&own), "{}", provider.redirect_uri);
    }
    let (ruleset, _) = Ruleset::build(vec![Arc::new(provider.clone())]);
    let target = Asked {
        scheme: provider.external.scheme,
        authority,
        path: format!("{}/4f1d/private", provider.external.path),
        query: None,
    };
    let routed = match ruleset.route(&target) {
        // With an escape that the path does not need: who compares bytes reads another path, and nobody
        // is served below it.
        Err(Unrouted::PathAmbiguous) if target.path.contains('%') => return,
        routed => routed.expect("it serves its own host"),
    };
    assert_eq!(routed.provider.pk, provider.pk);

    // Nobody is signed in. Only a rule that an administrator has written opens the path.
    let dialects = [None, Some(outpost_decision::dialect::Dialect::Traefik)];
    for dialect in dialects {
        let inquiry = Inquiry {
            endpoint: Endpoint::Application,
            dialect,
            target: &target,
            provider,
            client: ClientKind::Navigation,
            credential: Credential::ABSENT,
            scripts: Scripts::default(),
        };
        let decision = decide(&inquiry, Vec::new());
        match decision.action {
            Action::Allow | Action::PassOwnPath => panic!("{decision:?}"),
            Action::Skip => {
                let line = decision.rule.expect("a rule");
                let written = record.skip_path_regex.split('\n').nth(line - 1).expect("its line");
                assert!(!written.trim().is_empty(), "a blank line opens {target}");
            }
            _ => {}
        }
    }
}
