//! Reads Go's regular expression syntax (<https://pkg.go.dev/regexp/syntax>, as `regexp.Compile`
//! takes it) and writes an equivalent expression for the `regex` crate.
//!
//! The two dialects look alike and differ in ways that decide who may see what: `\d`, `\w`, `\s`
//! and `\b` are ASCII in Go; `[a&&b]`, `(?x)` and nested classes mean something else or nothing;
//! `\Q..\E` exists in Go only. So the expression is read by Go's rules into the `regex-syntax`
//! crate's intermediate form, which leaves nothing to interpretation, and printed from there.

use regex_syntax::hir::{Class, ClassUnicode, Dot, Hir, Look, Repetition};

use super::go_class::{self, CharSet};
use super::prefix;

/// Deepest nesting of groups. Go allows 1000; each level costs stack when a rule is compiled.
pub(super) const MAX_DEPTH: u32 = 50;
/// Largest count in `{n,m}`, nested counts multiplied, as in Go.
const MAX_COUNT: u32 = 1000;

/// What is wrong with an expression, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// An unknown escape, or one that Go does not support: `\Z`, `\C`, `\1`.
    #[error("invalid escape sequence {0}")]
    Escape(String),
    /// An unknown or reversed class or range.
    #[error("invalid character class range {0}")]
    ClassRange(String),
    /// `[` without `]`.
    #[error("missing closing ]")]
    MissingBracket,
    /// `(` without `)`.
    #[error("missing closing )")]
    MissingParen,
    /// `)` without `(`.
    #[error("unexpected )")]
    UnexpectedParen,
    /// `*` after nothing.
    #[error("missing argument to repetition operator {0}")]
    MissingArgument(String),
    /// `a**`, and possessive `a*+`.
    #[error("invalid nested repetition operator {0}")]
    NestedRepetition(String),
    /// A count over 1000, or reversed.
    #[error("invalid repeat count {0}")]
    Count(String),
    /// `(?…` that is no group of Go's: look-around, comments, unknown flags.
    #[error("invalid or unsupported Perl syntax {0}")]
    Perl(String),
    /// A group name that is none.
    #[error("invalid named capture {0}")]
    GroupName(String),
    /// A final backslash.
    #[error("trailing backslash at end of expression")]
    TrailingBackslash,
    /// Groups in groups in groups.
    #[error("expression nests too deeply (the limit is {MAX_DEPTH} levels)")]
    Depth,
    /// Larger than our limits.
    #[error("expression too large")]
    TooLarge,
}

/// An expression in the syntax of the `regex` crate.
#[derive(Debug)]
pub(super) struct Translated {
    /// The expression.
    pub(super) expression: String,
    /// Whether it can match at the beginning of the text only.
    pub(super) anchored: bool,
    /// What every text that it matches begins with.
    pub(super) prefix: Box<[u8]>,
    /// Characters, ranges and repetitions, multiplied out.
    pub(super) cost: usize,
}

/// Translates an expression that costs `most` at most.
pub(super) fn translate(expression: &str, most: usize) -> Result<Translated, SyntaxError> {
    let mut parser = Parser {
        rest: expression,
        flags: Flags::default(),
        groups: vec![Group::default()],
        spent: 0,
        most,
    };
    parser.run()?;
    let mut groups = parser.groups;
    match (groups.pop(), groups.is_empty()) {
        (Some(whole), true) => {
            let whole = whole.close();
            Ok(Translated {
                anchored: whole.hir.properties().look_set_prefix().contains(Look::Start),
                prefix: prefix::of(&whole.hir),
                expression: whole.hir.to_string(),
                cost: whole.cost,
            })
        }
        _ => Err(SyntaxError::MissingParen),
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_newline: bool,
    ungreedy: bool,
}

/// Something a repetition operator can apply to.
struct Item {
    hir: Hir,
    /// Counted repetitions within, multiplied.
    count: u32,
    cost: usize,
}

/// An open group: its finished branches, and the one being read.
#[derive(Default)]
struct Group {
    flags_outside: Flags,
    branches: Vec<Item>,
    items: Vec<Item>,
}

impl Group {
    fn end_branch(&mut self) {
        let items = std::mem::take(&mut self.items);
        self.branches.push(joined(items, Hir::concat));
    }

    fn close(mut self) -> Item {
        self.end_branch();
        joined(self.branches, Hir::alternation)
    }
}

fn joined(items: Vec<Item>, join: impl FnOnce(Vec<Hir>) -> Hir) -> Item {
    let count = items.iter().map(|item| item.count).max().unwrap_or(1);
    let cost = items.iter().fold(1, |sum, item| item.cost.saturating_add(sum));
    Item { hir: join(items.into_iter().map(|item| item.hir).collect()), count, cost }
}

struct Parser<'p> {
    rest: &'p str,
    flags: Flags,
    /// Never empty: the first is the whole expression.
    groups: Vec<Group>,
    /// Cost of the items so far.
    spent: usize,
    /// The most that they may cost.
    most: usize,
}

