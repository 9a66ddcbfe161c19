//! Unauthenticated paths with the semantics of Go's regular expressions (contract 7).
//!
//! One expression a line, unanchored, as administrators have written them for the stock outpost.
//! `go_syntax` reads them as Go does and hands an equivalent expression to the `regex` crate,
//! whose matching time is linear in the text, like Go's.

use std::borrow::Cow;

use regex::RegexBuilder;

use crate::finding::{Finding, Severity};
use crate::path::{self, PathView};
use crate::provider::Mode;
use crate::target::Target;

mod go_class;
mod go_syntax;
mod prefix;

pub use go_syntax::SyntaxError;

/// How much of a provider's unauthenticated paths is read and compiled. What they compile to bounds
/// the time that a match takes, too: it is linear in that and in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkipLimits {
    /// Most lines that are read; blank ones do not count.
    pub lines: usize,
    /// Longest line that is read, in bytes.
    pub line_bytes: usize,
    /// Size of one rule: characters, ranges and repetitions multiplied out.
    pub size: usize,
    /// Size of all rules of a provider together. The rule that reaches it is still compiled.
    pub total_size: usize,
}

impl SkipLimits {
    /// What the settings say unless somebody changes them.
    pub const DEFAULT: Self =
        Self { lines: 1000, line_bytes: 8 * 1024, size: 20_000, total_size: 100_000 };
}

impl Default for SkipLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The compiled skip rules of a provider.
#[derive(Clone, Debug, Default)]
pub struct SkipRules {
    rules: Vec<SkipRule>,
    refused: Vec<RefusedRule>,
}

/// One line that did not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRule {
    /// Line number in the provider's setting, from 1.
    pub line: usize,
    /// The beginning of the line.
    pub source: String,
    /// What is wrong with it.
    pub error: SyntaxError,
}

/// One line that compiled.
#[derive(Clone, Debug)]
pub struct SkipRule {
    /// Line number in the provider's setting, from 1.
    pub line: usize,
    /// The expression as written.
    pub source: String,
    /// Whether it can match at the beginning of the text only.
    pub anchored: bool,
    /// What every text that it matches begins with: most rules are told by that not to match, which
    /// costs far less than to run their expressions.
    prefix: Box<[u8]>,
    regex: regex::Regex,
}

/// What all rules say about a request: for people who try them out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipTrial {
    /// The rules were tried.
    Tried {
        /// What they were tried against.
        text: String,
        /// Lines of those that match, in order: the first one counts.
        lines: Vec<usize>,
    },
    /// No rule was tried: the path can be read in more than one way, as said here.
    Refused(&'static str),
}

/// What the skip rules say about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipOutcome {
    /// No rule matches.
    NoMatch,
    /// The rule of this line (from 1) matches; the first one if several do.
    Matched {
        /// The line.
        line: usize,
    },
    /// No rule was tried: the path can be read in more than one way, as said here.
    Refused(&'static str),
}

impl SkipOutcome {
    /// The line that matched.
    #[must_use]
    pub const fn line(self) -> Option<usize> {
        match self {
            Self::Matched { line } => Some(line),
            Self::NoMatch | Self::Refused(_) => None,
        }
    }

    /// Why no rule was tried.
    #[must_use]
    pub const fn refused(self) -> Option<&'static str> {
        match self {
            Self::Refused(reason) => Some(reason),
            Self::NoMatch | Self::Matched { .. } => None,
        }
    }
}

impl SkipRules {
    /// [`Self::compile_within`] the limits that are usual.
    #[must_use]
    pub fn compile(text: &str) -> (Self, Vec<Finding>) {
        Self::compile_within(text, &SkipLimits::DEFAULT)
    }

    /// Compiles the lines of a provider's setting. Blank lines are nothing; a line that does not
    /// compile is left out and found fault with, and so is whatever exceeds the limits.
    #[must_use]
    pub fn compile_within(text: &str, limits: &SkipLimits) -> (Self, Vec<Finding>) {
        let mut rules = Vec::new();
        let mut refused = Vec::new();
        let mut findings = Vec::new();
        let mut cost = 0;
        let mut read = 0;
        for (number, line) in (1..).zip(text.split('\n')) {
            let source = line.strip_suffix('\r').unwrap_or(line);
            if source.trim().is_empty() {
                continue;
            }
            if read == limits.lines || cost >= limits.total_size {
                findings.push(list_too_large(number, limits));
                break;
            }
            read += 1;
            match compile_line(number, source, limits) {
                Err(error) => {
                    // Finding out that a line is too large has its cost, too.
                    cost += if error == SyntaxError::TooLarge { limits.size / 4 } else { 0 };
                    findings.push(invalid(number, source, &error));
                    let source = shortened(source).to_owned();
                    refused.push(RefusedRule { line: number, source, error });
                }
                Ok((rule, rule_cost)) => {
                    cost += rule_cost;
                    findings.extend(oddities(number, source, rule.anchored));
                    rules.push(rule);
                }
            }
        }
        (Self { rules, refused }, findings)
    }

    /// The rules in effect.
    #[must_use]
    pub fn rules(&self) -> &[SkipRule] {
        &self.rules
    }

    /// The lines that are not in effect.
    #[must_use]
    pub fn refused(&self) -> &[RefusedRule] {
        &self.refused
    }

