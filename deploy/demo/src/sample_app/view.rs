//! What reached the application, as data and as a page.

use actix_web::HttpRequest;
use serde::Serialize;

use crate::pages::{escape, page};

/// What reached the application.
#[derive(Debug, Serialize)]
pub(crate) struct Seen {
    method: String,
    /// Path and query as they arrived.
    target: String,
    /// HTTP version.
    version: String,
    /// Whom the application takes the user for: the value of `X-authentik-username`.
    user: Option<String>,
    name: Option<String>,
    email: Option<String>,
    groups: Vec<String>,
    /// Every header line, in order; names in lower case, invalid bytes replaced.
    headers: Vec<(String, String)>,
}

impl Seen {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let header = |name: &str| {
            let value = request.headers().get(name).map(|value| text(value.as_bytes()));
            value.filter(|value| !value.is_empty())
        };
        let groups = header("x-authentik-groups").unwrap_or_default();
        Self {
            method: request.method().to_string(),
            target: request.uri().to_string(),
            version: format!("{:?}", request.version()),
            user: header("x-authentik-username"),
            name: header("x-authentik-name"),
            email: header("x-authentik-email"),
            groups: groups
                .split('|')
                .filter(|group| !group.is_empty())
                .map(str::to_owned)
                .collect(),
            headers: request
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
        }
    }

    pub(crate) fn to_html(&self) -> String {
        let greeting = match (&self.name, &self.user) {
            (Some(name), Some(user)) => format!(
                r#"<h1>Hello, {}</h1><p>The application takes you for <strong>{}</strong>{}{}.</p>
<p><a class="button" href="/outpost.goauthentik.io/sign_out">Sign out</a></p>"#,
                escape(name),
                escape(user),
                self.email
                    .as_ref()
                    .map_or_else(String::new, |email| format!(" ({})", escape(email))),
                match self.groups.as_slice() {
                    [] => ", in no group".to_owned(),
                    groups => format!(", in {}", escape(&groups.join(", "))),
                },
            ),
            (None, Some(user)) => format!(
                r#"<h1>Hello, {}</h1><p><a class="button" href="/outpost.goauthentik.io/sign_out">Sign out</a></p>"#,
                escape(user)
            ),
            (_, None) => {
                "<h1>Hello, stranger</h1><p>Nobody told the application who you are.</p>".to_owned()
            }
        };
        let mut headers: Vec<&(String, String)> = self.headers.iter().collect();
        headers.sort_by_key(|(name, _)| (!name.starts_with("x-authentik-"), name));
        let rows: String = headers
            .iter()
            .map(|(name, value)| {
                format!(
                    "<tr><th>{}</th><td>{}</td></tr>\n",
                    escape(name),
                    escape(&shown(name, value))
                )
            })
            .collect();
        let body = format!(
            r#"{greeting}
<h2>What reached the application</h2>
<p><code>{method} {target}</code></p>
<table>{rows}</table>
<h2>Elsewhere</h2>
<ul><li><a href="/public/hello">A page for everybody</a></li>
<li><a href="/json">This, as JSON</a></li>
<li><a href="/events?count=5">Five server-sent events</a></li>
<li><a href="/download?bytes=1048576">A megabyte</a></li></ul>"#,
            method = escape(&self.method),
            target = escape(&self.target),
        );
        page("Sample application", &body)
    }
}

/// A credential is shown by its beginning: the page may end up in a screenshot.
fn shown(name: &str, value: &str) -> String {
    let is_credential = matches!(name, "authorization" | "cookie" | "x-authentik-jwt");
    if is_credential && value.chars().count() > 24 {
        format!(
            "{}… ({} characters)",
            value.chars().take(20).collect::<String>(),
            value.chars().count()
        )
    } else {
        value.to_owned()
    }
}

/// The page of `/public/...`.
pub(crate) fn public(seen: &Seen) -> String {
    let body = format!(
        r#"<h1>A page for everybody</h1>
<p><code>{}</code> needs no sign-in: its path matches the application's <code>skip_path_regex</code>.</p>
<p>The application takes you for <strong>{}</strong>.</p>
<p><a href="/">The protected page</a></p>"#,
        escape(&seen.target),
        seen.user.as_deref().map_or_else(|| "nobody".to_owned(), escape),
    );
    page("A page for everybody", &body)
}
