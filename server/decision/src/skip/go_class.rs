//! Character classes and escapes by Go's rules.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

use super::go_syntax::SyntaxError;

/// Named sets, all ASCII: Perl's by their letter, POSIX's by their name.
const NAMED: [(&str, &[(u8, u8)]); 17] = [
    ("d", &[(b'0', b'9')]),
    ("s", &[(b'\t', b'\n'), (0x0c, b'\r'), (b' ', b' ')]),
    ("w", &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')]),
    ("alnum", &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')]),
    ("alpha", &[(b'A', b'Z'), (b'a', b'z')]),
    ("ascii", &[(0, 0x7f)]),
    ("blank", &[(b'\t', b'\t'), (b' ', b' ')]),
    ("cntrl", &[(0, 0x1f), (0x7f, 0x7f)]),
    ("digit", &[(b'0', b'9')]),
    ("graph", &[(b'!', b'~')]),
    ("lower", &[(b'a', b'z')]),
    ("print", &[(b' ', b'~')]),
    ("punct", &[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')]),
    ("space", &[(b'\t', b'\r'), (b' ', b' ')]),
    ("upper", &[(b'A', b'Z')]),
    ("word", &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')]),
    ("xdigit", &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')]),
];

/// Scripts whose full name has four letters. Other four-letter names are ISO 15924 codes, which
/// Go does not know.
const FOUR_LETTER_SCRIPTS: [&str; 9] =
    ["ahom", "cham", "kawi", "lisu", "modi", "newa", "thai", "toto", "tulu"];

/// Ranges that the members of one class may add up to: half a dozen large Unicode categories.
const MAX_CLASS_RANGES: usize = 5_000;

/// A class being read. Members are subject to case folding; `fixed` ones were folded already,
/// before they were negated.
#[derive(Default)]
pub(super) struct CharSet {
    members: Vec<ClassUnicodeRange>,
    fixed: Vec<ClassUnicodeRange>,
}

impl CharSet {
    /// Adds a range of code points. Surrogates, which no text has, are left out.
    pub(super) fn add(&mut self, low: u32, high: u32) {
        for (low, high) in [(low, high.min(0xd7ff)), (low.max(0xe000), high)] {
            if let (true, Some(low), Some(high)) =
                (low <= high, char::from_u32(low), char::from_u32(high))
            {
                self.members.push(ClassUnicodeRange::new(low, high));
            }
        }
    }

    /// How many ranges were added, overlapping or not: what it costs to work the class out.
    pub(super) fn size(&self) -> usize {
        self.members.len() + self.fixed.len()
    }

    fn add_class(
        &mut self,
        class: &ClassUnicode,
        negated: bool,
        fold: bool,
    ) -> Result<(), SyntaxError> {
        if self.size() > MAX_CLASS_RANGES {
            return Err(SyntaxError::TooLarge);
        }
        if !negated {
            self.members.extend_from_slice(class.ranges());
            return Ok(());
        }
        let mut class = class.clone();
        if fold {
            class.case_fold_simple();
        }
        class.negate();
        self.fixed.extend_from_slice(class.ranges());
        Ok(())
    }

    /// The class; with `fold`, closed under simple case folding as Go does it.
    pub(super) fn finish(self, fold: bool) -> ClassUnicode {
        let mut class = ClassUnicode::new(self.members);
        if fold {
            class.case_fold_simple();
        }
        class.union(&ClassUnicode::new(self.fixed));
        class
    }
}

/// Reads a class in brackets at the beginning of `text`; gives the class, its [`CharSet::size`],
/// and what follows.
pub(super) fn bracketed(
    text: &str,
    fold: bool,
) -> Result<(ClassUnicode, usize, &str), SyntaxError> {
    let inside = &text[1..];
    let negated = inside.starts_with('^');
    let mut rest = if negated { &inside[1..] } else { inside };
    let mut set = CharSet::default();
    let mut first = true;
    while first || !rest.starts_with(']') {
        first = false;
        if let Some(after) = posix_class(rest, fold, &mut set)? {
            rest = after;
            continue;
        }
        if let Some(after) = escaped_class(rest, fold, &mut set)? {
            rest = after;
            continue;
        }
        let range = rest;
        let (low, after) = member(rest)?;
        rest = after;
        let mut high = low;
        // A hyphen before the closing bracket is a hyphen.
        if let Some(after) = rest.strip_prefix('-')
            && !after.is_empty()
            && !after.starts_with(']')
        {
            (high, rest) = member(after)?;
            if high < low {
                let range = &range[..range.len() - rest.len()];
                return Err(SyntaxError::ClassRange(range.to_owned()));
            }
        }
        set.add(low, high);
    }
    let size = set.size();
    let mut class = set.finish(fold);
    if negated {
        class.negate();
    }
    Ok((class, size, &rest[1..]))
}

fn member(text: &str) -> Result<(u32, &str), SyntaxError> {
    if text.starts_with('\\') {
        return escaped_character(text);
    }
    let mut characters = text.chars();
    let character = characters.next().ok_or(SyntaxError::MissingBracket)?;
    Ok((character.into(), characters.as_str()))
}

/// Reads `[:name:]` or `[:^name:]` at the beginning of `text`, if that is what it begins with.
fn posix_class<'t>(
    text: &'t str,
    fold: bool,
    set: &mut CharSet,
) -> Result<Option<&'t str>, SyntaxError> {
    let Some((name, rest)) = text.strip_prefix("[:").and_then(|text| text.split_once(":]")) else {
        return Ok(None);
    };
    let negated = name.starts_with('^');
    let bare = if negated { &name[1..] } else { name };
    match named(bare).filter(|_| bare.len() > 1) {
        Some(class) => {
            set.add_class(&class, negated, fold)?;
            Ok(Some(rest))
        }
        None => Err(SyntaxError::ClassRange(format!("[:{name}:]"))),
    }
}

fn named(name: &str) -> Option<ClassUnicode> {
    let (_, ranges) = NAMED.iter().find(|(known, _)| *known == name)?;
    let ranges =
        ranges.iter().map(|(low, high)| ClassUnicodeRange::new((*low).into(), (*high).into()));
    Some(ClassUnicode::new(ranges))
}

/// Reads `\d`, `\pN`, `\p{Name}` and their like at the beginning of `text`, if that is what it
/// begins with.
pub(super) fn escaped_class<'t>(
    text: &'t str,
    fold: bool,
    set: &mut CharSet,
) -> Result<Option<&'t str>, SyntaxError> {
    let Some(letter @ ('d' | 'D' | 's' | 'S' | 'w' | 'W' | 'p' | 'P')) =
        text.strip_prefix('\\').and_then(|text| text.chars().next())
    else {
        return Ok(None);
    };
    let rest = &text[2..];
    let negated = letter.is_ascii_uppercase();
    if !letter.eq_ignore_ascii_case(&'p') {
        let name = letter.to_ascii_lowercase();
        if let Some(class) = named(name.encode_utf8(&mut [0; 4])) {
            set.add_class(&class, negated, fold)?;
        }
        return Ok(Some(rest));
    }
    let (name, rest) = match rest.strip_prefix('{') {
        Some(braced) => {
            braced.split_once('}').ok_or_else(|| SyntaxError::ClassRange(text.to_owned()))?
        }
        None => rest.split_at(rest.chars().next().map_or(0, char::len_utf8)),
    };
    let inverted = name.starts_with('^');
    let bare = if inverted { &name[1..] } else { name };
    let class = unicode(bare)
        .ok_or_else(|| SyntaxError::ClassRange(text[..text.len() - rest.len()].to_owned()))?;
    set.add_class(&class, negated != inverted, fold)?;
    Ok(Some(rest))
}

/// A Unicode general category or script by a name that Go knows.
fn unicode(name: &str) -> Option<ClassUnicode> {
    let loose: String = name
        .chars()
        .filter(|character| !matches!(character, ' ' | '_' | '-'))
        .map(|character| character.to_ascii_lowercase())
        .collect();
    let plain = !loose.is_empty() && loose.bytes().all(|byte| byte.is_ascii_alphanumeric());
    // The tables' own parser takes `IsGreek` for Greek; Go does not.
    if !plain || loose.starts_with("is") {
        return None;
    }
    if loose == "cs" || loose == "surrogate" {
        return Some(ClassUnicode::empty());
    }
    let is_script_code = loose.len() == 4 && !FOUR_LETTER_SCRIPTS.contains(&loose.as_str());
    table("gc", &loose).or_else(|| table("sc", &loose).filter(|_| !is_script_code))
}

fn table(property: &str, value: &str) -> Option<ClassUnicode> {
    let hir = regex_syntax::Parser::new().parse(&format!("\\p{{{property}={value}}}")).ok()?;
    match hir.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            Some(ClassUnicode::new(text.chars().map(|c| ClassUnicodeRange::new(c, c))))
        }
        _ => None,
    }
}

