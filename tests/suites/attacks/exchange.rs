//! A request as an attacker's client sends it, and what came of it.

use std::ops::Deref;

use crate::ask::{IDENTITY, Verdict, question};

/// A request: method, target, header lines and a body, byte for byte.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    method: &'static str,
    target: String,
    lines: Vec<u8>,
    body: Vec<u8>,
}

impl Ask {
    pub(crate) fn new(method: &'static str, target: &str) -> Self {
        Self { method, target: target.to_owned(), lines: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// With one more header line.
    pub(crate) fn line(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        for part in [name.as_bytes(), b": ", value.as_ref(), b"\r\n"] {
            self.lines.extend_from_slice(part);
        }
        self
    }

    /// With everything that follows the headers; the lines must announce it.
    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    /// As the client sends it to `host`.
    pub(crate) fn to(&self, host: &str) -> Vec<u8> {
        let line = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", self.method, self.target);
        self.after(line)
    }

    /// As a reverse proxy asks about it: its own headers, then what the client sent; no body.
    pub(crate) fn asked_by(&self, dialect: &str, host: &str) -> Vec<u8> {
        let head = question(dialect, "http", host, (self.method, &self.target));
        let without_body = Self { body: Vec::new(), ..self.clone() };
        without_body.after(head)
    }

    fn after(&self, head: String) -> Vec<u8> {
        [head.as_bytes(), &self.lines, b"Connection: close\r\n\r\n", &self.body].concat()
    }
}

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The answer; the first, where there are several.
    answer: Verdict,
    /// What the application behind the outpost received, byte for byte.
    pub(crate) reached: Vec<String>,
    /// Whether the answer is one to a reverse proxy, whose headers it hands to the application.
    pub(crate) forward_auth: bool,
    /// How many answers came.
    pub(crate) answers: usize,
}

impl Deref for Outcome {
    type Target = Verdict;

    fn deref(&self) -> &Verdict {
        &self.answer
    }
}

impl Outcome {
    pub(crate) fn read(answer: &[u8]) -> Self {
        Self {
            answer: Verdict::read(answer),
            reached: Vec::new(),
            forward_auth: false,
            answers: String::from_utf8_lossy(answer).matches("HTTP/1.1 ").count(),
        }
    }

    /// Everything that was said, head and body.
    pub(crate) fn text(&self) -> String {
        let head = self.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
        head.chain([self.body.clone()]).collect()
    }

    /// What the application hears under a name, in any spelling that an application takes for it.
    pub(crate) fn told(&self, name: &str) -> Vec<String> {
        let wanted = normal(name);
        let heard: Vec<(String, String)> = if self.forward_auth {
            let told = self.headers.iter().filter(|_| self.status == 200);
            told.map(|(name, value)| (name.clone(), value.clone())).collect()
        } else {
            self.reached.iter().flat_map(|request| header_lines(request)).collect()
        };
        heard
            .into_iter()
            .filter(|(name, _)| normal(name) == wanted)
            .map(|(_, value)| value)
            .collect()
    }

    /// Nothing was let through, and nobody was told who anybody is.
    pub(crate) fn assert_shut(&self, about: &str) {
        assert!(!(200..300).contains(&self.status), "{about}: let through: {self:?}");
        assert_eq!(self.reached, Vec::<String>::new(), "{about}: the application was reached");
        for name in IDENTITY {
            assert_eq!(self.all(name), [""; 0], "{about}: {name} is told: {self:?}");
        }
    }

    /// As [`Self::assert_shut`], with one of these statuses.
    pub(crate) fn assert_refused(&self, statuses: &[u16], about: &str) {
        self.assert_shut(about);
        assert!(statuses.contains(&self.status), "{about}: {self:?}");
    }

    /// Let through as `user`, who is named exactly once in every spelling together; as nobody where
    /// `user` is empty.
    pub(crate) fn assert_open_to(&self, user: &str, about: &str) {
        assert_eq!(self.status, 200, "{about}: {self:?}");
        if !self.forward_auth {
            assert_eq!(self.reached.len(), 1, "{about}: {self:?}");
        }
        assert_eq!(self.told("X-authentik-username"), [user], "{about}: {self:?}");
        for name in IDENTITY {
            let told = self.told(name);
            assert_eq!(told.len(), 1, "{about}: {name} {told:?}");
            assert!(!user.is_empty() || told[0].is_empty(), "{about}: {name} {told:?}");
        }
    }
}

/// Names and values of a request's head.
fn header_lines(request: &str) -> Vec<(String, String)> {
    let head = request.split("\r\n\r\n").next().unwrap_or_default();
    let lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

/// A name as CGI, WSGI, PHP and their kin see it.
fn normal(name: &str) -> String {
    let normal = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(normal).collect()
}
