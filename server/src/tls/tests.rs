use std::sync::Arc;
use std::time::{Duration, SystemTime};

use outpost_decision::time::Timestamp;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, ServerConnection};
use rustls::{ProtocolVersion, SignatureScheme, SupportedProtocolVersion};
use secrecy::SecretString;

use super::*;
use crate::publish::published;

struct Made {
    chain: String,
    key: KeyPair,
}

fn made(algorithm: &'static rcgen::SignatureAlgorithm, names: &[&str]) -> Made {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let chain = CertificateParams::new(names).unwrap().self_signed(&key).unwrap().pem();
    Made { chain, key }
}

impl Made {
    fn pem(&self) -> SecretString {
        self.key.serialize_pem().into()
    }

    fn certified(&self) -> Arc<CertifiedKey> {
        certified_key(&self.chain, &self.pem()).unwrap()
    }
}

fn pem(label: &str, der: &[u8]) -> SecretString {
    use base64::Engine;
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n").into()
}

/// The key inside PKCS#8: `SEQUENCE { INTEGER, SEQUENCE, OCTET STRING { key } .. }` (RFC 5958).
fn inner(pkcs8: &[u8]) -> &[u8] {
    fn element(der: &[u8]) -> (&[u8], &[u8]) {
        let (length, start) = match der[1] {
            short @ ..0x80 => (usize::from(short), 2),
            long => {
                let count = usize::from(long & 0x7f);
                let length = der[2..2 + count].iter().fold(0, |sum, b| sum << 8 | usize::from(*b));
                (length, 2 + count)
            }
        };
        (&der[start..start + length], &der[start + length..])
    }
    let (sequence, _) = element(pkcs8);
    let (_, after_version) = element(sequence);
    let (_, after_algorithm) = element(after_version);
    element(after_algorithm).0
}

#[test]
fn every_customary_form_of_key_is_read() {
    let rsa = made(&PKCS_RSA_SHA256, &["a.test"]);
    let ecdsa = made(&PKCS_ECDSA_P256_SHA256, &["a.test"]);
    let ed25519 = made(&PKCS_ED25519, &["a.test"]);
    for (name, made, key) in [
        ("RSA PKCS#8", &rsa, rsa.pem()),
        ("RSA PKCS#1", &rsa, pem("RSA PRIVATE KEY", inner(&rsa.key.serialize_der()))),
        ("ECDSA PKCS#8", &ecdsa, ecdsa.pem()),
        ("ECDSA SEC1", &ecdsa, pem("EC PRIVATE KEY", inner(&ecdsa.key.serialize_der()))),
        ("Ed25519 PKCS#8", &ed25519, ed25519.pem()),
    ] {
        let read = certified_key(&made.chain, &key);
        assert!(read.is_ok(), "{name}: {read:?}");
    }
}

