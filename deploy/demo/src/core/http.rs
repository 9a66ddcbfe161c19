//! A request as the stand-in core sees it, and its answer.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};
use serde_json::Value;
use uuid::Uuid;

use super::{api::told::written, crypto};

/// One request, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: String,
    /// Path below the base path, percent-encoded as sent; starts with a slash.
    pub(crate) path: String,
    pub(crate) raw_query: String,
    pub(crate) query: Vec<(String, String)>,
    /// Every header line in order, names in lower case, values lossily decoded.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) form: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// `scheme://host` with the base path and no trailing slash: what `Host` and `X-Forwarded-Proto` claim.
    pub(crate) origin: String,
    /// Base path, empty or like `/auth-base`.
    pub(crate) base_path: String,
}

impl Ask {
    pub(crate) fn new(
        request: &HttpRequest,
        body: &[u8],
        base_path: &str,
        path: &str,
        tls: bool,
    ) -> Self {
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let host = first(&headers, "host")
            .map(str::to_owned)
            .or_else(|| request.uri().authority().map(ToString::to_string))
            .unwrap_or_default();
        // Django's SECURE_PROXY_SSL_HEADER: where the header is present, it alone decides.
        let https = first(&headers, "x-forwarded-proto").map_or(tls, |proto| proto == "https");
        let scheme = if https { "https" } else { "http" };
        let is_form = first(&headers, "content-type").is_some_and(|kind| {
            kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
        });
        Self {
            method: request.method().to_string(),
            path: path.to_owned(),
            raw_query: request.query_string().to_owned(),
            query: pairs(request.query_string().as_bytes()),
            form: if is_form { pairs(body) } else { Vec::new() },
            body: body.to_vec(),
            origin: format!("{scheme}://{host}{base_path}"),
            base_path: base_path.to_owned(),
            headers,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }

    pub(crate) fn form(&self, name: &str) -> Option<&str> {
        first(&self.form, name)
    }

    pub(crate) fn is_read(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }

    /// Value of a cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .filter(|(header, _)| header == "cookie")
            .flat_map(|(_, value)| value.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }
}

/// The pairs of a query or a form.
pub(crate) fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(encoded).into_owned().collect()
}

fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find_map(|(key, value)| (key == name).then_some(value.as_str()))
}

/// An answer before it becomes HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Reply {
    fn new(status: u16, content_type: &str, body: String) -> Self {
        Self { status, headers: vec![("content-type", content_type.to_owned())], body }
    }

    /// An answer of the REST API.
    pub(crate) fn api(status: u16, allow: &str, body: &Value) -> Self {
        Self::api_text(status, allow, written(body))
    }

    /// The same of what is text already.
    pub(crate) fn api_text(status: u16, allow: &str, body: String) -> Self {
        Self::new(status, "application/json; charset=utf-8", body).with("allow", allow)
    }

    /// An answer of an OAuth2 endpoint that must not be cached.
    pub(crate) fn oauth(status: u16, body: &Value) -> Self {
        Self::json(status, body).with("cache-control", "no-store").with("pragma", "no-cache")
    }

    /// Plain JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", crypto::ascii_json(body))
    }

    pub(crate) fn html(status: u16, body: String) -> Self {
        Self::new(status, "text/html; charset=utf-8", body)
    }

    pub(crate) fn redirect(location: &str) -> Self {
        Self::html(302, String::new()).with("location", location)
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn location(&self) -> Option<&str> {
        self.headers
            .iter()
            .find_map(|(name, value)| (*name == "location").then_some(value.as_str()))
    }
}

impl From<Reply> for HttpResponse {
    fn from(reply: Reply) -> Self {
        let status =
            StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Self::build(status);
        response
            .insert_header((header::SERVER, "uvicorn"))
            .insert_header(("x-authentik-id", Uuid::new_v4().simple().to_string()))
            .insert_header((header::VARY, "Accept-Language, Cookie"))
            .insert_header(("content-language", "en"))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((header::REFERRER_POLICY, "same-origin"))
            .insert_header((header::X_FRAME_OPTIONS, "DENY"));
        for (name, value) in reply.headers {
            response.append_header((name, value));
        }
        response.body(reply.body)
    }
}
