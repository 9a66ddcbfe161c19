//! Findings.

use leptos::prelude::*;

use super::link::provider_link;
use super::tone::{class, icon, pill};
use crate::model::{Notice, Severity, Tone};

/// Findings as a list, in the order given: what, where, why and what to do.
pub(crate) fn notices(all: &[Notice]) -> AnyView {
    let items = all.iter().map(|notice| {
        let Notice { severity, code, provider, message, remedy } = notice.clone();
        let (tone, word) = named(severity);
        view! {
            <li class=format!("notice {}", class(tone))>
                {icon(tone)}
                <div>
                    <p class="head">
                        <strong>{word}</strong>
                        {provider.map(|provider| view! { " in " {provider_link(&provider)} })}
                        " " <code class="code">{code}</code>
                    </p>
                    <p class="prose">{message}</p>
                    {(!remedy.is_empty())
                        .then(|| view! { <p class="prose remedy"><b>"What to do: "</b>{remedy}</p> })}
                </div>
            </li>
        }
    });
    view! { <ul class="notices">{items.collect_view()}</ul> }.into_any()
}

/// Why a page cannot show what was asked for.
pub(crate) fn problem(what: &'static str, why: &str) -> AnyView {
    view! {
        <div class="notice bad" role="alert">
            {icon(Tone::Bad)}
            <div><p><strong>{what}</strong></p><p class="prose">{why.to_owned()}</p></div>
        </div>
    }
    .into_any()
}

/// How bad something is, and how often: `2 errors`.
pub(crate) fn severity_pill(severity: Severity, count: usize) -> AnyView {
    let (tone, word) = named(severity);
    let many = if count == 1 { "" } else { "s" };
    pill(tone, format!("{count} {}{many}", word.to_lowercase()))
}

const fn named(severity: Severity) -> (Tone, &'static str) {
    match severity {
        Severity::Error => (Tone::Bad, "Error"),
        Severity::Warning => (Tone::Odd, "Warning"),
        Severity::Info => (Tone::Plain, "Note"),
    }
}
