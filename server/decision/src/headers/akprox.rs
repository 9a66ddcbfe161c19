//! The headers of the 2021.5 outpost (contract 16), beside today's.

use super::{Encoding, IdentityHeaders};
use crate::claims::Claims;

/// Their names, in the order they are sent.
pub const AKPROX_NAMES: [&str; 4] =
    ["X-Auth-Username", "X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Forwarded-User"];

/// Adds them for whom the claims are about; empty for nobody. What `additionalHeaders` set under
/// such a name stays.
pub fn add_akprox(headers: &mut IdentityHeaders, claims: Option<&Claims>, encoding: Encoding) {
    let [user, email, preferred, subject] = AKPROX_NAMES;
    let text = |of: fn(&Claims) -> &str| claims.map_or("", of);
    for (name, text) in [
        (user, text(|claims| &claims.preferred_username)),
        (email, text(|claims| &claims.email)),
        (preferred, text(|claims| &claims.preferred_username)),
        (subject, text(|claims| &claims.sub)),
    ] {
        if headers.get(name).is_none() {
            headers.push_text(name, text, encoding);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::{IdentityRule, anonymous_headers};

    #[test]
    fn nobody_has_them_empty_and_no_client_has_them_at_all() {
        let mut headers = anonymous_headers(&IdentityRule::default());
        add_akprox(&mut headers, None, Encoding::Utf8);
        for name in AKPROX_NAMES {
            assert_eq!(headers.get(name), Some(""), "{name}");
        }
        for name in ["x-auth-username", "X_Forwarded_User", "X.FORWARDED.EMAIL"] {
            assert!(headers.must_strip(name), "{name}");
        }
        assert!(!anonymous_headers(&IdentityRule::default()).must_strip("x-forwarded-user"));
    }

    #[test]
    fn what_a_mapping_set_stays() {
        let claims: Claims = serde_json::from_value(serde_json::json!({
            "iss": "i", "aud": "a", "sub": "subject", "exp": 1, "preferred_username": "alice",
            "email": "alice@example.com",
        }))
        .unwrap();
        let mut headers = IdentityHeaders::default();
        headers.set("x-forwarded-user".into(), "mapped".to_owned());
        add_akprox(&mut headers, Some(&claims), Encoding::Utf8);
        let sent: Vec<_> = AKPROX_NAMES.iter().map(|name| headers.get(name).unwrap()).collect();
        assert_eq!(sent, ["alice", "alice@example.com", "alice", "mapped"]);
    }
}
