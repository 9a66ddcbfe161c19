//! Core's HTML pages: only as much as a browser or `curl` needs.

use super::http::Reply;
use crate::pages::{escape, page};

/// The page for unknown paths.
pub(crate) fn not_found() -> Reply {
    message(404, "Not found", "Nothing answers under this address.")
}

/// A page with one message.
pub(crate) fn message(status: u16, title: &str, text: &str) -> Reply {
    let title_html = escape(title);
    Reply::html(status, page(title, &format!("<h1>{title_html}</h1><p>{}</p>", escape(text))))
}

/// The sign-in form. It posts `username` and `password` to `action`; nothing else is needed.
pub(crate) fn sign_in(action: &str, application: Option<&str>, error: Option<&str>) -> Reply {
    let to = application
        .map_or_else(String::new, |name| format!(" to <strong>{}</strong>", escape(name)));
    let error = error.map_or_else(String::new, |text| {
        format!(r#"<p class="bad" role="alert">{}</p>"#, escape(text))
    });
    let body = format!(
        r#"<h1>Sign in{to}</h1>{error}
<form method="post" action="{action}">
<label>User name <input name="username" autocomplete="username" autofocus required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button>
</form>
<p class="quiet">This is a stand-in for an authentik server.</p>"#,
        action = escape(action)
    );
    Reply::html(200, page("Sign in", &body))
}
