use secrecy::ExposeSecret as _;

use super::*;

#[test]
fn nothing_is_traced_unless_there_is_a_collector() {
    let settings = load(&[]);
    assert!(settings.tracing.otlp.is_none());
    assert_eq!(settings.tracing.accept_from, AcceptFrom::Trusted);
    assert!(settings.log.error_reporting);
}

#[test]
fn a_collector_is_read_with_its_headers_kept_secret() {
    let settings = load(&[
        ("OUTPOST__TRACING__OTLP_ENDPOINT", "http://collector:4318"),
        ("OUTPOST__TRACING__OTLP_HEADERS", "authorization=Bearer%20hush, X-Scope=tenant"),
        ("OUTPOST__TRACING__SAMPLE_RATIO", "0.25"),
        ("OUTPOST__TRACING__RESOURCE", "deployment.environment.name=prod"),
        ("OUTPOST__TRACING__ACCEPT_FROM", "nobody"),
    ]);
    let otlp = settings.tracing.otlp.as_ref().unwrap();
    assert_eq!(otlp.endpoint.as_str(), "http://collector:4318/v1/traces");
    let headers: Vec<_> =
        otlp.headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
    assert_eq!(headers, [("authorization", "Bearer hush"), ("x-scope", "tenant")]);
    assert!((otlp.sample_ratio - 0.25).abs() < f64::EPSILON);
    assert_eq!(otlp.resource, [("deployment.environment.name".into(), "prod".into())]);
    assert_eq!(settings.tracing.accept_from, AcceptFrom::Nobody);
    for shown in [settings.to_toml(), format!("{settings:?}")] {
        assert!(!shown.contains("hush\"") && !shown.contains("tenant"), "{shown}");
        assert!(!shown.contains("Bearer"), "{shown}");
    }
}

#[test]
fn the_path_of_traces_is_added_where_it_is_not_there() {
    for (given, expected) in [
        ("https://c.example.com", "https://c.example.com/v1/traces"),
        ("https://c.example.com/", "https://c.example.com/v1/traces"),
        ("https://c.example.com/otlp/", "https://c.example.com/otlp/v1/traces"),
        ("https://c.example.com/v1/traces", "https://c.example.com/v1/traces"),
    ] {
        let settings = load(&[("OUTPOST__TRACING__OTLP_ENDPOINT", given)]);
        assert_eq!(settings.tracing.otlp.unwrap().endpoint.as_str(), expected);
    }
}

#[test]
fn mistakes_in_traces_are_told_even_while_they_are_off() {
    for (name, value, said) in [
        ("SAMPLE_RATIO", "1.5", "is not between 0 and 1"),
        ("SAMPLE_RATIO", "half", "is not a number"),
        ("OTLP_HEADERS", "authorization", "must be name=value each"),
        ("OTLP_HEADERS", "a b=s3cr3t", "is not the name of a header"),
        ("OTLP_HEADERS", "a=s3cr3t%0A", "cannot be one of a header"),
        ("RESOURCE", "=x", "is not of the form key=value"),
        ("ACCEPT_FROM", "friends", "is none of trusted, all, nobody"),
        ("OTLP_ENDPOINT", "grpc://c", "must have http or https"),
    ] {
        let variable = format!("OUTPOST__TRACING__{name}");
        let told = mistakes(&sources(&[(&variable, value)])).join("\n");
        assert!(told.contains(said), "{name}={value}: {told}");
        assert!(!told.contains("s3cr3t"), "{told}");
    }
}
