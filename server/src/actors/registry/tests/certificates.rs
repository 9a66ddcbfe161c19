//! Certificates: fetched by fingerprint, kept when core cannot say.

use rcgen::generate_simple_self_signed;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use super::bench::{Bench, Keypair, record};
use crate::authentik::ApiError;

pub(super) fn keypair(fingerprint: &str, host: &str) -> Keypair {
    let made = generate_simple_self_signed(vec![host.to_owned()]).unwrap();
    Keypair {
        fingerprint: fingerprint.into(),
        chain: made.cert.pem(),
        key: made.signing_key.serialize_pem(),
    }
}

pub(super) fn secured(pk: i64, name: &str, uuid: &str) -> Value {
    let mut record = record(pk, name);
    record["certificate"] = json!(uuid);
    record
}

pub(super) fn served(bench: &Bench, host: &str) -> Option<CertificateDer<'static>> {
    let index = bench.readers.certificates.load();
    index.find(host).map(|key| key.cert[0].clone())
}

pub(super) fn leaf(keypair: &Keypair) -> Option<CertificateDer<'static>> {
    Some(CertificateDer::from_pem_slice(keypair.chain.as_bytes()).unwrap())
}

/// One provider with a certificate, loaded.
async fn one(keypair: &Keypair) -> Bench {
    let bench = Bench::start(vec![record(1, "one")]).await;
    bench.core.set_keypair("uuid", Ok(keypair.clone()));
    bench.core.set_providers(vec![secured(1, "one", "uuid")]);
    bench.refresh().await;
    assert_eq!(served(&bench, "one.test"), leaf(keypair));
    bench
}

#[actix::test]
async fn a_certificate_is_fetched_anew_only_when_its_fingerprint_changes() {
    let first = keypair("aa", "one.test");
    let bench = one(&first).await;
    assert_eq!(bench.findings(1), Vec::<&str>::new());
    bench.refresh().await;
    assert_eq!(bench.core.asked("keypair"), 2);
    assert_eq!((bench.core.asked("certificate"), bench.core.asked("private_key")), (1, 1));
    let second = keypair("bb", "one.test");
    bench.core.set_keypair("uuid", Ok(second.clone()));
    bench.refresh().await;
    assert_eq!((bench.core.asked("certificate"), bench.core.asked("private_key")), (2, 2));
    assert_eq!(served(&bench, "one.test"), leaf(&second));
    // Taken off the provider: nothing is served for the host any more.
    bench.core.set_providers(vec![record(1, "one")]);
    bench.refresh().await;
    assert_eq!(served(&bench, "one.test"), None);
}

#[actix::test]
async fn a_keypair_shared_by_providers_is_asked_for_once() {
    let shared = keypair("aa", "one.test");
    let bench = Bench::start(vec![]).await;
    bench.core.set_keypair("uuid", Ok(shared.clone()));
    let all = (0..20).map(|pk| secured(pk, &format!("p{pk}"), "uuid")).collect();
    bench.core.set_providers(all);
    bench.refresh().await;
    assert_eq!(bench.core.asked("keypair"), 1);
    assert_eq!(served(&bench, "p0.test"), leaf(&shared));
    assert_eq!(served(&bench, "p19.test"), leaf(&shared));
    assert_eq!(bench.findings(7), ["certificate_host_mismatch"]);
}

#[actix::test]
async fn a_keypair_that_core_does_not_show_is_a_finding_and_not_served() {
    let bench = Bench::start(vec![secured(1, "one", "uuid")]).await;
    assert_eq!(bench.findings(1), ["certificate_not_assigned"]);
    assert_eq!(bench.routed(), ["one"], "the provider itself is served");
    let good = keypair("aa", "one.test");
    bench.core.set_keypair("uuid", Ok(good.clone()));
    bench.refresh().await;
    assert_eq!(served(&bench, "one.test"), leaf(&good));
    assert_eq!(bench.findings(1), Vec::<&str>::new());
    let gone = ApiError::Status { status: 404, path: "/".into() };
    bench.core.set_keypair("uuid", Err(gone));
    bench.refresh().await;
    assert_eq!(served(&bench, "one.test"), None, "core took it away");
    assert_eq!(bench.findings(1), ["certificate_not_assigned"]);
}

#[actix::test]
async fn a_certificate_stays_while_core_cannot_give_another() {
    let good = keypair("aa", "one.test");
    let bench = one(&good).await;
    let broken = ApiError::Status { status: 500, path: "/".into() };
    bench.core.set_keypair("uuid", Err(broken));
    bench.refresh().await;
    assert_eq!(served(&bench, "one.test"), leaf(&good));
    assert_eq!(bench.findings(1), ["certificate_fetch_failed"]);

    let mut mismatched = keypair("bb", "one.test");
    mismatched.key = keypair("cc", "one.test").key;
    bench.core.set_keypair("uuid", Ok(mismatched));
    bench.refresh().await;
    assert_eq!(served(&bench, "one.test"), leaf(&good));
    assert_eq!(bench.findings(1), ["certificate_unusable"]);
    let fetched = bench.core.asked("private_key");
    bench.refresh().await;
    assert_eq!(bench.core.asked("private_key"), fetched, "the same unusable one again");
    assert_eq!(bench.findings(1), ["certificate_unusable"]);

    let next = keypair("dd", "one.test");
    bench.core.set_keypair("uuid", Ok(next.clone()));
    bench.refresh().await;
    assert_eq!(served(&bench, "one.test"), leaf(&next));
    assert_eq!(bench.findings(1), Vec::<&str>::new());
}

#[actix::test]
async fn an_expired_certificate_is_served_and_said() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["one.test".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let expired = Keypair {
        fingerprint: "aa".into(),
        chain: params.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    };
    let bench = one(&expired).await;
    assert_eq!(bench.findings(1), ["certificate_expired"]);
    let soon = std::time::SystemTime::now() + std::time::Duration::from_secs(3 * 24 * 3600);
    params.not_after = soon.into();
    let ends_soon = Keypair {
        fingerprint: "bb".into(),
        chain: params.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    };
    bench.core.set_keypair("uuid", Ok(ends_soon));
    bench.refresh().await;
    assert_eq!(bench.findings(1), ["certificate_expires_soon"]);
}