#[test]
fn what_a_real_core_gives_is_read() {
    let data = |name: &str| -> String {
        let path = format!("{}/../tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
        let captured: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        captured["response"]["body"]["data"].as_str().unwrap().to_owned()
    };
    let chain = data("04_keypair_view_certificate.json");
    let key = data("04_keypair_view_private_key.json").into();
    let read = certified_key(&chain, &key).unwrap();
    // `cert_expiry` of the keypair record: 2027-11-22T00:16:21Z.
    assert_eq!(validity_ends(&read.cert[0]), Some(Timestamp(1_826_842_581)));
}

#[test]
fn a_chain_keeps_its_order() {
    let leaf = made(&PKCS_ECDSA_P256_SHA256, &["leaf.test"]);
    let above = made(&PKCS_ECDSA_P256_SHA256, &["above.test"]);
    let key = certified_key(&format!("{}{}", leaf.chain, above.chain), &leaf.pem()).unwrap();
    assert_eq!(key.cert.len(), 2);
    assert!(covers(&key.cert[0], "leaf.test"));
    assert!(covers(&key.cert[1], "above.test"));
}

#[test]
fn what_does_not_fit_is_told_apart() {
    let one = made(&PKCS_ECDSA_P256_SHA256, &["a.test"]);
    let other = made(&PKCS_ECDSA_P256_SHA256, &["a.test"]);
    let rsa = made(&PKCS_RSA_SHA256, &["a.test"]);
    assert_eq!(certified_key(&one.chain, &other.pem()).unwrap_err(), TlsError::Mismatch);
    assert_eq!(certified_key(&one.chain, &rsa.pem()).unwrap_err(), TlsError::Mismatch);
    assert!(matches!(certified_key("", &one.pem()), Err(TlsError::Chain(_))));
    assert!(matches!(certified_key("no PEM at all", &one.pem()), Err(TlsError::Chain(_))));
    assert!(matches!(
        certified_key("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", &one.pem()),
        Err(TlsError::Chain(_))
    ));
    let nonsense = pem("CERTIFICATE", b"not a certificate");
    let nonsense = secrecy::ExposeSecret::expose_secret(&nonsense).to_owned();
    assert!(matches!(certified_key(&nonsense, &one.pem()), Err(TlsError::Unusable(_))));
    assert!(matches!(certified_key(&one.chain, &"".into()), Err(TlsError::Key(_))));
    let encrypted = pem("ENCRYPTED PRIVATE KEY", b"whatever");
    assert!(matches!(certified_key(&one.chain, &encrypted), Err(TlsError::Key(_))));
    let broken = pem("PRIVATE KEY", b"whatever");
    assert!(matches!(certified_key(&one.chain, &broken), Err(TlsError::Unusable(_))));
}

#[test]
fn the_most_specific_name_decides() {
    let exact = made(&PKCS_ECDSA_P256_SHA256, &["a.corp.test"]).certified();
    let wide = made(&PKCS_ECDSA_P256_SHA256, &["corp.test"]).certified();
    let narrow = made(&PKCS_ECDSA_P256_SHA256, &["eu.corp.test"]).certified();
    let mut index = CertificateIndex::default();
    assert!(index.insert_host("A.corp.test", Arc::clone(&exact)));
    assert!(index.insert_host("a.corp.test.", Arc::clone(&exact)), "the same one again");
    assert!(!index.insert_host("a.corp.test", Arc::clone(&wide)), "the first one wins");
    assert!(index.insert_domain(".corp.test", Arc::clone(&wide)));
    assert!(index.insert_domain("eu.corp.test", Arc::clone(&narrow)));
    for (name, expected) in [
        ("a.corp.test", Some(&exact)),
        ("A.CORP.TEST", Some(&exact)),
        ("a.corp.test.", Some(&exact)),
        ("b.corp.test", Some(&wide)),
        ("x.a.corp.test", Some(&wide)),
        ("corp.test", Some(&wide)),
        ("eu.corp.test", Some(&narrow)),
        ("deep.down.eu.corp.test", Some(&narrow)),
        ("evilcorp.test", None),
        ("corp.test.evil", None),
        ("test", None),
        ("", None),
    ] {
        let found = index.find(name);
        assert_eq!(found.map(Arc::as_ptr), expected.map(Arc::as_ptr), "{name}");
    }
}

#[test]
fn a_certificate_tells_its_names_and_its_end() {
    let key = KeyPair::generate().unwrap();
    let names = ["a.test", "*.wild.test", "192.0.2.7", "2001:db8::7"];
    let mut params =
        CertificateParams::new(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).unwrap();
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
    params.not_after = end.into();
    let certificate = params.self_signed(&key).unwrap();
    let der = certificate.der();
    assert_eq!(validity_ends(der), Some(Timestamp(2_000_000_000)));
    for (host, expected) in [
        ("a.test", true),
        ("A.TEST", true),
        ("x.wild.test", true),
        ("x.y.wild.test", false),
        ("wild.test", false),
        ("b.test", false),
        ("192.0.2.7", true),
        ("192.0.2.8", false),
        ("[2001:db8::7]", true),
        ("not a name", false),
    ] {
        assert_eq!(covers(der, host), expected, "{host}");
    }
    assert_eq!(validity_ends(&CertificateDer::from(vec![1, 2, 3])), None);
    assert!(!covers(&CertificateDer::from(vec![1, 2, 3]), "a.test"));
}

#[test]
fn the_self_signed_certificate_is_valid_now_and_not_for_ever() {
    let key = self_signed().unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64;
    let end = validity_ends(&key.cert[0]).unwrap();
    let left = Timestamp(now).seconds_until(end);
    assert!((1..=365 * 24 * 3600).contains(&left), "{left}");
    assert_ne!(self_signed().unwrap().cert, key.cert, "each start has one of its own");
}

/// Accepts every certificate: these tests look at which one is sent.
#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = crypto().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = crypto().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        crypto().signature_verification_algorithms.supported_schemes()
    }
}

