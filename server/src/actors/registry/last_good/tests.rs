use std::sync::Arc;

use bytes::Bytes;
use outpost_decision::compile::fingerprint;
use outpost_decision::wire::{OutpostRecord, ProviderRecord};

use super::contents::{KeptCore, Said};
use super::*;
use crate::actors::registry::certificates::Pem;
use crate::authentik::CoreApi;
use crate::session::SessionStore;
use crate::session::memory::MemoryStore;

const NOW: Timestamp = Timestamp(1_000_000);

fn last_good(store: &Arc<MemoryStore>, token: &str) -> LastGood {
    LastGood::new(Sessions::new(Arc::clone(store) as _), &token.into())
}

/// What a real core said (fixture 02), and one certificate.
fn said(name: &str, pem: Option<&Pem>) -> (Vec<Arc<ProviderRecord>>, ToKeep) {
    let path = format!("{}/../tests/fixtures/02_outposts_proxy.json", env!("CARGO_MANIFEST_DIR"));
    let captured: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let records = captured["response"]["body"]["results"].clone();
    let providers: Vec<Arc<ProviderRecord>> = serde_json::from_value(records).unwrap();
    let outpost: OutpostRecord = serde_json::from_value(serde_json::json!({
        "pk": "uuid", "name": name, "type": "proxy", "refresh_interval_s": 60.5,
        "config": {"log_level": "debug"}, "managed": "m",
    }))
    .unwrap();
    let global = serde_json::from_value(serde_json::json!({
        "error_reporting": {
            "enabled": true, "sentry_dsn": "d", "environment": "e", "send_pii": true,
            "traces_sample_rate": 0.5,
        },
    }))
    .unwrap();
    let said = Said {
        outpost: &outpost,
        providers: providers.clone(),
        global: &global,
        expected_version: Some("2025.10.0"),
        certificates: vec![("pair", pem)],
    };
    let said = said.to_keep();
    (providers, said)
}

fn outpost(name: &str) -> ToKeep {
    said(name, None).1
}

fn pem(fingerprint: &str) -> Pem {
    Pem {
        fingerprint: Some(fingerprint.to_owned()),
        chain: "the chain".into(),
        key: "the key of the certificate".into(),
    }
}

async fn value(store: &MemoryStore, of: &LastGood) -> Option<Bytes> {
    store.values().read(&of.name, NOW).await.unwrap()
}

fn store() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(10))
}

#[tokio::test]
async fn what_core_said_comes_back_as_it_was() {
    let store = store();
    let kept = last_good(&store, "token");
    let pem = pem("aa");
    let (records, said) = said("Outpost", Some(&pem));
    kept.keep(said, NOW).await.unwrap();
    let loaded = last_good(&store, "token").load(NOW.plus(7)).await.ok().unwrap();
    assert_eq!(loaded.at, NOW);
    let core = KeptCore::new(loaded.contents).ok().unwrap();
    let outpost = core.outpost().await.unwrap();
    assert_eq!((outpost.pk.as_str(), outpost.name.as_str()), ("uuid", "Outpost"));
    assert_eq!((outpost.kind.as_str(), outpost.refresh_interval_seconds()), ("proxy", 60));
    assert_eq!(outpost.option("log_level"), Some("debug"));
    assert_eq!(outpost.managed.as_deref(), Some("m"));
    let list = core.providers().await.unwrap();
    assert!(records.len() > 1 && list.unreadable.is_empty());
    let prints = |records: Vec<ProviderRecord>| records.iter().map(fingerprint).collect::<Vec<_>>();
    let before: Vec<_> = records.iter().map(|record| fingerprint(record)).collect();
    assert_eq!(prints(list.records), before);
    let global = core.global_config().await.unwrap().error_reporting;
    assert!(global.enabled);
    assert_eq!((global.sentry_dsn.as_str(), global.environment.as_str()), ("d", "e"));
    assert!(global.send_pii && global.traces_sample_rate > 0.4);
    assert_eq!(core.expected_version("uuid").await.unwrap().as_deref(), Some("2025.10.0"));
    assert_eq!(core.keypair("pair").await.unwrap().fingerprint_sha256.as_deref(), Some("aa"));
    assert_eq!(core.certificate("pair").await.unwrap(), "the chain");
    let key = core.private_key("pair").await.unwrap();
    assert_eq!(key.expose_secret(), "the key of the certificate");
    assert!(core.certificate("another").await.is_err());
}

#[tokio::test]
async fn one_record_that_cannot_be_read_costs_no_other() {
    let mut contents = said("Outpost", None).1.contents;
    contents["providers"][0]["pk"] = Value::from("none");
    contents["certificates"]["bad"] = Value::from(1);
    let core = KeptCore::new(contents).ok().unwrap();
    let list = core.providers().await.unwrap();
    assert_eq!((list.records.len(), list.unreadable.len()), (2, 1));
    assert!(core.certificate("bad").await.is_err());
}