impl<'p> Parser<'p> {
    fn run(&mut self) -> Result<(), SyntaxError> {
        let mut after_repetition = false;
        while let Some(first) = self.rest.chars().next() {
            let mut is_repetition = false;
            match first {
                '(' if self.rest.starts_with("(?") => self.perl_group()?,
                '(' => {
                    self.skip(1);
                    self.open(self.flags)?;
                }
                '|' => {
                    self.skip(1);
                    self.group().end_branch();
                }
                ')' => {
                    self.skip(1);
                    self.end_group()?;
                }
                '^' if self.flags.multi_line => self.look(1, Look::StartLF),
                '^' => self.look(1, Look::Start),
                '$' if self.flags.multi_line => self.look(1, Look::EndLF),
                '$' => self.look(1, Look::End),
                '.' => {
                    self.skip(1);
                    let any = self.flags.dot_newline;
                    self.push(Hir::dot(if any { Dot::AnyChar } else { Dot::AnyCharExceptLF }), 2);
                }
                '[' => {
                    let (class, size, rest) = go_class::bracketed(self.rest, self.flags.fold)?;
                    self.rest = rest;
                    self.push_class(class, size);
                }
                '*' => is_repetition = self.repeat(1, 0, None, false, after_repetition)?,
                '+' => is_repetition = self.repeat(1, 1, None, false, after_repetition)?,
                '?' => is_repetition = self.repeat(1, 0, Some(1), false, after_repetition)?,
                '{' => is_repetition = self.counted(after_repetition)?,
                '\\' => self.escape()?,
                _ => {
                    self.skip(first.len_utf8());
                    self.literal(first.into());
                }
            }
            after_repetition = is_repetition;
            if self.spent > self.most {
                return Err(SyntaxError::TooLarge);
            }
        }
        Ok(())
    }

    fn skip(&mut self, bytes: usize) -> &'p str {
        let (skipped, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        skipped
    }

    #[expect(clippy::expect_used, reason = "the first group is never popped")]
    fn group(&mut self) -> &mut Group {
        self.groups.last_mut().expect("the whole expression is a group")
    }

    fn push(&mut self, hir: Hir, cost: usize) {
        self.spent = self.spent.saturating_add(cost);
        self.group().items.push(Item { hir, count: 1, cost });
    }

    fn push_class(&mut self, class: ClassUnicode, size: usize) {
        let cost = class.ranges().len().max(size).max(1);
        self.push(Hir::class(Class::Unicode(class)), cost);
    }

    fn look(&mut self, bytes: usize, look: Look) {
        self.skip(bytes);
        self.push(Hir::look(look), 1);
    }

    fn literal(&mut self, code_point: u32) {
        let mut set = CharSet::default();
        set.add(code_point, code_point);
        self.push_class(set.finish(self.flags.fold), 1);
    }

    fn open(&mut self, flags_inside: Flags) -> Result<(), SyntaxError> {
        if self.groups.len() > MAX_DEPTH as usize {
            return Err(SyntaxError::Depth);
        }
        self.groups.push(Group { flags_outside: self.flags, ..Group::default() });
        self.flags = flags_inside;
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), SyntaxError> {
        if self.groups.len() < 2 {
            return Err(SyntaxError::UnexpectedParen);
        }
        if let Some(group) = self.groups.pop() {
            self.flags = group.flags_outside;
            self.group().items.push(group.close());
        }
        Ok(())
    }