/// Both kinds of certificate for one name, whichever provider names which.
#[test]
fn a_client_gets_the_kind_of_certificate_that_it_can_verify() {
    let ecdsa = made(&PKCS_ECDSA_P256_SHA256, &["app.test"]).certified();
    let rsa = made(&PKCS_RSA_SHA256, &["app.test"]).certified();
    let another = made(&PKCS_RSA_SHA256, &["app.test"]).certified();
    for order in [[&ecdsa, &rsa], [&rsa, &ecdsa]] {
        let mut index = CertificateIndex::default();
        assert!(order.iter().all(|key| index.insert_host("app.test", Arc::clone(key))));
        assert!(!index.insert_host("app.test", Arc::clone(&another)), "the first of a kind wins");
        for (schemes, expected) in [
            (
                &[SignatureScheme::RSA_PSS_SHA256, SignatureScheme::ECDSA_NISTP256_SHA256][..],
                &ecdsa,
            ),
            (&[SignatureScheme::ECDSA_NISTP256_SHA256], &ecdsa),
            (&[SignatureScheme::RSA_PSS_SHA256], &rsa),
            (&[SignatureScheme::RSA_PKCS1_SHA256, SignatureScheme::ECDSA_NISTP384_SHA384], &rsa),
            (&[SignatureScheme::ED448], &ecdsa),
        ] {
            let chosen = index.choose("app.test", schemes).unwrap();
            assert!(Arc::ptr_eq(chosen, expected), "{schemes:?}");
        }
        assert!(index.choose("b.test", &[]).is_none());
    }
}

#[test]
fn a_connection_is_shared_by_names_with_the_same_certificate() {
    let wide = made(&PKCS_ECDSA_P256_SHA256, &["*.corp.test"]).certified();
    let (own, rsa) = (
        made(&PKCS_ECDSA_P256_SHA256, &["own.corp.test"]).certified(),
        made(&PKCS_RSA_SHA256, &["*.corp.test"]).certified(),
    );
    let mut index = CertificateIndex::default();
    index.insert_domain("corp.test", Arc::clone(&wide));
    index.insert_domain("corp.test", rsa);
    index.insert_host("own.corp.test", own);
    index.insert_host("b.test", wide);
    for (one, other, expected) in [
        ("a.corp.test", "B.corp.test", true),
        ("a.corp.test", "b.test", true),
        ("a.corp.test", "own.corp.test", false),
        ("a.corp.test", "unknown.test", false),
        ("unknown.test", "unheard.test", true),
    ] {
        assert_eq!(index.same_certificate(one, other), expected, "{one} {other}");
        assert_eq!(index.same_certificate(other, one), expected, "{other} {one}");
    }
}

