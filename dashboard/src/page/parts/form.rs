//! Form fields: each with its label, and a hint that belongs to it.

use leptos::prelude::*;

use crate::model::Shell;

/// An option of a [`select`].
pub(crate) struct Choice {
    /// What the form sends.
    pub(crate) value: String,
    /// What people read.
    pub(crate) label: String,
}

impl Choice {
    /// An option.
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// A control below its label, with a hint where one helps. The control's id is the name of the
/// field, and `{name}-hint` describes it.
fn field(name: &'static str, label: &'static str, hint: &'static str, control: AnyView) -> AnyView {
    let hint =
        (!hint.is_empty()).then(|| view! { <p class="hint" id=format!("{name}-hint")>{hint}</p> });
    view! { <div class="field"><label for=name>{label}</label>{control}{hint}</div> }.into_any()
}

/// A line of text with its label.
pub(crate) fn text_input(
    name: &'static str,
    label: &'static str,
    value: &str,
    hint: &'static str,
) -> AnyView {
    let control = view! {
        <input type="text" id=name name=name value=value.to_owned() autocomplete="off"
            autocapitalize="off" spellcheck="false" aria-describedby=described(name, hint) />
    };
    field(name, label, hint, control.into_any())
}

/// Lines of text with their label.
pub(crate) fn text_area(
    name: &'static str,
    label: &'static str,
    value: &str,
    hint: &'static str,
) -> AnyView {
    let control = view! {
        <textarea id=name name=name rows="4" autocomplete="off" autocapitalize="off"
            spellcheck="false" aria-describedby=described(name, hint)>{lines(value)}</textarea>
    };
    field(name, label, hint, control.into_any())
}

/// One of several, with its label.
pub(crate) fn select(
    name: &'static str,
    label: &'static str,
    choices: Vec<Choice>,
    chosen: &str,
) -> AnyView {
    let options = choices.into_iter().map(|Choice { value, label }| {
        let selected = value == chosen;
        view! { <option value=value selected=selected>{label}</option> }
    });
    let control = view! { <select id=name name=name>{options.collect_view()}</select> };
    field(name, label, "", control.into_any())
}

/// A field that only the form knows.
pub(crate) fn hidden(name: &'static str, value: &str) -> AnyView {
    view! { <input type="hidden" name=name value=value.to_owned() /> }.into_any()
}

/// What goes with every form that changes something.
pub(crate) fn csrf(shell: &Shell) -> AnyView {
    hidden("csrf", &shell.viewer.csrf)
}

/// What stands inside a `<textarea>`. Leptos writes it as it is, so markup is escaped here; browsers
/// drop a line break at its beginning, so there is one of ours.
fn lines(value: &str) -> String {
    let escaped = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("\n{escaped}")
}

fn described(name: &str, hint: &str) -> Option<String> {
    (!hint.is_empty()).then(|| format!("{name}-hint"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::rendered;

    #[test]
    fn what_stands_in_a_text_area_never_ends_it() {
        let html = rendered(|| text_area("a", "A", "\n</textarea><b>&lt;", ""));
        assert!(html.contains(">\n\n&lt;/textarea&gt;&lt;b&gt;&amp;lt;</textarea>"), "{html}");
    }
}
