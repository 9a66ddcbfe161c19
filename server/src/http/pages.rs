//! Answers for people and scripts when something is in the way: one shape, two forms.

pub mod kept;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

/// The stylesheet of every page; allowed by its hash, so that no page needs `unsafe-inline`.
const STYLE: &str = include_str!("pages/page.css");

/// Where a sign-in ends that was begun for another tab.
pub const SIGNED_IN_PATH: &str = "/outpost.goauthentik.io/static/signed-in";

/// Something that stands between a person and what they asked for.
#[derive(Clone, Debug)]
pub struct Problem {
    /// HTTP status of the answer.
    pub status: StatusCode,
    /// A stable name: the reason of the decision, or of the failure.
    pub code: &'static str,
    /// What happened, as a heading.
    pub title: &'static str,
    /// What happened, in a sentence or two.
    pub message: String,
    /// What to do about it; empty for nothing.
    pub remedy: String,
    /// The cause, for superusers only; the caller decides who is one.
    pub cause: Option<String>,
    /// Where to go on: label and address.
    pub link: Option<(&'static str, String)>,
    /// Seconds after which trying again makes sense.
    pub retry_after: Option<u32>,
    /// Finds the log line and the decision.
    pub id: String,
}

impl Problem {
    /// A problem without remedy, cause, link or retry.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        message: impl Into<String>,
        id: &str,
    ) -> Self {
        Self {
            status,
            code,
            title,
            message: message.into(),
            remedy: String::new(),
            cause: None,
            link: None,
            retry_after: None,
            id: id.to_owned(),
        }
    }

    /// With a remedy.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// With a link to go on.
    #[must_use]
    pub fn link(mut self, label: &'static str, address: impl Into<String>) -> Self {
        self.link = Some((label, address.into()));
        self
    }

    /// To be tried again after so many seconds.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The page for a browser.
    #[must_use]
    pub fn page(&self) -> HttpResponse {
        self.answer()
            .insert_header((header::CONTENT_SECURITY_POLICY, content_security_policy()))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((header::REFERRER_POLICY, "no-referrer"))
            .insert_header((header::X_FRAME_OPTIONS, "DENY"))
            .content_type("text/html; charset=utf-8")
            .body(self.html())
    }

    /// The JSON for a script.
    #[must_use]
    pub fn json(&self) -> HttpResponse {
        let mut body = json!({
            "error": self.code,
            "message": self.message,
            "id": self.id,
        });
        if !self.remedy.is_empty() {
            body["remedy"] = self.remedy.as_str().into();
        }
        if let Some((_, address)) = &self.link {
            body["sign_in"] = address.as_str().into();
        }
        if let Some(cause) = &self.cause {
            body["cause"] = cause.as_str().into();
        }
        self.answer().json(body)
    }

    fn answer(&self) -> HttpResponseBuilder {
        let mut answer = HttpResponse::build(self.status);
        answer.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(seconds) = self.retry_after {
            answer.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        answer
    }

    fn html(&self) -> String {
        let mut html = String::with_capacity(4096);
        html.push_str("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
        html.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
        html.push_str("<meta name=\"robots\" content=\"noindex\"><meta name=\"color-scheme\" content=\"light dark\"><title>");
        escape(&mut html, self.title);
        html.push_str("</title><style>");
        html.push_str(STYLE);
        html.push_str("</style></head><body><main><p class=\"status\">");
        html.push_str(self.status.as_str());
        html.push_str("</p><h1>");
        escape(&mut html, self.title);
        html.push_str("</h1><p>");
        escape(&mut html, &self.message);
        html.push_str("</p>");
        if !self.remedy.is_empty() {
            html.push_str("<p>");
            escape(&mut html, &self.remedy);
            html.push_str("</p>");
        }
        if let Some(cause) = &self.cause {
            html.push_str("<h2>Cause</h2><pre>");
            escape(&mut html, cause);
            html.push_str("</pre>");
        }
        if let Some((label, address)) = &self.link {
            html.push_str("<p><a class=\"button\" href=\"");
            escape(&mut html, address);
            html.push_str("\">");
            escape(&mut html, label);
            html.push_str("</a></p>");
        }
        html.push_str("<footer>");
        html.push_str(self.code);
        html.push_str(" · ");
        escape(&mut html, &self.id);
        html.push_str("</footer></main></body></html>");
        html
    }
}

/// Nothing but our own style; no script, no frame, no form elsewhere.
fn content_security_policy() -> String {
    let style = style_source();
    format!(
        "default-src 'none'; style-src {style}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// Our style, as a source of a content security policy.
fn style_source() -> String {
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    format!("'sha256-{hash}'")
}

fn escape(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_echoed_becomes_markup() {
        let hostile = "</style><script>alert('x')</script>\" onload=\"y";
        let mut problem =
            Problem::new(StatusCode::BAD_REQUEST, "no_provider", "Not found", hostile, hostile)
                .remedy(hostile)
                .link("Go on", hostile);
        problem.cause = Some(hostile.into());
        let html = problem.html();
        assert!(!html.contains("<script"), "{html}");
        assert!(!html.contains("\" onload"), "{html}");
        assert_eq!(html.matches("&lt;script&gt;").count(), 5);
    }
}
