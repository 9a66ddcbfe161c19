//! The paths that a Rust file uses, told from its text: groups are expanded, `super` is resolved.
//! Inline modules are taken for the file itself, which is strict enough.

/// Every path with at least two segments, absolute where it began with `super`, `self` or `crate`.
pub(crate) fn paths(file: &str, source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let module = module_of(file);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let begins = tokens[at].is_name() && (at == 0 || tokens[at - 1] != Token::Colons);
        let leads_on = tokens.get(at + 1) == Some(&Token::Colons);
        if begins && leads_on {
            at = expand(&tokens, at, "", &mut found);
        } else {
            // `use name;` and `use name as other;` are paths of one segment.
            if begins && at > 0 && tokens[at - 1] == Token::Name("use".to_owned()) {
                found.extend(tokens[at].name().map(str::to_owned));
            }
            at += 1;
        }
    }
    found.iter().map(|path| absolute(path, &module)).collect()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    Colons,
    Open,
    Close,
    Comma,
    Other,
}

impl Token {
    fn is_name(&self) -> bool {
        matches!(self, Self::Name(_))
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// Reads a path from `at`, groups and all, and returns where it ends.
fn expand(tokens: &[Token], mut at: usize, prefix: &str, found: &mut Vec<String>) -> usize {
    let mut path = prefix.to_owned();
    loop {
        match tokens.get(at) {
            Some(Token::Name(name)) => {
                if !path.is_empty() {
                    path.push_str("::");
                }
                path.push_str(name);
                at += 1;
                if tokens.get(at) != Some(&Token::Colons) {
                    found.push(path);
                    return at;
                }
                at += 1;
            }
            Some(Token::Open) => {
                at += 1;
                while let Some(token) = tokens.get(at) {
                    match token {
                        Token::Close => return at + 1,
                        Token::Name(_) => at = expand(tokens, at, &path, found),
                        _ => at += 1,
                    }
                }
                return at;
            }
            // A glob, a turbofish.
            _ => {
                found.push(path);
                return at;
            }
        }
    }
}

/// The module of a file below `src`, segment by segment.
fn module_of(file: &str) -> Vec<String> {
    let inside = file.split_once("src/").map_or("", |(_, inside)| inside);
    let inside = inside.strip_suffix(".rs").unwrap_or(inside);
    let mut segments: Vec<String> = inside.split('/').map(str::to_owned).collect();
    if matches!(segments.last().map(String::as_str), Some("lib" | "main" | "")) {
        segments.pop();
    }
    segments
}

fn absolute(path: &str, module: &[String]) -> String {
    let mut rest = path;
    let mut depth = module.len();
    if let Some(after) = rest.strip_prefix("self::") {
        rest = after;
    } else if !rest.starts_with("super::") {
        return path.to_owned();
    }
    while let Some(after) = rest.strip_prefix("super::") {
        rest = after;
        depth = depth.saturating_sub(1);
    }
    let mut absolute = vec!["crate"];
    absolute.extend(module[..depth].iter().map(String::as_str));
    absolute.push(rest);
    absolute.join("::")
}

/// Names and the punctuation of paths; comments, texts and lifetimes are left out.
fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let peek = |at: usize| chars.get(at).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        if c == '/' && peek(at + 1) == '/' {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if c == '/' && peek(at + 1) == '*' {
            at = after_block_comment(&chars, at);
        } else if let Some(end) = after_raw_text(&chars, at) {
            at = end;
        } else if c == '"' {
            at = after_quoted(&chars, at, '"');
        } else if c == '\'' {
            let is_char = peek(at + 1) == '\\' || peek(at + 2) == '\'';
            at = if is_char { after_quoted(&chars, at, '\'') } else { at + 1 };
        } else if c.is_alphabetic() || c == '_' {
            let begin = at;
            while peek(at).is_alphanumeric() || peek(at) == '_' {
                at += 1;
            }
            tokens.push(Token::Name(chars[begin..at].iter().collect()));
        } else if c == ':' && peek(at + 1) == ':' {
            tokens.push(Token::Colons);
            at += 2;
        } else {
            match c {
                '{' => tokens.push(Token::Open),
                '}' => tokens.push(Token::Close),
                ',' => tokens.push(Token::Comma),
                c if c.is_whitespace() => {}
                _ => tokens.push(Token::Other),
            }
            at += 1;
        }
    }
    tokens
}

fn after_block_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

/// The end of `r"..."`, `r#"..."#` and so on, if one begins here.
fn after_raw_text(chars: &[char], at: usize) -> Option<usize> {
    let follows_name =
        at > 0 && chars.get(at - 1).is_some_and(|c| c.is_alphanumeric() && *c != 'b');
    if chars.get(at) != Some(&'r') || follows_name {
        return None;
    }
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let mut end = at + 1 + hashes;
    if chars.get(end) != Some(&'"') {
        return None;
    }
    end += 1;
    while end < chars.len() {
        let closes = chars[end] == '"'
            && chars[end + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
        end += 1;
        if closes {
            return Some(end + hashes);
        }
    }
    Some(end)
}

fn after_quoted(chars: &[char], at: usize, quote: char) -> usize {
    let mut end = at + 1;
    while end < chars.len() {
        match chars[end] {
            '\\' => end += 2,
            c if c == quote => return end + 1,
            _ => end += 1,
        }
    }
    end
}
