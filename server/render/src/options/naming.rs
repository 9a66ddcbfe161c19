//! What objects are called: as core's controllers call them, so that ours take their place.

use icu_normalizer::DecomposingNormalizerBorrowed;

use crate::input::Outpost;
use crate::rendered::RenderError;

const OPTION: &str = "object_naming_template";

/// Names and label values that come from the outpost's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// What objects and containers are called.
    pub object: String,
    /// The outpost's name as a slug, for labels.
    pub slug: String,
    /// Its uuid in 32 hexadecimal digits, for labels.
    pub uuid: String,
}

impl Names {
    /// Fills the template: `%(name)s` is the outpost's name as a slug, `%(uuid)s` its uuid without
    /// dashes, `%%` a percent sign. The result is in lower case; what Kubernetes does not take in
    /// names is a dash.
    ///
    /// # Errors
    /// When the template holds something else that begins with `%`, or what comes out cannot be
    /// the name of a Service (RFC 1035 label: 1 to 63 characters, beginning with a letter).
    pub fn of(outpost: &Outpost, template: &str) -> Result<Self, RenderError> {
        let slug = slug(&outpost.name);
        let uuid: String =
            outpost.uuid.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_lowercase();
        let filled = fill(template, &slug, &uuid)?;
        let object = as_label(&filled.to_lowercase());
        if !is_label(&object) || !object.starts_with(|c: char| c.is_ascii_lowercase()) {
            let problem = format!(
                "it makes {object:?} of this outpost; a Service needs 1 to 63 characters, \
                 beginning with a letter: write for instance ak-outpost-%(uuid)s"
            );
            return Err(RenderError::Option { option: OPTION, problem });
        }
        Ok(Self { object, slug: as_value(&slug), uuid })
    }
}

fn fill(template: &str, slug: &str, uuid: &str) -> Result<String, RenderError> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let known = [("%", "%"), ("(name)s", slug), ("(uuid)s", uuid)];
        let found = known.iter().find_map(|(mark, text)| Some((after.strip_prefix(mark)?, text)));
        let Some((behind, text)) = found else {
            let problem =
                format!("{template:?} holds a % that means nothing: use %(name)s, %(uuid)s and %%");
            return Err(RenderError::Option { option: OPTION, problem });
        };
        out.push_str(text);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// Django's `slugify`, which core uses for these: compatibility decomposition, ASCII only, lower
/// case, word characters and dashes.
#[must_use]
pub(super) fn slug(name: &str) -> String {
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(name);
    let mut out = String::new();
    for c in decomposed.chars().filter(char::is_ascii) {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_alphanumeric() || c == '_' {
            out.push(c);
        } else if (c == '-' || is_space(c)) && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_matches(['-', '_']).to_owned()
}

/// What Python's `\s` takes, of ASCII.
const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r' | '\u{1c}'..='\u{1f}')
}

/// Anything as a label of a name, as far as that goes: nothing is cut.
fn as_label(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            out.push(c);
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_matches('-').to_owned()
}

/// A slug as the value of a label: at most 63 characters.
fn as_value(slug: &str) -> String {
    let cut: String = slug.chars().take(63).collect();
    cut.trim_end_matches(['-', '_']).to_owned()
}

/// Whether this is a label of a name (RFC 1123).
pub(crate) fn is_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether this is a name of several labels (RFC 1123).
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}
