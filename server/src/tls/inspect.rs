//! What a certificate says about itself: until when, and for which names.

use std::time::Duration;

use outpost_decision::time::Timestamp;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

/// When the certificate's validity ends. `None` when it cannot be read.
#[must_use]
pub fn validity_ends(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let certificate = EndEntityCert::try_from(certificate).ok()?;
    // The library tells the end of validity only as an objection. Asked about a moment that lies
    // after any end a certificate can name (the year 9999), it objects, before all other checks.
    let after_all = UnixTime::since_unix_epoch(Duration::from_secs(1 << 40));
    let verdict =
        certificate.verify_for_usage(&[], &[], &[], after_all, KeyUsage::server_auth(), None, None);
    match verdict {
        Err(webpki::Error::CertExpired { not_after, .. }) => {
            i64::try_from(not_after.as_secs()).ok().map(Timestamp)
        }
        _ => None,
    }
}

/// The DNS names of a certificate, at most so many.
#[must_use]
pub fn dns_names(certificate: &CertificateDer<'_>, most: usize) -> Vec<String> {
    let Ok(certificate) = EndEntityCert::try_from(certificate) else { return Vec::new() };
    certificate.valid_dns_names().take(most).map(ToOwned::to_owned).collect()
}

/// Whether the certificate names `host` (a name, or an address with or without brackets).
#[must_use]
pub fn covers(certificate: &CertificateDer<'_>, host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let (Ok(certificate), Ok(name)) =
        (EndEntityCert::try_from(certificate), ServerName::try_from(bare))
    else {
        return false;
    };
    certificate.verify_is_valid_for_subject_name(&name).is_ok()
}
