//! Proof key for code exchange (RFC 7636), S256 only.

use crate::crypto::{base64url, sha256};

/// The challenge of a verifier: base64url of its SHA-256 (RFC 7636 section 4.2).
#[must_use]
pub fn code_challenge(verifier: &str) -> String {
    base64url(&sha256(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_rfc_7636_appendix_b() {
        assert_eq!(
            code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}
