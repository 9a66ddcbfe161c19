//! `/crypto/certificatekeypairs/`: the outpost sees those its providers use.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::json;
use uuid::Uuid;

use super::{READ, READ_WRITE, detail};
use crate::core::{
    clock::iso8601, crypto::fingerprint, http::Reply, spec::KeyPairSpec, state::State,
};

/// Answers the metadata, or the PEM of the named `part`.
pub(crate) fn answer(state: &State, uuid: &str, part: Option<&str>) -> Reply {
    let allow = if part.is_some() { READ } else { READ_WRITE };
    let assigned = Uuid::parse_str(uuid).ok().filter(|uuid| {
        let uses = |certificate: Option<Uuid>| certificate == Some(*uuid);
        state.providers.iter().any(|provider| uses(provider.spec.certificate))
    });
    let Some((uuid, keypair)) =
        assigned.and_then(|uuid| state.keypairs.get(&uuid).map(|pair| (uuid, pair)))
    else {
        return detail(404, allow, "No CertificateKeyPair matches the given query.");
    };
    match part {
        None => metadata(state, uuid, keypair),
        Some("view_certificate") => {
            Reply::api(200, allow, &json!({"data": keypair.certificate_pem}))
        }
        Some(_) => Reply::api(200, allow, &json!({"data": keypair.private_key_pem})),
    }
}

fn metadata(state: &State, uuid: Uuid, keypair: &KeyPairSpec) -> Reply {
    // A certificate that does not parse has fingerprints of its text: they still change with it.
    let der = CertificateDer::from_pem_slice(keypair.certificate_pem.as_bytes())
        .map_or_else(|_| keypair.certificate_pem.clone().into_bytes(), |der| der.to_vec());
    let year = std::time::Duration::from_secs(365 * 86_400);
    let download =
        |part: &str| format!("/api/v3/crypto/certificatekeypairs/{uuid}/{part}/?download");
    let expiry = iso8601(std::time::Duration::from_secs((state.clock.now() + year).as_secs()))
        .replace(".000000", "");
    Reply::api(
        200,
        READ_WRITE,
        &json!({
            "pk": uuid,
            "name": keypair.name,
            "fingerprint_sha256": fingerprint(&SHA256, &der),
            "fingerprint_sha1": fingerprint(&SHA1_FOR_LEGACY_USE_ONLY, &der),
            "cert_expiry": expiry,
            "cert_subject": format!("OU=Self-signed,O=authentik,CN={}", keypair.name),
            "private_key_available": !keypair.private_key_pem.is_empty(),
            "private_key_type": "ec",
            "certificate_download_url": download("view_certificate"),
            "private_key_download_url": download("view_private_key"),
            "managed": null,
        }),
    )
}
