//! What is wrong with the settings, in words an operator can act on.

use std::fmt;

/// One mistake: where it stands, what is wrong, and how it would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The variable, or the key and its file.
    pub place: String,
    /// What is wrong. Never holds the value of a secret.
    pub problem: String,
    /// The setting written rightly; empty where there is nothing to show.
    pub example: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)?;
        if !self.example.is_empty() {
            write!(f, " (example: {})", self.example)?;
        }
        Ok(())
    }
}

/// Every mistake in the settings, one a line when shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    /// The mistakes, by place. Never empty.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

/// The known name nearest to `wrong`, if one is near enough to have been meant.
pub(super) fn nearest<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (distance(wrong, name), name))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, name)| name)
}

/// Edits (insert, delete, replace) that turn one text into the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        let mut next = vec![before];
        for (to, above) in right.iter().zip(row.iter().skip(1)) {
            before = (diagonal + usize::from(from != *to)).min(above + 1).min(before + 1);
            diagonal = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        for (left, right, expected) in
            [("", "", 0), ("", "abc", 3), ("abc", "abc", 0), ("htp", "http", 1), ("kit", "sat", 2)]
        {
            assert_eq!(distance(left, right), expected, "{left} to {right}");
            assert_eq!(distance(right, left), expected, "{right} to {left}");
        }
    }

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["listen.http", "listen.https", "core.host"];
        assert_eq!(nearest("listen.htp", known), Some("listen.http"));
        assert_eq!(nearest("something.else", known), None);
    }
}
