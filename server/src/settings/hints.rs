//! Words that help with a mistake in one setting or another.

/// Examples for settings whose default shows nothing.
pub(super) fn example(key: &str) -> Option<&'static str> {
    match key {
        "core.host" => Some("https://authentik.example.com"),
        "core.token" => Some("file:///run/secrets/outpost-token"),
        "core.host_browser" => Some("https://sso.example.com"),
        "embedded.core" => Some("http://127.0.0.1:8000"),
        "embedded.static_files" => Some("/usr/share/authentik"),
        "embedded.secret_key" => Some("file:///run/secrets/authentik-secret-key"),
        "sessions.store" => Some("redis://redis.example.com:6379/0"),
        "core.ca_file" => Some("/etc/outpost/core-ca.pem"),
        "sessions.ca_file" => Some("/etc/outpost/redis-ca.pem"),
        "sessions.client_certificate" => Some("/etc/outpost/redis-client.pem"),
        "sessions.client_key" => Some("/run/secrets/redis-client-key.pem"),
        "sessions.sentinel_password" => Some("file:///run/secrets/sentinel-password"),
        "sessions.limits" => Some("grafana idle_timeout=30m max_lifetime=12h"),
        "upstream.applications" => Some("grafana ca_file=/etc/outpost/grafana-ca.pem http=2"),
        "identity.applications" => Some("grafana headers=minimal encoding=percent max_bytes=4096"),
        "dashboard.url" => Some("https://outpost.example.com"),
        "dashboard.application" => Some("outpost-dashboard"),
        "dashboard.client_id" => Some("the-client-id-that-authentik-shows"),
        "dashboard.client_secret" => Some("file:///run/secrets/outpost-dashboard-secret"),
        "dashboard.view_group" => Some("outpost-viewers"),
        "dashboard.act_group" => Some("outpost-operators"),
        "admin.view_token" => Some("file:///run/secrets/outpost-view-token"),
        "admin.token" => Some("file:///run/secrets/outpost-admin-token"),
        "render.outpost_url" => Some("http://outpost.example.com:9000"),
        "log.level" => Some("info"),
        "tracing.otlp_endpoint" => Some("http://collector.example.com:4318"),
        "tracing.otlp_headers" => Some("authorization=Bearer%20..."),
        "tracing.resource" => Some("deployment.environment.name=production"),
        _ => None,
    }
}

/// What to add where a reference leads nowhere and may not have been meant as one.
pub(super) fn reference_hint(key: &str, text: &str) -> &'static str {
    if key == "sessions.store" && text.starts_with("file:") {
        "; file:///path is a file that holds the URL, a store in a file is file:/path"
    } else {
        ""
    }
}