#[tokio::test]
async fn what_is_the_same_is_written_once_an_hour_by_all_replicas_together() {
    let store = store();
    let (one, other) = (last_good(&store, "token"), last_good(&store, "token"));
    one.keep(outpost("a"), NOW).await.unwrap();
    let first = value(&store, &one).await.unwrap();
    for kept in [&one, &other, &last_good(&store, "token")] {
        kept.keep(outpost("a"), NOW.plus(RENEW_AFTER - 1)).await.unwrap();
        assert_eq!(value(&store, kept).await.unwrap(), first, "not even sealed anew");
    }
    one.keep(outpost("a"), NOW.plus(RENEW_AFTER)).await.unwrap();
    let second = value(&store, &one).await.unwrap();
    assert_ne!(second, first);
    other.keep(outpost("a"), NOW.plus(RENEW_AFTER + 1)).await.unwrap();
    assert_eq!(value(&store, &other).await.unwrap(), second, "the other one has done it");

    other.keep(outpost("b"), NOW.plus(RENEW_AFTER + 2)).await.unwrap();
    let loaded = one.load(NOW.plus(RENEW_AFTER + 3)).await.ok().unwrap();
    assert_eq!(loaded.at, NOW.plus(RENEW_AFTER + 2));
    assert_eq!(loaded.contents["outpost"]["name"], "b", "what is different is written at once");
}

#[tokio::test]
async fn outposts_with_other_tokens_neither_read_nor_disturb_it() {
    let store = store();
    let (ours, theirs) = (last_good(&store, "ours"), last_good(&store, "theirs"));
    ours.keep(outpost("ours"), NOW).await.unwrap();
    assert_eq!(theirs.load(NOW).await.err(), Some(NoneKept::Nothing));
    theirs.keep(outpost("theirs"), NOW).await.unwrap();
    assert_eq!(ours.load(NOW).await.ok().unwrap().contents["outpost"]["name"], "ours");
    let moved = value(&store, &ours).await;
    store.values().write(&theirs.name, moved, None, NOW).await.unwrap();
    assert_eq!(theirs.load(NOW).await.err(), Some(NoneKept::Sealed));
}

#[tokio::test]
async fn a_value_with_any_byte_altered_is_ignored() {
    let store = store();
    let kept = last_good(&store, "token");
    let said = ToKeep { contents: serde_json::json!({}), unknown_certificates: Vec::new() };
    kept.keep(said, NOW).await.unwrap();
    let good = value(&store, &kept).await.unwrap();
    assert!(kept.open(&good, NOW).is_ok());
    for at in 0..good.len() {
        for flip in [1, 0x80] {
            let mut bad = good.to_vec();
            bad[at] ^= flip;
            assert!(kept.open(&bad, NOW).is_err(), "byte {at}");
        }
        assert!(kept.open(&good[..at], NOW).is_err(), "cut at {at}");
    }
    let newer = [b"{\"v\":2,\"at\":1000000}\n", &good[10..]].concat();
    assert_eq!(kept.open(&newer, NOW).err(), Some(NoneKept::Version(2)));
}

#[tokio::test]
async fn it_lasts_for_months_and_not_for_ever() {
    let store = store();
    let kept = last_good(&store, "token");
    kept.keep(outpost("a"), NOW).await.unwrap();
    let good = value(&store, &kept).await.unwrap();
    let days = |days: i64| NOW.plus(days * 24 * 60 * 60);
    assert!(kept.load(days(89)).await.is_ok());
    assert_eq!(kept.load(days(91)).await.err(), Some(NoneKept::Nothing));
    // Put back by somebody who copied it.
    store.values().write(&kept.name, Some(good), None, NOW).await.unwrap();
    assert_eq!(kept.load(days(91)).await.err(), Some(NoneKept::TooOld));
}

#[tokio::test]
async fn the_store_sees_no_secret() {
    let store = store();
    let kept = last_good(&store, "token");
    let pem = pem("aa");
    let (records, said) = said("Outpost", Some(&pem));
    kept.keep(said, NOW).await.unwrap();
    let value = value(&store, &kept).await.unwrap();
    let secrets = records.iter().flat_map(|record| {
        [record.client_secret.expose_secret(), record.cookie_secret.expose_secret()]
    });
    for secret in secrets.chain(["token", "the key of the certificate", "Outpost"]) {
        assert!(secret.len() > 4);
        let found = value.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found && !kept.name.contains(secret), "{secret}");
    }
    assert!(!format!("{kept:?}").contains("token"));
}

#[tokio::test]
async fn a_certificate_that_core_cannot_give_just_now_stays_kept() {
    let store = store();
    let pem = pem("aa");
    last_good(&store, "token").keep(said("a", Some(&pem)).1, NOW).await.unwrap();
    let restarted = last_good(&store, "token");
    restarted.keep(said("b", None).1, NOW.plus(1)).await.unwrap();
    let loaded = restarted.load(NOW.plus(2)).await.ok().unwrap();
    assert_eq!(loaded.contents["outpost"]["name"], "b");
    assert_eq!(loaded.contents["certificates"]["pair"]["fingerprint"], "aa");
}
