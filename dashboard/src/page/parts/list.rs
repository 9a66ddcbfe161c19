//! Sections, facts, and what stands where there is nothing.

use leptos::prelude::*;

/// A part of a page that changes while one looks. Its content is made by the function that makes
/// the live feed's [`Region`](crate::live::Region) of this id.
pub(crate) fn region(id: &'static str, content: AnyView) -> AnyView {
    view! { <div id=id class="region">{content}</div> }.into_any()
}

/// A part of a page below a heading; `id` is the heading's.
pub(crate) fn section(id: &'static str, heading: impl Into<String>, content: AnyView) -> AnyView {
    let heading: String = heading.into();
    view! { <section aria-labelledby=id><h2 id=id>{heading}</h2>{content}</section> }.into_any()
}

/// One fact: what, its value, and lines about it.
pub(crate) struct Fact {
    name: &'static str,
    class: Option<&'static str>,
    value: AnyView,
    more: Vec<AnyView>,
}

impl Fact {
    /// A fact.
    pub(crate) fn new(name: &'static str, value: impl IntoAny) -> Self {
        Self { name, class: None, value: value.into_any(), more: Vec::new() }
    }

    /// With more room than others.
    #[must_use]
    pub(crate) fn wide(mut self) -> Self {
        self.class = Some("wide");
        self
    }

    /// With one more line about it.
    #[must_use]
    pub(crate) fn line(mut self, line: impl IntoAny) -> Self {
        self.more.push(line.into_any());
        self
    }
}

/// Facts as tiles.
pub(crate) fn facts(facts: Vec<Fact>) -> AnyView {
    let tiles = facts.into_iter().map(|Fact { name, class, value, more }| {
        let more = more
            .into_iter()
            .map(|line| view! { <dd class="small wrap">{line}</dd> })
            .collect_view();
        view! { <div class=class><dt>{name}</dt><dd class="value">{value}</dd>{more}</div> }
    });
    view! { <dl class="facts">{tiles.collect_view()}</dl> }.into_any()
}

/// Names with their values, one a line.
pub(crate) fn pairs(pairs: Vec<(String, AnyView)>) -> AnyView {
    let lines = pairs
        .into_iter()
        .map(|(name, value)| view! { <div><dt>{name}</dt><dd class="wrap">{value}</dd></div> });
    view! { <dl class="pairs">{lines.collect_view()}</dl> }.into_any()
}

/// What stands where there is nothing: what is missing, and what to do.
pub(crate) fn empty(what: impl Into<String>, then: impl IntoAny) -> AnyView {
    let what: String = what.into();
    view! { <div class="empty"><p><strong>{what}</strong></p><p class="prose">{then.into_any()}</p></div> }
        .into_any()
}

/// The way to the first and to the next page of a list; nothing where there is only one.
pub(crate) fn pager(first: Option<String>, next: Option<String>) -> AnyView {
    if first.is_none() && next.is_none() {
        return ().into_any();
    }
    view! {
        <nav class="pager" aria-label="Pages of the list">
            {first.map(|href| view! { <a class="button" href=href>"First page"</a> })}
            {next.map(|href| view! { <a class="button" href=href rel="next">"Next page"</a> })}
        </nav>
    }
    .into_any()
}
