//! Unauthenticated paths with the semantics of Go's regular expressions (contract 7).

/// The compiled skip rules of a provider.
#[derive(Debug, Default)]
pub struct SkipRules {
    pub(crate) rules: Vec<SkipRule>,
}

/// One line that compiled.
#[derive(Debug)]
pub struct SkipRule {
    /// Line number in the provider's setting, from 1.
    pub line: usize,
    /// The expression as written.
    pub source: String,
    pub(crate) regex: regex::Regex,
}
