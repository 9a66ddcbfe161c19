//! Addresses as text, as nearly every request has some written: by a shorter way than that of all numbers.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

/// Room for the longest address there is.
const LONGEST: usize = 45;

/// An address as text.
#[derive(Clone, Copy)]
pub(crate) struct AddressText {
    bytes: [u8; LONGEST],
    length: usize,
}

impl AddressText {
    pub(crate) fn of(address: IpAddr) -> Self {
        let mut text = Self { bytes: [0; LONGEST], length: 0 };
        match address {
            IpAddr::V4(address) => text.push_v4(address),
            // There is room for each of them.
            IpAddr::V6(address) => drop(write!(text, "{address}")),
        }
        text
    }

    pub(crate) fn as_str(&self) -> &str {
        // All of it is ASCII.
        std::str::from_utf8(self.bytes.get(..self.length).unwrap_or_default()).unwrap_or_default()
    }

    fn push_v4(&mut self, address: Ipv4Addr) {
        for (at, part) in address.octets().into_iter().enumerate() {
            if at > 0 {
                self.push(b".");
            }
            self.push(itoa::Buffer::new().format(part).as_bytes());
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(bytes);
            self.length = end;
        }
    }
}

impl std::fmt::Write for AddressText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_others_write_them() {
        for address in [
            "0.0.0.0",
            "192.0.2.10",
            "255.255.255.255",
            "::",
            "::1",
            "2001:db8::7:0",
            "::ffff:192.0.2.10",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            let parsed: IpAddr = address.parse().unwrap();
            assert_eq!(AddressText::of(parsed).as_str(), address);
        }
    }
}
