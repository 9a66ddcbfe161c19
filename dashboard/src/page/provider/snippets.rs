//! Configuration to paste into what stands in front of the outpost, for exactly this provider.

use leptos::prelude::*;

use super::super::parts::{empty, pill, section};
use crate::model::{Snippet, SnippetFile, Tone};

/// A part that opens for each target. `named` is how the command calls the provider.
pub(super) fn section_of(snippets: &[Snippet], named: &str) -> AnyView {
    let content = if snippets.is_empty() {
        empty(
            "There is nothing to write it for.",
            "Once a version of this provider is in effect, configuration for reverse proxies stands \
             here.",
        )
    } else {
        view! {
            <p class="prose small">
                "Where they reach the outpost, the setting " <code>"render.outpost_url"</code>
                " says. More can be said to the command that writes the same: "
                <code>{format!("outpost render {} --provider {named}", snippets[0].target)}</code>
            </p>
            <div class="snippets">{snippets.iter().map(one).collect_view()}</div>
        }
        .into_any()
    };
    section("snippets-title", "Configuration for the reverse proxy in front of it", content)
}

fn one(snippet: &Snippet) -> AnyView {
    let Snippet { target, about, files, problem } = snippet;
    let problem = problem.clone().map(|problem| {
        view! { <p class="remark prose">{pill(Tone::Odd, "Not possible")} " " {problem}</p> }
    });
    view! {
        <details class="card snippet" id=format!("for-{target}")>
            <summary><b>{target.clone()}</b> " " <span class="small">{about.clone()}</span></summary>
            {problem}
            {files.iter().map(|file| text_of(target, file)).collect_view()}
        </details>
    }
    .into_any()
}

/// A file: it scrolls by itself, and so takes the keyboard's focus.
fn text_of(target: &str, file: &SnippetFile) -> AnyView {
    let SnippetFile { name, text } = file;
    let label = format!("{name} for {target}");
    view! {
        <div class="snippet-file">
            <p class="bar"><code>{name.clone()}</code></p>
            <pre class="code-block" tabindex="0" role="region" aria-label=label data-copy="">{text.clone()}</pre>
        </div>
    }
    .into_any()
}
