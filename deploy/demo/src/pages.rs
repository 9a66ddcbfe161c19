//! One plain page frame for the stand-in core and the sample application: readable, light and dark, no script.

/// Escapes text for HTML, attribute values included.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A whole page around `body`, which is HTML.
pub(crate) fn page(title: &str, body: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body><main>
{body}
</main></body>
</html>
"#,
        title = escape(title)
    )
}

const STYLE: &str = "
:root { --ground: #f6f5f2; --card: #fff; --ink: #1e2328; --quiet: #66707a; --line: #dcdad4; --accent: #0b6e5f; --bad: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14181c; --card: #1d2329; --ink: #e8e6e1; --quiet: #97a1ab; --line: #323a42; --accent: #5fd0bb; --bad: #ff8a80 }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
main { max-width: 46rem; margin: 8vh auto; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem }
@media (max-width: 48rem) { main { margin: 0; border: 0; border-radius: 0; min-height: 100vh } }
h1 { margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.2 } h2 { margin: 2rem 0 .5rem; font-size: 1.1rem }
a { color: var(--accent) } .quiet { color: var(--quiet); font-size: .9rem } .bad { color: var(--bad) }
label { display: block; margin: .75rem 0 } input { display: block; width: 100%; margin-top: .25rem; padding: .5rem .6rem;
  font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: .4rem }
button, .button { display: inline-block; margin-top: .5rem; padding: .5rem 1.1rem; font: inherit; color: var(--card); text-decoration: none;
  background: var(--accent); border: 0; border-radius: .4rem; cursor: pointer }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
table { width: 100%; border-collapse: collapse; font-size: .9rem } th, td { padding: .35rem .75rem .35rem 0; text-align: left;
  vertical-align: top; border-bottom: 1px solid var(--line) } th { font-weight: 600; white-space: nowrap } td { overflow-wrap: anywhere }
ul { padding-left: 1.2rem }
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_markup_is_escaped() {
        assert_eq!(
            escape(r#"<a href="x" id='y'>&"#),
            "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;"
        );
    }
}
