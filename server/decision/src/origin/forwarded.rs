//! The `Forwarded` header (RFC 7239), where the settings switch it on.
//!
//! Each proxy appends an element about the request that it received: `for` (its peer), `host` and
//! `proto` as it saw them. The last element is the peer's own; an element before it is believed
//! only when the one after names a trusted hop as its sender.

use std::net::IpAddr;

use super::{FORWARDED as NAME, MAX_HOPS, TrustedNetworks, hop_address, malformed};
use crate::dialect::{DialectError, is_token};
use crate::facts::{Found, Headers};
use crate::target::{Authority, Scheme};

/// What trusted hops have told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// The host the client asked for.
    pub(super) host: Option<Authority>,
    /// The scheme the client used.
    pub(super) scheme: Option<Scheme>,
    /// The right-most hop that is not trusted, as far as hops are told.
    pub(super) client: IpAddr,
}

/// One element: what one proxy says. Other parameters (`by`, extensions) mean nothing to us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Element {
    sender: Option<String>,
    host: Option<String>,
    proto: Option<String>,
}

/// Reads all `Forwarded` headers as one list; `None` where there is none.
///
/// # Errors
/// One that breaks the grammar, anywhere: an unfinished quoted text of a client's would otherwise
/// swallow what proxies append to it. Also a believed `host` or `proto` that is none, and more
/// elements than any chain of proxies has.
pub(super) fn read(
    headers: &Found<'_, impl Headers + ?Sized>,
    peer: IpAddr,
    trusted: &TrustedNetworks,
) -> Result<Option<Told>, DialectError> {
    let mut all = Vec::new();
    for index in 0.. {
        let Some(line) = headers.nth(NAME, index) else { break };
        let line = std::str::from_utf8(line).map_err(|_| malformed(NAME))?;
        all.append(&mut elements(line).ok_or_else(|| malformed(NAME))?);
        if index >= MAX_HOPS || all.len() > MAX_HOPS {
            return Err(malformed(NAME));
        }
    }
    if all.is_empty() {
        return Ok(None);
    }
    let mut told = Told { host: None, scheme: None, client: peer };
    for element in all.iter().rev() {
        if let Some(host) = &element.host {
            told.host = Some(Authority::parse(host).ok_or_else(|| malformed(NAME))?);
        }
        if let Some(proto) = &element.proto {
            told.scheme = Some(Scheme::parse(proto).ok_or_else(|| malformed(NAME))?);
        }
        // `unknown` and made-up names are no addresses; who sent what stands before is not known.
        let Some(sender) = element.sender.as_deref().and_then(node) else { break };
        told.client = sender;
        if !trusted.contains(sender) {
            break;
        }
    }
    Ok(Some(told))
}

/// The address of a node, without its port, which may be a made-up name as well.
fn node(text: &str) -> Option<IpAddr> {
    hop_address(text.as_bytes()).or_else(|| {
        let (address, port) = text.rsplit_once(':')?;
        port.starts_with('_').then(|| hop_address(address.as_bytes()))?
    })
}

/// The elements of one header line; `None` when it breaks the grammar of RFC 7239 section 4.
/// Blanks around `;` are let pass, as many programs write them.
fn elements(line: &str) -> Option<Vec<Element>> {
    let mut text = Text(line);
    let mut all = Vec::new();
    loop {
        let mut element = Element::default();
        let mut is_empty = true;
        loop {
            text.skip_blanks();
            match text.peek() {
                None | Some(b',') => break,
                Some(b';') => text.skip(),
                Some(_) => {
                    let name = text.token()?;
                    text.expect(b'=')?;
                    element.take(name, text.value()?)?;
                    is_empty = false;
                    text.skip_blanks();
                    if !matches!(text.peek(), None | Some(b',' | b';')) {
                        return None;
                    }
                }
            }
        }
        if !is_empty {
            all.push(element);
        }
        if text.peek().is_none() {
            return Some(all);
        }
        text.skip();
    }
}

impl Element {
    /// Takes a parameter; `None` for one that occurs twice.
    fn take(&mut self, name: &str, value: String) -> Option<()> {
        let place = if name.eq_ignore_ascii_case("for") {
            &mut self.sender
        } else if name.eq_ignore_ascii_case("host") {
            &mut self.host
        } else if name.eq_ignore_ascii_case("proto") {
            &mut self.proto
        } else {
            return Some(());
        };
        place.replace(value).is_none().then_some(())
    }
}

/// What is left of a header line.
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.bytes().next()
    }

    /// Skips one ASCII character.
    fn skip(&mut self) {
        self.0 = self.0.get(1..).unwrap_or_default();
    }

    fn skip_blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.skip())
    }

    fn token(&mut self) -> Option<&'a str> {
        let end = self.0.find([' ', '\t', '=', ',', ';', '"']).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        (!token.is_empty() && is_token(token)).then_some(token)
    }

    /// A token, or a quoted text without its quotes.
    fn value(&mut self) -> Option<String> {
        if self.peek()? != b'"' {
            return self.loose().map(ToOwned::to_owned);
        }
        self.skip();
        let mut value = String::new();
        let mut characters = self.0.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.0 = self.0.get(at + 1..)?;
                    return Some(value);
                }
                '\\' => value.push(characters.next().map(|(_, quoted)| quoted)?),
                _ => value.push(character),
            }
            if value.ends_with(char::is_control) {
                return None;
            }
        }
        None
    }

    /// A token, and, since common programs leave the quotes away, `host:port` and `[v6]` as well.
    fn loose(&mut self) -> Option<&'a str> {
        let end = self.0.find([' ', '\t', ',', ';']).unwrap_or(self.0.len());
        let (value, rest) = self.0.split_at(end);
        self.0 = rest;
        let fits = value.split([':', '[', ']']).all(is_token);
        (!value.is_empty() && fits).then_some(value)
    }
}

#[cfg(test)]
mod tests;