    /// Whether a request may pass without signing in. Tried against the decoded path, or in
    /// `forward_domain` against the whole URL as sent.
    #[must_use]
    pub fn matches(&self, mode: Mode, target: &Target) -> SkipOutcome {
        if self.rules.is_empty() {
            return SkipOutcome::NoMatch;
        }
        match self.tried(mode, target) {
            Err(reason) => SkipOutcome::Refused(reason),
            Ok(text) => self
                .matching(&text)
                .next()
                .map_or(SkipOutcome::NoMatch, |line| SkipOutcome::Matched { line }),
        }
    }

    /// The same with everything that matches, not only the first rule.
    #[must_use]
    pub fn trial(&self, mode: Mode, target: &Target) -> SkipTrial {
        match self.tried(mode, target) {
            Err(reason) => SkipTrial::Refused(reason),
            Ok(text) => {
                let lines = self.matching(&text).collect();
                SkipTrial::Tried { text: text.into_owned(), lines }
            }
        }
    }

    /// Lines of the rules that match, in order.
    fn matching(&self, text: &str) -> impl Iterator<Item = usize> {
        self.rules.iter().filter(|rule| rule.is_match(text)).map(|rule| rule.line)
    }

    /// The text that the rules are tried against.
    ///
    /// # Errors
    /// Why none is: the path can be read in more than one way.
    pub fn tried<'t>(&self, mode: Mode, target: &'t Target) -> Result<Cow<'t, str>, &'static str> {
        match (path::view(&target.path), mode) {
            (PathView::Ambiguous(reason), _) => Err(reason),
            (PathView::Plain(decoded), Mode::Proxy | Mode::ForwardSingle) => Ok(decoded),
            (PathView::Plain(_), Mode::ForwardDomain) => Ok(target.to_string().into()),
        }
    }
}

impl SkipRule {
    /// What is odd about it: likely not as meant.
    #[must_use]
    pub fn oddity(&self) -> Option<&'static str> {
        if self.source.trim() != self.source {
            Some("It begins or ends with a blank, which is part of the expression.")
        } else if !self.anchored {
            Some("It may match anywhere in the path or URL, since it does not begin with ^.")
        } else {
            None
        }
    }

    /// One line by itself; `None` where it is not in effect within the limits that are usual.
    #[must_use]
    pub fn compile(line: usize, source: &str) -> Option<Self> {
        compile_line(line, source, &SkipLimits::DEFAULT).ok().map(|(rule, _)| rule)
    }

    /// Whether it matches this very text.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        text.as_bytes().starts_with(&self.prefix) && self.regex.is_match(text)
    }

    /// Whether it would match, did upper and lower case not count.
    #[must_use]
    pub fn matches_in_any_case(&self, text: &str) -> bool {
        RegexBuilder::new(self.regex.as_str())
            .case_insensitive(true)
            .size_limit(1 << 20)
            .dfa_size_limit(1 << 20)
            .nest_limit(4 * go_syntax::MAX_DEPTH)
            .build()
            .is_ok_and(|regex| regex.is_match(text))
    }
}

/// A rule, and what it costs.
fn compile_line(
    line: usize,
    source: &str,
    limits: &SkipLimits,
) -> Result<(SkipRule, usize), SyntaxError> {
    if source.len() > limits.line_bytes {
        return Err(SyntaxError::TooLarge);
    }
    let translated = go_syntax::translate(source, limits.size)?;
    if translated.cost > limits.size {
        return Err(SyntaxError::TooLarge);
    }
    let regex = RegexBuilder::new(&translated.expression)
        .size_limit(8 << 20)
        .dfa_size_limit(1 << 20)
        .nest_limit(4 * go_syntax::MAX_DEPTH)
        .build()
        .map_err(|_| SyntaxError::TooLarge)?;
    let (anchored, prefix) = (translated.anchored, translated.prefix);
    Ok((SkipRule { line, source: source.to_owned(), anchored, prefix, regex }, translated.cost))
}

fn invalid(line: usize, source: &str, error: &SyntaxError) -> Finding {
    Finding::new(
        Severity::Error,
        "skip_path_invalid",
        format!(
            "Line {line} of the unauthenticated paths is not in effect: {error} (in {:?}).",
            shortened(source)
        ),
        match error {
            SyntaxError::TooLarge => {
                "Write several shorter lines, or raise limits.skip_path_size and \
                 limits.skip_path_line_bytes of the outpost."
            }
            _ => "Write the line as a Go (RE2) regular expression.",
        },
    )
}

fn oddities(line: usize, source: &str, anchored: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !anchored {
        findings.push(Finding::new(
            Severity::Info,
            "skip_path_unanchored",
            format!(
                "Line {line} of the unauthenticated paths, {:?}, may match anywhere in the path or URL.",
                shortened(source)
            ),
            "Begin the line with ^ to match from the beginning.",
        ));
    }
    if source.trim() != source {
        findings.push(Finding::new(
            Severity::Warning,
            "skip_path_blanks",
            format!("Line {line} of the unauthenticated paths begins or ends with a blank, which is part of the expression."),
            "Remove the blank.",
        ));
    }
    findings
}

fn list_too_large(line: usize, limits: &SkipLimits) -> Finding {
    Finding::new(
        Severity::Error,
        "skip_path_too_large",
        format!(
            "The unauthenticated paths are too large: what follows from line {line} on is not in effect."
        ),
        format!(
            "Use at most {} lines, and join similar ones into one expression; or raise \
             limits.skip_path_lines and limits.skip_path_total_size of the outpost.",
            limits.lines
        ),
    )
}

/// The beginning of a long line, for messages.
fn shortened(source: &str) -> &str {
    const LONGEST: usize = 120;
    let mut end = source.len().min(LONGEST);
    while !source.is_char_boundary(end) {
        end -= 1;
    }
    &source[..end]
}

#[cfg(test)]
mod tests;