#[test]
fn an_operator_may_demand_tls_1_3() {
    let (_publisher, reader) = published(CertificateIndex::default());
    let server = Arc::new(server_config(reader, Oldest::Tls13).unwrap());
    assert!(handshake(&server, "a.test", &[&version::TLS12], &[]).is_err());
    let seen = handshake(&server, "a.test", BOTH, &[]).unwrap();
    assert_eq!(seen.version, ProtocolVersion::TLSv1_3);
}

struct Seen {
    certificate: CertificateDer<'static>,
    version: ProtocolVersion,
    protocol: Option<Vec<u8>>,
}

/// A whole handshake in memory; signatures are checked, names are not.
fn handshake(
    server: &Arc<ServerConfig>,
    name: &str,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&[u8]],
) -> Result<Seen, rustls::Error> {
    let mut client = ClientConfig::builder_with_provider(Arc::new(crypto()))
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything))
        .with_no_client_auth();
    client.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name)?;
    let mut server = ServerConnection::new(Arc::clone(server))?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        wire.clear();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(Seen {
        certificate: client.peer_certificates().unwrap()[0].clone().into_owned(),
        version: client.protocol_version().unwrap(),
        protocol: client.alpn_protocol().map(<[u8]>::to_vec),
    })
}

const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

#[test]
fn a_handshake_gets_the_certificate_of_its_name_and_sees_a_new_one_at_once() {
    let first = made(&PKCS_ECDSA_P256_SHA256, &["app.test"]).certified();
    let second = made(&PKCS_RSA_SHA256, &["app.test"]).certified();
    let domain = made(&PKCS_ECDSA_P256_SHA256, &["*.corp.test"]).certified();
    let (publisher, reader) = published(CertificateIndex::default());
    let server = Arc::new(server_config(reader, Oldest::Tls12).unwrap());
    let seen = |name| handshake(&server, name, BOTH, &[]).unwrap().certificate;

    let fallback = seen("app.test");
    assert_eq!(seen("127.0.0.1"), fallback, "no server name at all");

    let mut index = CertificateIndex::default();
    index.insert_host("app.test", Arc::clone(&first));
    index.insert_domain("corp.test", Arc::clone(&domain));
    publisher.publish(index.clone());
    assert_eq!(seen("app.test"), first.cert[0]);
    assert_eq!(seen("any.corp.test"), domain.cert[0]);
    assert_eq!(seen("other.test"), fallback);
    assert_eq!(seen("evilcorp.test"), fallback);

    let mut index = CertificateIndex::default();
    index.insert_host("app.test", Arc::clone(&second));
    publisher.publish(index);
    assert_eq!(seen("app.test"), second.cert[0]);
    assert_eq!(seen("any.corp.test"), fallback);
}

#[test]
fn both_versions_and_both_protocols_are_spoken() {
    let (_publisher, reader) = published(CertificateIndex::default());
    let server = Arc::new(server_config(reader, Oldest::Tls12).unwrap());
    for (version, expected) in [
        (&rustls::version::TLS12, ProtocolVersion::TLSv1_2),
        (&rustls::version::TLS13, ProtocolVersion::TLSv1_3),
    ] {
        assert_eq!(handshake(&server, "a.test", &[version], &[]).unwrap().version, expected);
    }
    for (offered, expected) in [
        (&[b"http/1.1".as_slice(), b"h2"] as &[&[u8]], Some(b"h2".to_vec())),
        (&[b"http/1.1"], Some(b"http/1.1".to_vec())),
        (&[], None),
    ] {
        assert_eq!(handshake(&server, "a.test", BOTH, offered).unwrap().protocol, expected);
    }
}

#[test]
fn debug_output_of_the_index_shows_names_only() {
    let key = made(&PKCS_ECDSA_P256_SHA256, &["a.test"]).certified();
    let mut index = CertificateIndex::default();
    index.insert_host("a.test", key);
    assert_eq!(format!("{index:?}"), "CertificateIndex { hosts: [\"a.test\"], domains: [] }");
}