    /// Applies a repetition operator of `bytes` bytes to the last item. A `?` that follows swaps
    /// greediness. Answers true: that a repetition was read.
    fn repeat(
        &mut self,
        bytes: usize,
        min: u32,
        max: Option<u32>,
        counted: bool,
        after_repetition: bool,
    ) -> Result<bool, SyntaxError> {
        let operator = self.skip(bytes);
        let swapped = self.rest.starts_with('?');
        if swapped {
            self.skip(1);
        }
        if after_repetition {
            return Err(SyntaxError::NestedRepetition(operator.to_owned()));
        }
        let greedy = self.flags.ungreedy == swapped;
        let items = &mut self.group().items;
        let Some(item) = items.pop() else {
            return Err(SyntaxError::MissingArgument(operator.to_owned()));
        };
        let times = max.unwrap_or(min);
        let count = match (counted, times) {
            (true, 0) if max.is_some() => 1,
            (true, 1..) => item.count.saturating_mul(times),
            _ => item.count,
        };
        if count > MAX_COUNT {
            return Err(SyntaxError::Count(operator.to_owned()));
        }
        items.push(Item {
            hir: Hir::repetition(Repetition { min, max, greedy, sub: Box::new(item.hir) }),
            count,
            cost: item.cost.saturating_mul(times.max(1) as usize),
        });
        Ok(true)
    }

    /// `{n}`, `{n,}` or `{n,m}`; anything else is a literal brace. Answers whether it was a
    /// repetition.
    fn counted(&mut self, after_repetition: bool) -> Result<bool, SyntaxError> {
        let Some((bytes, min, max)) = bounds(self.rest) else {
            self.skip(1);
            self.literal('{'.into());
            return Ok(false);
        };
        let reversed = max.is_some_and(|max| max < min);
        if min > MAX_COUNT || max.is_some_and(|max| max > MAX_COUNT) || reversed {
            return Err(SyntaxError::Count(self.rest[..bytes].to_owned()));
        }
        self.repeat(bytes, min, max, true, after_repetition)
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        match self.rest.as_bytes().get(1) {
            Some(b'A') => self.look(2, Look::Start),
            Some(b'z') => self.look(2, Look::End),
            Some(b'b') => self.look(2, Look::WordAscii),
            Some(b'B') => self.look(2, Look::WordAsciiNegate),
            Some(b'Q') => {
                self.skip(2);
                let (quoted, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.rest = rest;
                for character in quoted.chars() {
                    self.literal(character.into());
                }
            }
            _ => {
                let mut set = CharSet::default();
                if let Some(rest) = go_class::escaped_class(self.rest, self.flags.fold, &mut set)? {
                    self.rest = rest;
                    self.push_class(set.finish(self.flags.fold), 1);
                } else {
                    let (code_point, rest) = go_class::escaped_character(self.rest)?;
                    self.rest = rest;
                    self.literal(code_point);
                }
            }
        }
        Ok(())
    }

    /// `(?P<name>`, `(?<name>`, `(?flags)` and `(?flags:`.
    fn perl_group(&mut self) -> Result<(), SyntaxError> {
        let whole = self.rest;
        if let Some(named) = whole.strip_prefix("(?P<").or_else(|| whole.strip_prefix("(?<")) {
            let Some((name, rest)) = named.split_once('>') else {
                return Err(SyntaxError::GroupName(whole.to_owned()));
            };
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(SyntaxError::GroupName(name.to_owned()));
            }
            self.rest = rest;
            return self.open(self.flags);
        }
        let mut flags = self.flags;
        let mut value = true;
        let mut named_since_sign = false;
        for (at, character) in whole.char_indices().skip(2) {
            let flag = match character {
                'i' => &mut flags.fold,
                'm' => &mut flags.multi_line,
                's' => &mut flags.dot_newline,
                'U' => &mut flags.ungreedy,
                '-' if value => {
                    value = false;
                    named_since_sign = false;
                    continue;
                }
                ':' | ')' if value || named_since_sign => {
                    self.skip(at + 1);
                    if character == ':' {
                        return self.open(flags);
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => return Err(SyntaxError::Perl(whole[..at + character.len_utf8()].to_owned())),
            };
            *flag = value;
            named_since_sign = true;
        }
        Err(SyntaxError::Perl(whole.to_owned()))
    }
}

/// Reads `{n}`, `{n,}` or `{n,m}`: its length in bytes, and the bounds. Numbers too large for the
/// type come back as the largest, which is over every limit.
fn bounds(text: &str) -> Option<(usize, u32, Option<u32>)> {
    let (inner, _) = text.strip_prefix('{')?.split_once('}')?;
    let (min, max) = match inner.split_once(',') {
        None => (number(inner)?, Some(number(inner)?)),
        Some((min, "")) => (number(min)?, None),
        Some((min, max)) => (number(min)?, Some(number(max)?)),
    };
    Some((inner.len() + 2, min, max))
}

fn number(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    (plain && !leading_zero).then(|| digits.parse().unwrap_or(u32::MAX))
}
