//! The pages of a form that is kept over a sign-in.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};

use super::{STYLE, escape, style_source};

/// A form is kept in this page: sign in elsewhere, then send it.
pub struct KeptPage<'a> {
    /// Address of the sign-in, for another tab.
    pub sign_in: String,
    /// Where the form is sent: absolute, of the application's own origin.
    pub action: String,
    /// Name of the field.
    pub field: &'static str,
    /// The form, sealed.
    pub sealed: &'a str,
    /// For how long it can be sent.
    pub minutes: i64,
    /// Why it was not let through: the decision's reason.
    pub code: &'static str,
    /// Finds the log line and the decision.
    pub id: &'a str,
}

impl KeptPage<'_> {
    /// The page.
    #[must_use]
    pub fn page(&self) -> HttpResponse {
        let mut html = String::with_capacity(4096 + self.sealed.len());
        begin(&mut html, "401", "Your form is kept");
        html.push_str("<p>You were no longer signed in when you sent it, so it has not reached the application. It is kept in this page for ");
        html.push_str(&self.minutes.max(1).to_string());
        html.push_str(" minutes: leave the page open.</p><p>First sign in, in another tab:</p><p><a class=\"button\" target=\"_blank\" rel=\"noopener\" href=\"");
        escape(&mut html, &self.sign_in);
        html.push_str(
            "\">Sign in</a></p><p>Then come back here:</p><form method=\"post\" action=\"",
        );
        escape(&mut html, &self.action);
        html.push_str("\"><input type=\"hidden\" name=\"");
        html.push_str(self.field);
        html.push_str("\" value=\"");
        escape(&mut html, self.sealed);
        html.push_str("\"><button class=\"button\">Send the form</button></form><footer>");
        html.push_str(self.code);
        html.push_str(" · ");
        escape(&mut html, self.id);
        html.push_str("</footer></main></body></html>");
        // The form goes to its own origin; where the application redirects from there counts as
        // form-action to some browsers, and is the application's business.
        answer(StatusCode::UNAUTHORIZED, "http: https:").body(html)
    }
}

/// Where a sign-in for a kept form ends, in the other tab.
#[must_use]
pub fn signed_in() -> HttpResponse {
    let mut html = String::with_capacity(2048);
    begin(&mut html, "", "You are signed in");
    html.push_str("<p>Close this tab, go back to the one with your form, and send it there.</p></main></body></html>");
    answer(StatusCode::OK, "'none'").body(html)
}

fn begin(html: &mut String, status: &str, title: &str) {
    html.push_str("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"robots\" content=\"noindex\"><meta name=\"color-scheme\" content=\"light dark\"><title>");
    html.push_str(title);
    html.push_str("</title><style>");
    html.push_str(STYLE);
    html.push_str("</style></head><body><main><p class=\"status\">");
    html.push_str(status);
    html.push_str("</p><h1>");
    html.push_str(title);
    html.push_str("</h1>");
}

fn answer(status: StatusCode, form_action: &str) -> actix_web::HttpResponseBuilder {
    let policy = format!(
        "default-src 'none'; style-src {}; base-uri 'none'; form-action {form_action}; frame-ancestors 'none'",
        style_source()
    );
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // Without a referrer there would be no Origin either (Fetch, "append a request Origin
        // header"), and a form without one is not believed to be of this site.
        .insert_header((header::REFERRER_POLICY, "same-origin"))
        .insert_header((header::X_FRAME_OPTIONS, "DENY"))
        .content_type("text/html; charset=utf-8");
    answer
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    #[actix_web::test]
    async fn nothing_of_a_request_becomes_markup() {
        let hostile = "\"><script>alert('x')</script>";
        let page = KeptPage {
            sign_in: hostile.into(),
            action: hostile.into(),
            field: "kept",
            sealed: hostile,
            minutes: 30,
            code: "not_signed_in",
            id: hostile,
        };
        let html = to_bytes(page.page().into_body()).await.unwrap();
        let html = String::from_utf8(html.to_vec()).unwrap();
        assert!(!html.contains("<script"), "{html}");
        assert_eq!(html.matches("&lt;script&gt;").count(), 4);
    }
}