/// Reads an escaped character at the beginning of `text`: its code point, and what follows.
pub(super) fn escaped_character(text: &str) -> Result<(u32, &str), SyntaxError> {
    let mut characters = text[1..].chars();
    let first = characters.next().ok_or(SyntaxError::TrailingBackslash)?;
    let rest = characters.as_str();
    let invalid = || SyntaxError::Escape(text[..1 + first.len_utf8()].to_owned());
    let code_point = match first {
        'a' => 0x07,
        'f' => 0x0c,
        'n' => 0x0a,
        'r' => 0x0d,
        't' => 0x09,
        'v' => 0x0b,
        'x' => return hexadecimal(rest).ok_or_else(invalid),
        '0' => return Ok(octal(&text[1..])),
        // A single digit other than 0 would be a reference back.
        '1'..='7' if rest.starts_with(|next| matches!(next, '0'..='7')) => {
            return Ok(octal(&text[1..]));
        }
        _ if first.is_ascii() && !first.is_ascii_alphanumeric() => first.into(),
        _ => return Err(invalid()),
    };
    Ok((code_point, rest))
}

/// Up to three octal digits; there is at least one.
fn octal(digits: &str) -> (u32, &str) {
    let length = digits.bytes().take(3).take_while(|digit| matches!(digit, b'0'..=b'7')).count();
    let value = digits.bytes().take(length).fold(0, |sum, digit| sum * 8 + u32::from(digit - b'0'));
    (value, &digits[length..])
}

/// `FF` or `{10FFFF}`.
fn hexadecimal(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = match text.strip_prefix('{') {
        Some(braced) => braced.split_once('}')?,
        None => text.split_at_checked(2)?,
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let value = match significant {
        "" => 0,
        _ => u32::from_str_radix(significant, 16).ok()?,
    };
    (value <= 0x10_ffff).then_some((value, rest))
}
