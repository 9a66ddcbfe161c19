//! Headers of requests that an operator wants in the log.

use std::sync::Arc;

use super::masking::{MASK, contains, cut, lossy, mask_url};

/// Names of the request headers that an operator wants in the log, and which of them carry secrets.
#[derive(Clone, Debug, Default)]
pub struct ChosenNames(Vec<(Arc<str>, bool)>);

impl ChosenNames {
    /// These, in lower case.
    #[must_use]
    pub fn new(names: &[impl AsRef<str>]) -> Self {
        let named = |name: &str| (Arc::from(name), is_secret_header(name));
        Self(names.iter().map(|name| named(name.as_ref())).collect())
    }
}

/// The request headers an operator wants in the log, masked where they carry secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChosenHeaders(Vec<(Arc<str>, String)>);

impl ChosenHeaders {
    /// Picks those of `names` that `value_of` knows.
    #[must_use]
    pub fn pick<'v>(names: &ChosenNames, value_of: impl Fn(&str) -> Option<&'v [u8]>) -> Self {
        let mut chosen = Vec::with_capacity(names.0.len());
        for (name, is_secret) in &names.0 {
            if let Some(value) = value_of(name) {
                let shown = match is_secret {
                    true => MASK.to_owned(),
                    false => mask_url(cut(&lossy(value))),
                };
                chosen.push((Arc::clone(name), shown));
            }
        }
        Self(chosen)
    }

    /// Name and value of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, value.as_str()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether a header of this name carries what nobody else may know.
pub(super) fn is_secret_header(name: &str) -> bool {
    ["auth", "cookie", "token", "secret", "passw", "api-key", "apikey", "jwt", "session"]
        .iter()
        .any(|part| contains(name, part, |byte| byte.to_ascii_lowercase()))
        && !["x-authentik-username", "www-authenticate"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let names = ["authorization", "cookie", "x-api-key", "user-agent", "referer", "absent"];
        let names = ChosenNames::new(&names);
        let value = |name: &str| -> Option<&'static [u8]> {
            match name {
                "user-agent" => Some(b"curl"),
                "referer" => Some(b"https://a/?code=s3cr3t"),
                "absent" => None,
                _ => Some(b"s3cr3t"),
            }
        };
        let chosen = ChosenHeaders::pick(&names, value);
        let shown: Vec<_> = chosen.iter().collect();
        let masked = ["authorization", "cookie", "x-api-key"].map(|name| (name, MASK));
        assert_eq!(shown[..3], masked);
        assert_eq!(shown[3..], [("user-agent", "curl"), ("referer", "https://a/?code=******")]);
        assert!(ChosenHeaders::default().is_empty());
    }
}
