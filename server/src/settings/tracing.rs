//! Reading of `[tracing]`.

use std::time::Duration;

use config::ValueKind;
use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

use super::reader::{Found, MASK, Reader};
use super::types::{AcceptFrom, Otlp, Tracing};
use super::{HOUR, MILLISECOND};

/// Where a collector takes traces, below its base URL (OTLP specification, "OTLP/HTTP request").
const PATH: &str = "/v1/traces";

pub(super) fn tracing(read: &mut Reader<'_>) -> Tracing {
    let endpoint = read.url("tracing.otlp_endpoint").map(traces_url);
    let otlp = |endpoint, read: &mut Reader<'_>| Otlp {
        endpoint,
        headers: headers(read),
        timeout: read.duration("tracing.otlp_timeout", MILLISECOND..=HOUR),
        interval: read.duration("tracing.export_interval", Duration::ZERO..=HOUR),
        queue: read.number("tracing.queue", 1..=1_000_000),
        sample_ratio: ratio(read, "tracing.sample_ratio"),
        service_name: read.text("tracing.service_name"),
        resource: resource(read),
    };
    // Read in any case, so that mistakes are told before somebody turns it on.
    let stand_in = endpoint.clone().or_else(|| Url::parse("http://collector.invalid").ok());
    let otlp = stand_in.map(|endpoint| otlp(endpoint, read));
    Tracing {
        otlp: otlp.filter(|_| endpoint.is_some()),
        accept_from: read.choice(
            "tracing.accept_from",
            &[
                ("trusted", AcceptFrom::Trusted),
                ("all", AcceptFrom::All),
                ("nobody", AcceptFrom::Nobody),
            ],
            AcceptFrom::Trusted,
        ),
    }
}

fn traces_url(mut base: Url) -> Url {
    let path = base.path().trim_end_matches('/');
    if !path.ends_with(PATH) {
        base.set_path(&format!("{path}{PATH}"));
    }
    base
}

fn ratio(read: &mut Reader<'_>, key: &'static str) -> f64 {
    read.read(key, 0.0, |found| {
        let ratio = match &found.kind {
            ValueKind::Float(ratio) => *ratio,
            ValueKind::I64(0) => 0.0,
            ValueKind::I64(1) => 1.0,
            ValueKind::String(text) => {
                text.parse().map_err(|_| format!("{text:?} is not a number"))?
            }
            _ => return Err("must be a number between 0 and 1".to_owned()),
        };
        if (0.0..=1.0).contains(&ratio) {
            Ok((ratio, ratio.into()))
        } else {
            Err(format!("{ratio} is not between 0 and 1"))
        }
    })
}

/// `name=value` each; blanks and commas in a value may be percent-encoded, as in the
/// specification's `OTEL_EXPORTER_OTLP_HEADERS`. Values are secret.
fn headers(read: &mut Reader<'_>) -> Vec<(HeaderName, SecretString)> {
    read.read("tracing.otlp_headers", Vec::new(), |found| {
        let mut headers = Vec::new();
        for (name, value) in pairs(found).map_err(|_| "must be name=value each".to_owned())? {
            let name = HeaderName::try_from(name.as_str())
                .map_err(|_| format!("{name:?} is not the name of a header"))?;
            let value = percent_decode_str(&value).decode_utf8_lossy().into_owned();
            // What is wrong with it is not said: it is a secret.
            if HeaderValue::from_str(&value).is_err() {
                return Err(format!("the value of {name} cannot be one of a header"));
            }
            headers.push((name, SecretString::from(value)));
        }
        let shown = headers.iter().map(|(name, _)| format!("{name}={MASK}").into()).collect();
        Ok((headers, toml::Value::Array(shown)))
    })
}

fn resource(read: &mut Reader<'_>) -> Vec<(String, String)> {
    read.read("tracing.resource", Vec::new(), |found| {
        let pairs = pairs(found)?;
        let shown = pairs.iter().map(|(key, value)| format!("{key}={value}").into()).collect();
        Ok((pairs, toml::Value::Array(shown)))
    })
}

fn pairs(found: &Found) -> Result<Vec<(String, String)>, String> {
    let pair = |text: String| match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(format!("{text:?} is not of the form key=value")),
    };
    found.texts()?.into_iter().map(pair).collect()
}
