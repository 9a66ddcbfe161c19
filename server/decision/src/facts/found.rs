//! The headers that facts are gathered from, found in one go: looking each up by its name costs more
//! than everything else that is done with it.

use super::{Headers, Single};

/// A header that facts are gathered from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Host,
    Accept,
    Upgrade,
    Forwarded,
    SecFetchMode,
    XOriginalUrl,
    XOriginalUri,
    XForwardedFor,
    XForwardedUri,
    XForwardedHost,
    XRequestedWith,
    XForwardedProto,
    XOriginalMethod,
    SecWebsocketKey,
    XForwardedMethod,
    PreflightMethod,
}

impl Known {
    const ALL: [Self; 16] = [
        Self::Host,
        Self::Accept,
        Self::Upgrade,
        Self::Forwarded,
        Self::SecFetchMode,
        Self::XOriginalUrl,
        Self::XOriginalUri,
        Self::XForwardedFor,
        Self::XForwardedUri,
        Self::XForwardedHost,
        Self::XRequestedWith,
        Self::XForwardedProto,
        Self::XOriginalMethod,
        Self::SecWebsocketKey,
        Self::XForwardedMethod,
        Self::PreflightMethod,
    ];

    /// Its name, as decisions tell it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Host => "Host",
            Self::Accept => "Accept",
            Self::Upgrade => "Upgrade",
            Self::Forwarded => "Forwarded",
            Self::SecFetchMode => "Sec-Fetch-Mode",
            Self::XOriginalUrl => "X-Original-URL",
            Self::XOriginalUri => "X-Original-URI",
            Self::XForwardedFor => "X-Forwarded-For",
            Self::XForwardedUri => "X-Forwarded-Uri",
            Self::XForwardedHost => "X-Forwarded-Host",
            Self::XRequestedWith => "X-Requested-With",
            Self::XForwardedProto => "X-Forwarded-Proto",
            Self::XOriginalMethod => "X-Original-Method",
            Self::SecWebsocketKey => "Sec-WebSocket-Key",
            Self::XForwardedMethod => "X-Forwarded-Method",
            Self::PreflightMethod => "Access-Control-Request-Method",
        }
    }

    /// The one that is called so: in lower case, as libraries hold names, or in any other.
    fn called(name: &str) -> Option<Self> {
        Self::in_lower_case(name).or_else(|| {
            let other = name.bytes().any(|byte| byte.is_ascii_uppercase());
            other.then(|| Self::in_lower_case(&name.to_ascii_lowercase())).flatten()
        })
    }

    /// By its length first, which tells nearly every other header.
    fn in_lower_case(name: &str) -> Option<Self> {
        match (name.len(), name) {
            (4, "host") => Some(Self::Host),
            (6, "accept") => Some(Self::Accept),
            (7, "upgrade") => Some(Self::Upgrade),
            (9, "forwarded") => Some(Self::Forwarded),
            (14, "sec-fetch-mode") => Some(Self::SecFetchMode),
            (14, "x-original-url") => Some(Self::XOriginalUrl),
            (14, "x-original-uri") => Some(Self::XOriginalUri),
            (15, "x-forwarded-for") => Some(Self::XForwardedFor),
            (15, "x-forwarded-uri") => Some(Self::XForwardedUri),
            (16, "x-forwarded-host") => Some(Self::XForwardedHost),
            (16, "x-requested-with") => Some(Self::XRequestedWith),
            (17, "x-forwarded-proto") => Some(Self::XForwardedProto),
            (17, "x-original-method") => Some(Self::XOriginalMethod),
            (17, "sec-websocket-key") => Some(Self::SecWebsocketKey),
            (18, "x-forwarded-method") => Some(Self::XForwardedMethod),
            (29, "access-control-request-method") => Some(Self::PreflightMethod),
            _ => None,
        }
    }
}

/// What a request says under the names of [`Known`] headers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'h, H: ?Sized> {
    headers: &'h H,
    first: [Option<&'h [u8]>; Known::ALL.len()],
    /// How many there are of each.
    count: [u32; Known::ALL.len()],
}

impl<'h, H: Headers + ?Sized> Found<'h, H> {
    /// Looks at every header once.
    pub(crate) fn among(headers: &'h H) -> Self {
        let mut found =
            Self { headers, first: [None; Known::ALL.len()], count: [0; Known::ALL.len()] };
        for (name, value) in headers.each() {
            if let Some(known) = Known::called(name) {
                found.first[known as usize].get_or_insert(value);
                found.count[known as usize] += 1;
            }
        }
        found
    }

    /// How many there are.
    pub(crate) const fn count(&self, known: Known) -> usize {
        self.count[known as usize] as usize
    }

    /// Whether there is one at all.
    pub(crate) const fn has(&self, known: Known) -> bool {
        self.count(known) > 0
    }

    /// The `index`-th value, in the order received.
    pub(crate) fn nth(&self, known: Known, index: usize) -> Option<&'h [u8]> {
        match index {
            0 => self.first[known as usize],
            _ if index < self.count(known) => self.headers.nth(known.name(), index),
            _ => None,
        }
    }

    /// The only value, as text.
    pub(crate) fn single(&self, known: Known) -> Single<'h> {
        match self.nth(known, 0) {
            None => Single::Missing,
            Some(_) if self.count(known) > 1 => Single::Repeated,
            Some(value) => Single::only(value),
        }
    }

    /// The only value, or `None` when it is missing, repeated or not text.
    pub(crate) fn text(&self, known: Known) -> Option<&'h str> {
        self.single(known).text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_header_is_found_in_any_case() {
        for (at, known) in Known::ALL.into_iter().enumerate() {
            assert_eq!(known as usize, at);
            assert_eq!(Known::called(known.name()), Some(known));
            assert_eq!(Known::called(&known.name().to_ascii_lowercase()), Some(known));
            assert_eq!(Known::called(&known.name().to_ascii_uppercase()), Some(known));
            assert_eq!(Known::called(&format!("{}x", known.name())), None);
        }
        assert_eq!(Known::called("X_Forwarded_Host"), None);
    }

    #[test]
    fn what_is_found_is_what_a_look_by_name_finds() {
        let headers = [
            ("x-forwarded-for", "one"),
            ("Host", "app.test"),
            ("X-Forwarded-For", "two"),
            ("accept", ""),
            ("upgrade", "a\nb"),
            ("x-other", "no"),
            ("X-FORWARDED-FOR", "three"),
        ];
        let headers = &headers[..];
        let found = Found::among(headers);
        for known in Known::ALL {
            assert_eq!(found.single(known), headers.single(known.name()), "{known:?}");
            assert_eq!(found.text(known), headers.text(known.name()), "{known:?}");
            for index in 0..5 {
                let (one, other) = (found.nth(known, index), headers.nth(known.name(), index));
                assert_eq!(one, other, "{known:?} {index}");
            }
            assert_eq!(found.has(known), headers.nth(known.name(), 0).is_some(), "{known:?}");
        }
        assert_eq!((found.count(Known::XForwardedFor), found.count(Known::Accept)), (3, 1));
    }
}
