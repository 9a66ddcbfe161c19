//! Settings of single applications: lists of texts `<slug> name=value ..`, as in `sessions.limits`.

use std::collections::BTreeMap;

use super::reader::Reader;

/// What one text says beside the slug: each name at most once, all of them known.
#[derive(Debug)]
pub(super) struct Words<'a>(BTreeMap<&'static str, &'a str>);

impl<'a> Words<'a> {
    /// What stands behind `name=`; `None` where the text does not name it.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied()
    }

    /// Whether the text holds nothing but the slug.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads such a list: by slug, what `parse` makes of each text. `names` are those a text may have.
/// The problem that `parse` answers with follows the text in the message: `has ..`.
pub(super) fn read<T>(
    read: &mut Reader<'_>,
    key: &'static str,
    names: &[&'static str],
    parse: impl Fn(&Words<'_>) -> Result<T, String>,
) -> BTreeMap<String, T> {
    read.read(key, BTreeMap::new(), |found| {
        let texts = found.texts()?;
        let mut applications = BTreeMap::new();
        for text in &texts {
            let (slug, value) = split(text, names)
                .and_then(|(slug, words)| Ok((slug, parse(&words)?)))
                .map_err(|problem| format!("{text:?} {problem}"))?;
            if applications.insert(slug.to_owned(), value).is_some() {
                return Err(format!("has two entries for the application {slug:?}"));
            }
        }
        Ok((applications, toml::Value::Array(texts.into_iter().map(Into::into).collect())))
    })
}

fn split<'a>(text: &'a str, names: &[&'static str]) -> Result<(&'a str, Words<'a>), String> {
    let mut parts = text.split_whitespace();
    let slug = parts
        .next()
        .filter(|slug| !slug.contains('='))
        .ok_or("does not begin with the slug of an application")?;
    let mut words = BTreeMap::new();
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let Some(known) = names.iter().find(|known| **known == name) else {
            let known: Vec<String> = names.iter().map(|known| format!("{known}=")).collect();
            return Err(format!("has {name:?}, and knows {}", enumerated(&known)));
        };
        if words.insert(*known, value).is_some() {
            return Err(format!("has {name} twice"));
        }
    }
    Ok((slug, Words(words)))
}

/// `a, b and c`.
fn enumerated(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["one", "two", "three"];

    #[test]
    fn a_text_is_a_slug_and_what_is_said_of_it() {
        let (slug, words) = split("  grafana\ttwo=a=b  one= ", NAMES).unwrap();
        assert_eq!(slug, "grafana");
        assert_eq!((words.get("two"), words.get("one")), (Some("a=b"), Some("")));
        assert_eq!(words.get("three"), None);
        assert!(split("grafana", NAMES).unwrap().1.is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_text_is_said() {
        for (text, expected) in [
            ("", "does not begin with the slug of an application"),
            ("one=1", "does not begin with the slug of an application"),
            ("a four=4", "has \"four\", and knows one=, two= and three="),
            ("a one=1 one=1", "has one twice"),
        ] {
            assert_eq!(split(text, NAMES).unwrap_err(), expected, "{text:?}");
        }
    }
}
