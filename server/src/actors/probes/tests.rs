use outpost_decision::compile::{CompileContext, compile_provider};
use outpost_decision::ruleset::Ruleset;
use serde_json::json;

use super::*;
use crate::snapshot::OutpostIdentity;

/// Applications on port 1 do not answer.
struct Scene {
    ahead: Result<i64, String>,
}

#[async_trait(?Send)]
impl Outside for Scene {
    async fn application(&self, provider: &Provider) -> Result<(), String> {
        match provider.internal.as_ref().and_then(url::Url::port) {
            Some(1) => Err("connection refused".to_owned()),
            _ => Ok(()),
        }
    }

    async fn core_time(&self) -> Result<Timestamp, String> {
        self.ahead.clone().map(|ahead| clock::now().plus(ahead))
    }

    async fn instances(&self, outpost: &str) -> Result<Vec<String>, String> {
        Ok(vec![format!("another of {outpost}")])
    }
}

fn provider(pk: i64, mode: &str, port: u16) -> Arc<Provider> {
    let record = json!({
        "pk": pk, "name": format!("p{pk}"), "mode": mode,
        "external_host": format!("https://p{pk}.test"),
        "internal_host": format!("http://user:secret@127.0.0.1:{port}/x"),
        "client_id": "c", "client_secret": "s", "cookie_secret": "k",
        "scopes_to_request": ["openid"],
        "oidc_configuration": {
            "issuer": "https://core/o/", "authorization_endpoint": "https://core/a/",
            "token_endpoint": "https://core/t/", "jwks_uri": "https://core/j/",
            "id_token_signing_alg_values_supported": ["HS256"],
        },
        "assigned_application_slug": "a", "assigned_application_name": "a",
    });
    let record = serde_json::from_value(record).unwrap();
    Arc::new(compile_provider(&record, &CompileContext::default()).unwrap().provider)
}

#[actix_web::test]
async fn a_round_tells_of_applications_the_clock_and_other_instances() {
    let providers =
        vec![provider(1, "proxy", 1), provider(2, "proxy", 8080), provider(3, "forward_single", 1)];
    let snapshot = Snapshot {
        generation: 1,
        ruleset: Ruleset::build(providers).0,
        outpost: OutpostIdentity { uuid: "uuid".to_owned(), ..OutpostIdentity::default() },
        ..Snapshot::default()
    };
    let found = round(&snapshot, &Scene { ahead: Ok(100) }, true).await;
    assert!(found.at.is_some());
    let internal = "http://127.0.0.1:1".to_owned();
    let cause = "connection refused".to_owned();
    assert_eq!(found.unreachable, BTreeMap::from([(1, Unreachable { internal, cause })]));
    let ahead = found.clock.unwrap().unwrap();
    assert!((99..=101).contains(&ahead), "{ahead}");
    assert_eq!(found.instances, Some(Ok(vec!["another of uuid".to_owned()])));

    let quiet = round(&snapshot, &Scene { ahead: Ok(0) }, false).await;
    assert_eq!((quiet.unreachable.len(), quiet.untried), (0, 2));

    let away = round(&Snapshot::default(), &Scene { ahead: Err("away".to_owned()) }, true).await;
    assert_eq!((away.clock, away.instances), (Some(Err("away".to_owned())), None));
}
