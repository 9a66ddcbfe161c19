//! The access log line of a request as members of a JSON object, written straight from its event: every
//! request has one, and it is most of what a log costs.

use std::fmt::Write as _;
use std::iter;
use std::net::IpAddr;
use std::time::Duration;

use super::{identity, write_object};
use crate::address_text::AddressText;
use crate::ops::chosen_headers::ChosenHeaders;
use crate::ops::event::RequestEvent;
use crate::ops::logging::{Escaped, push_escaped};
use crate::ops::masking::cut;

/// What stands before the value of a member. Names are ours, and stand for themselves.
macro_rules! name {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}

/// The same of a text: its quote is there, too.
macro_rules! text {
    ($name:literal) => {
        concat!(",\"", $name, "\":\"")
    };
}

/// Appends the members, each with a comma before it.
pub(super) fn members(event: &RequestEvent, line: &mut String) {
    let decided = event.decided.as_ref();
    let mut members = Members(line);
    members.known(text!("message"), Some("request"));
    members.text(text!("request_id"), Some(&event.request_id));
    members.text(text!("decision_id"), event.decision_id.as_deref());
    members.shown(text!("trace_id"), event.trace_id);
    members.text(text!("method"), Some(cut(&event.method)));
    members.text(text!("host"), Some(cut(&event.host)));
    members.text(text!("path"), Some(event.path.as_str()));
    members.number(name!("status"), Some(event.status.into()));
    members.text(text!("provider"), event.provider.as_ref().map(|provider| &*provider.name));
    members.known(text!("action"), decided.map(|decided| decided.action()));
    members.known(text!("reason"), decided.map(|decided| decided.reason.code()));
    members.number(name!("skip_rule"), decided.and_then(|decided| decided.rule?.try_into().ok()));
    members.known(text!("dialect"), decided.and_then(|decided| Some(decided.dialect?.as_str())));
    members.text(text!("user"), event.user.as_deref());
    members.address(text!("client"), event.client);
    members.milliseconds(name!("duration_ms"), Some(event.duration));
    let upstream = event.upstream.as_ref();
    members.text(text!("upstream"), upstream.map(|upstream| &*upstream.host));
    members.milliseconds(name!("upstream_ms"), upstream.map(|upstream| upstream.duration));
    members.known(text!("failure"), event.failure);
    members.text(text!("identity"), decided.and_then(identity).as_deref());
    members.number(name!("bytes"), event.bytes);
    members.headers(text!("headers"), &event.headers);
}

/// Members so far. What is not there makes none.
struct Members<'l>(&'l mut String);

impl Members<'_> {
    fn text(&mut self, name: &'static str, value: Option<&str>) {
        let Some(value) = value else { return };
        self.0.push_str(name);
        push_escaped(self.0, value);
        self.0.push('"');
    }

    /// A text of ours, in which nothing is to be escaped.
    fn known(&mut self, name: &'static str, value: Option<&'static str>) {
        let Some(value) = value else { return };
        self.0.push_str(name);
        self.0.push_str(value);
        self.0.push('"');
    }

    fn shown(&mut self, name: &'static str, value: Option<impl std::fmt::Display>) {
        let Some(value) = value else { return };
        // Memory takes everything.
        let _ = write!(self.0, "{name}{value}\"");
    }

    fn address(&mut self, name: &'static str, value: Option<IpAddr>) {
        let Some(address) = value else { return };
        self.0.push_str(name);
        self.0.push_str(AddressText::of(address).as_str());
        self.0.push('"');
    }

    fn number(&mut self, name: &'static str, value: Option<u64>) {
        let Some(value) = value else { return };
        self.0.push_str(name);
        self.digits(value, 1);
    }

    /// An object of its own, as a text.
    fn headers(&mut self, name: &'static str, headers: &ChosenHeaders) {
        if headers.is_empty() {
            return;
        }
        self.0.push_str(name);
        // Memory takes everything.
        let _ = write_object(headers, &mut Escaped(self.0));
        self.0.push('"');
    }

    /// Milliseconds with three digits behind the point: finer is noise.
    fn milliseconds(&mut self, name: &'static str, value: Option<Duration>) {
        let Some(value) = value else { return };
        let micros = value.saturating_add(Duration::from_nanos(500)).as_micros();
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        self.0.push_str(name);
        self.digits(micros / 1000, 1);
        self.0.push('.');
        self.digits(micros % 1000, 3);
    }

    /// A number, of so many digits at least.
    fn digits(&mut self, number: u64, least: usize) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number);
        self.0.extend(iter::repeat_n('0', least.saturating_sub(digits.len())));
        self.0.push_str(digits);
    }
}

#[cfg(test)]
mod tests {
    use super::super::headers as object;
    use super::super::tests::event;
    use super::*;
    use crate::ops::chosen_headers::ChosenNames;

    fn written(write: impl FnOnce(&mut Members<'_>)) -> String {
        let mut line = String::new();
        write(&mut Members(&mut line));
        line
    }

    #[test]
    fn numbers_and_addresses_are_written_as_others_write_them() {
        for number in [0, 7, 10, 99, 200, 12_345, u64::MAX - 1, u64::MAX] {
            assert_eq!(written(|it| it.number("", Some(number))), number.to_string());
            assert_eq!(written(|it| it.digits(number, 3)), format!("{number:03}"));
        }
        for address in ["0.0.0.0", "192.0.2.10", "255.255.255.255", "::1", "2001:db8::7:0"] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(written(|it| it.address("\"", Some(address))), format!("\"{address}\""));
        }
        assert_eq!(written(|it| it.address("\"", None)), "");
    }

    #[test]
    fn chosen_headers_are_an_object_as_a_text() {
        let values = ["plain", "a \"quoted\\ one", "line\nbreak \u{1} ü", ""];
        for chosen in [&[][..], &[0], &[1], &[0, 1, 2, 3]] {
            let names: Vec<_> = chosen.iter().map(|at| format!("x-{at}")).collect();
            let value_of = |name: &str| {
                let at: usize = name[2..].parse().unwrap();
                Some(values[at].as_bytes())
            };
            let headers = ChosenHeaders::pick(&ChosenNames::new(&names), value_of);
            let line = written(|it| it.headers(text!("headers"), &headers));
            let event = RequestEvent { headers, ..event() };
            let expected = written(|it| it.text(text!("headers"), object(&event).as_deref()));
            assert_eq!(line, expected);
        }
    }

    #[test]
    fn times_have_three_digits_behind_the_point() {
        for (nanos, expected) in [
            (0, "0.000"),
            (499, "0.000"),
            (500, "0.001"),
            (1_234_567, "1.235"),
            (999_999_500, "1000.000"),
            (61_000_070_000, "61000.070"),
        ] {
            let took = Duration::from_nanos(nanos);
            assert_eq!(written(|it| it.milliseconds("", Some(took))), expected);
        }
        assert!(!written(|it| it.milliseconds("", Some(Duration::MAX))).is_empty());
    }
}
