//! Go's syntax page (<https://pkg.go.dev/regexp/syntax>), item by item, and where the `regex`
//! crate would read the same text differently.

use super::super::*;

fn compiled(source: &str) -> Result<SkipRule, SyntaxError> {
    compile_line(1, source, &SkipLimits::DEFAULT).map(|(rule, _)| rule)
}

/// An expression, texts it matches, and texts it does not.
type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

fn check(cases: &[Case<'_>]) {
    for (expression, matching, others) in cases {
        let rule = compiled(expression)
            .unwrap_or_else(|error| panic!("{expression} must compile: {error}"));
        for text in *matching {
            assert!(rule.is_match(text), "{expression} must match {text:?}");
        }
        for text in *others {
            assert!(!rule.is_match(text), "{expression} must not match {text:?}");
        }
    }
}

fn refused(expressions: &[&str]) {
    for expression in expressions {
        assert!(compiled(expression).is_err(), "{expression:?} must be refused");
    }
}

#[test]
fn single_characters() {
    check(&[
        ("^.$", &["a", "é", "\r", "\u{2028}"], &["\n", ""]),
        ("(?s)^.$", &["a", "\n"], &["", "ab"]),
        ("^[xyz]$", &["x", "z"], &["a", ""]),
        ("^[^xyz]$", &["a", "\n", "é"], &["x"]),
        ("^\\d$", &["0", "9"], &["a", "٣", "５"]),
        ("^\\D$", &["a", "٣"], &["0"]),
        ("^[[:alpha:]]$", &["a", "Z"], &["é", "1"]),
        ("^[[:^alpha:]]$", &["é", "1", "\n"], &["a"]),
        ("^\\pN$", &["1", "٣", "Ⅷ"], &["a"]),
        ("^\\p{Greek}$", &["α", "Ω"], &["a"]),
        ("^\\PN$", &["a"], &["1", "٣"]),
        ("^\\P{Greek}$", &["a"], &["α"]),
    ]);
}

#[test]
fn composites() {
    check(&[
        ("^xy$", &["xy"], &["x", "yx"]),
        ("^(x|yy)$", &["x", "yy"], &["y"]),
        ("^a|b$", &["ax", "xb"], &["xa"]),
        ("^(|a)$", &["", "a"], &["b"]),
        ("^(a|)$", &["", "a"], &["b"]),
        ("a||b", &["", "zzz"], &[]),
        ("|", &[""], &[]),
        ("()", &[""], &[]),
    ]);
}

#[test]
fn repetitions() {
    check(&[
        ("^x*$", &["", "xx"], &["y"]),
        ("^x+$", &["x", "xx"], &["", "y"]),
        ("^x?$", &["", "x"], &["xx"]),
        ("^x{2,3}$", &["xx", "xxx"], &["x", "xxxx"]),
        ("^x{2,}$", &["xx", "xxxx"], &["x"]),
        ("^x{2}$", &["xx"], &["x", "xxx"]),
        ("^x{0}$", &[""], &["x"]),
        ("^x*?$", &["", "xx"], &["y"]),
        ("^x+?$", &["x"], &[""]),
        ("^x??$", &["", "x"], &["xx"]),
        ("^x{2,3}?$", &["xx", "xxx"], &["x"]),
        ("^x{2,}?$", &["xx"], &["x"]),
        ("^x{2}?$", &["xx"], &["x", ""]),
        ("^x{1000}$", &[], &["x"]),
        ("^(?:x{10}){100}$", &[], &["x"]),
        ("^(?:x{2}){0}$", &[""], &["x"]),
        // Braces that are no repetition stand for themselves.
        ("^x{$", &["x{"], &["x"]),
        ("^x{,2}$", &["x{,2}"], &["", "xx"]),
        ("^x{a}$", &["x{a}"], &[]),
        ("^x{02}$", &["x{02}"], &["xx"]),
        ("^x{ 2 }$", &["x{ 2 }"], &["xx"]),
        ("^{2}$|^}$", &["}"], &[]),
        // Empty-width items may be repeated, and flags or quotes between do not count as items.
        ("^*a", &["a", "ba"], &["b"]),
        ("(?:^)+a", &["a"], &["ba"]),
        ("a\\b+", &["a"], &["ab"]),
        ("^a(?i)*$", &["", "aa"], &["A"]),
        ("^a\\Q\\E*$", &["", "aa"], &["b"]),
        ("^(a*)*$", &["", "aa"], &["b"]),
    ]);
    refused(&[
        "x{1001}",
        "x{1001,}",
        "x{1,1001}",
        "x{2,1}",
        "x{9876543210}",
        "x{1,9876543210}",
        "(?:x{50}){50}",
        "((x{100}){10}){2}",
        "(?:x{0,100}y){11}",
        "*",
        "+a",
        "?a",
        "(*)",
        "(|*)",
        "a|*",
        "(?i)*",
        "\\Q\\E*",
        "a**",
        "a*+",
        "a++",
        "a?+",
        "a+*",
        "a??+",
        "a{2}{3}",
        "a{2}*",
        "a*{2}",
        "a***",
        "a{2}+",
    ]);
    // `^{2}` repeats an assertion, and does so in Go as well.
    check(&[("^{2}a", &["a"], &["ba"])]);
}

#[test]
fn groups() {
    check(&[
        ("^(a)(b)$", &["ab"], &["a"]),
        ("^(?P<name>a)$", &["a"], &["name"]),
        ("^(?<name>a)$", &["a"], &["name"]),
        ("^(?P<1st>a)$", &["a"], &[]),
        ("^(?P<n>a)(?P<_n2>b)$", &["ab"], &[]),
        ("^(?:ab)+$", &["abab"], &["aba"]),
        ("^(?i)ab$", &["AB"], &["A"]),
        ("^(?:(?i)a)b$", &["Ab"], &["AB"]),
        ("^(?i:a)b$", &["Ab"], &["AB"]),
        ("^(?i)a(?-i)b$", &["Ab"], &["AB"]),
        ("^(?i)a(?-i:b)c$", &["AbC"], &["ABC"]),
        ("^(a(?i)b|c)d$", &["aBd", "Cd"], &["CD", "Abd"]),
        ("(?m)^b$", &["a\nb\nc", "b"], &["ab"]),
        ("(?m)\\Ab", &["b"], &["a\nb"]),
        ("(?m)^(?-m:$)", &["", "a\n"], &["a"]),
        ("(?s)^a.b$", &["a\nb"], &[]),
        ("(?s)^a(?-s:.)b$", &["axb"], &["a\nb"]),
        ("(?U)^a+?$", &["aa"], &[]),
        ("(?i-s)^A.$", &["ab"], &["a\n"]),
        ("(?ims-U:^a.b$)", &["x\nA\nB\ny"], &[]),
        ("(?)^a", &["a"], &["ba"]),
    ]);
    refused(&[
        "(",
        ")",
        "(a",
        "a)",
        "(a))",
        "(a|b",
        "a|b)",
        "(?i",
        "(?P<name",
        "(?P<name>",
        "(?P<x y>a)",
        "(?P<>a)",
        "(?<>a)",
        "(?<x-y>a)",
        "(?P<é>a)",
        "(?P=name)",
        "(?P>name)",
        "(?-)",
        "(?i-)",
        "(?--i)",
        "(?i-:a)",
        "(?x)a b",
        "(?x: a)",
        "(?u)a",
        "(?R)",
        "(?R:a)",
        "(?a)",
        "(?L)",
        "(?'n'a)",
        "(?#comment)",
        "(?|a|b)",
        "(?&n)",
        "(?1)",
        // Look-around, atomic and conditional groups, verbs.
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        "(?<!a)",
        "(?>a)",
        "(?(1)a|b)",
        "(*ACCEPT)",
    ]);
}

#[test]
fn empty_strings() {
    check(&[
        ("^a", &["ab"], &["ba", "b\na"]),
        ("a$", &["ba"], &["a\n", "ab"]),
        ("\\Aa", &["ab"], &["ba"]),
        ("a\\z", &["ba"], &["a\n"]),
        ("\\bab\\b", &["ab", "x ab y", "éab"], &["xab", "ab_"]),
        ("é\\b", &["éa"], &["é", "é "]),
        ("a\\Bb", &["ab"], &["a b"]),
        ("^\\B$", &[""], &["a"]),
        ("é\\B", &["é", "éé"], &["éa"]),
    ]);
    refused(&["a\\Z", "\\Ga", "a\\K"]);
    // What `regex` takes for word boundaries is something else in Go.
    check(&[("^\\<a\\>$", &["<a>"], &["a"]), ("^a\\b\\{start}", &["a{start}"], &["a"])]);
    check(&[("^a-\\b{start}", &[], &["a-b"])]);
}

#[test]
fn escape_sequences() {
    check(&[
        ("^\\a\\f\\t\\n\\r\\v$", &["\u{7}\u{c}\t\n\r\u{b}"], &[]),
        (
            "^\\*\\.\\/\\-\\_\\!\\@\\#\\%\\&\\~\\`\\\"\\'\\ \\,\\:\\;\\<\\=\\>$",
            &["*./-_!@#%&~`\"' ,:;<=>"],
            &[],
        ),
        ("^\\(\\)\\[\\]\\{\\}\\^\\$\\|\\?\\+\\\\$", &["()[]{}^$|?+\\"], &[]),
        ("^\\101\\0\\07\\1234$", &["A\0\u{7}S4"], &[]),
        ("^\\377$", &["\u{ff}"], &[]),
        ("^\\x41\\x7f\\xfF$", &["A\u{7f}\u{ff}"], &[]),
        ("^\\x{41}\\x{10FFFF}\\x{000041}$", &["A\u{10ffff}A"], &[]),
        ("^\\x{D800}?a$", &["a"], &["\u{fffd}a"]),
        ("^\\Qa.b*[\\E+$", &["a.b*[", "a.b*[["], &["axb*["]),
        ("^\\Q^$\\d(", &["^$\\d("], &["1"]),
        ("^\\Q\\\\E$", &["\\"], &[]),
        ("^\\Q\\E$", &[""], &["a"]),
        ("^(?i)\\Qab\\E$", &["AB"], &[]),
    ]);
    refused(&[
        "\\",
        "a\\",
        "\\1",
        "\\8",
        "\\9",
        "(a)\\1",
        "\\18",
        "\\C",
        "\\E",
        "\\Z",
        "\\G",
        "\\K",
        "\\X",
        "\\R",
        "\\N",
        "\\h",
        "\\H",
        "\\V",
        "\\e",
        "\\c",
        "\\cA",
        "\\g1",
        "\\k<n>",
        "\\u0041",
        "\\u{41}",
        "\\U00000041",
        "\\q",
        "\\y",
        "\\é",
        "\\x",
        "\\x4",
        "\\xg0",
        "\\x{}",
        "\\x{110000}",
        "\\x{41",
        "\\x{ 41 }",
        "\\x{+41}",
        "\\p",
        "\\pX",
        "\\p{",
        "\\p{}",
        "\\p{Greek",
        "\\p{Nope}",
        "\\p{IsGreek}",
        "\\p{Script=Greek}",
        "\\p{gc:L}",
        "\\p{Alphabetic}",
        "\\p{White_Space}",
        "\\p{Grek}",
        "\\p{Latn}",
        "\\p{Emoji}",
        "\\p{Age=3.0}",
        "\\p{=L}",
        "\\p{L}}]{1001}",
        "\\p{L&}",
    ]);
}

#[test]
fn class_elements() {
    check(&[
        ("^[x]$", &["x"], &["y"]),
        ("^[A-Z]$", &["M"], &["m", "-"]),
        ("^[\\d]$", &["1"], &["a", "٣"]),
        ("^[^\\d]$", &["a", "٣"], &["1"]),
        ("^[\\D]$", &["a", "٣"], &["1"]),
        ("^[^\\D]$", &["1"], &["a", "٣"]),
        ("^[[:digit:]a]$", &["1", "a"], &["b"]),
        ("^[^[:digit:]]$", &["a"], &["1"]),
        ("^[[:^digit:]1]$", &["a", "1"], &["2"]),
        ("^[\\p{Greek}a]$", &["α", "a"], &["b"]),
        ("^[^\\p{Greek}]$", &["a"], &["α"]),
        ("^[\\pNa]$", &["٣", "a"], &["b"]),
        ("^[\\P{Greek}]$", &["a"], &["α"]),
        ("^[\\p{^Greek}]$", &["a"], &["α"]),
        ("^\\P{^Greek}$", &["α"], &["a"]),
        // Brackets, hyphens and carets where they stand for themselves.
        ("^[]a]$", &["]", "a"], &["b"]),
        ("^[^]a]$", &["b"], &["]", "a"]),
        ("^[a-]$", &["a", "-"], &["b"]),
        ("^[-a]$", &["-", "a"], &["b"]),
        ("^[a-b-c]$", &["a", "b", "-", "c"], &["d"]),
        ("^[a^]$", &["^", "a"], &["b"]),
        ("^[\\]\\-\\\\]$", &["]", "-", "\\"], &["a"]),
        ("^[\\n\\x41\\101\\x{e9}]$", &["\n", "A", "é"], &["n"]),
        ("^[.$*+?(){}|]$", &[".", "$", "|", "{"], &["a"]),
        ("^[\\x00-\\x{10FFFF}]$", &["a", "\n"], &[""]),
        ("^[^\\x00-\\x{10FFFF}]", &[], &["a", ""]),
        ("^[\\x{D7FF}-\\x{E000}]$", &["\u{d7ff}", "\u{e000}"], &["a"]),
        // What `regex` reads as set operations and nested classes.
        ("^[a&&b]$", &["a", "&", "b"], &["c"]),
        ("^[a-z&&[^b]]$", &["q]", "&]", "b]", "^]", "[]"], &["q", "b"]),
        ("^[a~~b]$", &["a", "~", "b"], &["c"]),
        ("^[[a]]$", &["a]", "[]"], &["a", "]"]),
        ("^[[a]b]$", &["ab]", "[b]"], &["a", "b"]),
        ("^[[:x]$", &["[", ":", "x"], &["y"]),
        ("^[ a]$", &[" ", "a"], &["b"]),
        ("^[\\Wa]$", &["-", "a", "é"], &["b"]),
        ("^[#]$", &["#"], &[]),
    ]);
    refused(&[
        "[",
        "[a",
        "[]",
        "[^]",
        "[a-",
        "[a-\\",
        "[\\",
        "[z-a]",
        "(?i)[a-Z]",
        "[a-Z]",
        "[a--b]",
        "[[:nope:]]",
        "[[:d:]]",
        "[[:Alpha:]]",
        "[[:alpha:]",
        "[[:^:]]",
        "[[:word]bar:]]",
        "[\\b]",
        "[\\B]",
        "[\\A]",
        "[\\z]",
        "[\\Q]\\E]",
        "[\\C]",
        "[\\8]",
        "[a-\\d]",
        "[\\p{Nope}]",
        "[\\x{110000}]",
    ]);
}

#[test]
fn perl_and_ascii_classes() {
    check(&[
        ("^\\s$", &["\t", "\n", "\u{c}", "\r", " "], &["\u{b}", "\u{85}", "\u{a0}", "\u{2003}"]),
        ("^\\S$", &["\u{b}", "\u{a0}", "a"], &[" "]),
        ("^\\w$", &["a", "Z", "0", "_"], &["é", "-", "ſ"]),
        ("^\\W$", &["é", "-"], &["a", "_"]),
        ("^[[:alnum:]]$", &["0", "A", "a"], &["_", "é"]),
        ("^[[:ascii:]]$", &["\0", "\u{7f}"], &["\u{80}"]),
        ("^[[:blank:]]$", &["\t", " "], &["\n"]),
        ("^[[:cntrl:]]$", &["\0", "\u{1f}", "\u{7f}"], &[" ", "\u{80}"]),
        ("^[[:digit:]]$", &["5"], &["a"]),
        ("^[[:graph:]]$", &["!", "~"], &[" ", "\u{7f}"]),
        ("^[[:lower:]]$", &["a"], &["A", "é"]),
        ("^[[:print:]]$", &[" ", "~"], &["\u{1f}", "\u{7f}"]),
        ("^[[:punct:]]$", &["!", "/", ":", "@", "[", "`", "{", "~"], &["a", "0", " "]),
        ("^[[:space:]]$", &["\t", "\u{b}", "\r", " "], &["\u{a0}"]),
        ("^[[:upper:]]$", &["A"], &["a"]),
        ("^[[:word:]]$", &["a", "_", "0"], &["-"]),
        ("^[[:xdigit:]]$", &["f", "F", "0"], &["g"]),
        // Outside brackets `[:alpha:]` is a class of these characters.
        ("^[:alpha:]$", &[":", "a", "h"], &["b"]),
    ]);
}

#[test]
fn unicode_classes() {
    check(&[
        ("^\\pL$", &["a", "é", "Ж"], &["1"]),
        ("^\\p{L}$", &["a"], &["1"]),
        ("^\\p{Lu}$", &["A", "É"], &["a"]),
        ("^\\p{Letter}$", &["a"], &["1"]),
        ("^\\p{Zs}$", &[" ", "\u{a0}"], &["a"]),
        ("^\\p{Zl}$", &["\u{2028}"], &["a"]),
        ("^\\p{Han}$", &["漢"], &["a"]),
        ("^\\p{Old_Italic}$", &["𐌀"], &["a"]),
        ("^\\p{Thai}$", &["ก"], &["a"]),
        ("^\\p{Any}$", &["a", "\n"], &[""]),
        ("^\\p{Cs}?$", &[""], &["a"]),
        ("^\\p{Latin}é$", &["aé"], &["αé"]),
    ]);
}

#[test]
fn case_folding_is_simple_unicode_folding() {
    check(&[
        ("(?i)^k$", &["k", "K", "\u{212a}"], &["x"]),
        ("(?i)^s$", &["s", "S", "ſ"], &[]),
        ("(?i)^\u{df}$", &["\u{df}", "\u{1e9e}"], &["ss", "SS"]),
        ("(?i)^É$", &["é"], &["e"]),
        ("(?i)^σ$", &["Σ", "ς"], &[]),
        ("(?i)^[a-c]$", &["B"], &["d"]),
        ("(?i)^[^k]$", &["x"], &["k", "K", "\u{212a}"]),
        ("(?i)^\\w$", &["ſ", "\u{212a}"], &["é"]),
        ("(?i)^\\W$", &["é"], &["ſ", "a"]),
        ("(?i)^[[:lower:]]$", &["A", "ſ"], &["1"]),
        ("(?i)^[[:^lower:]]$", &["1"], &["A", "ſ"]),
        ("(?i)^\\p{Lu}$", &["a", "A"], &["1"]),
        ("(?i)^\\P{Lu}$", &["1"], &["a", "A"]),
        ("(?i)i\\b", &["I"], &["İ", "ı"]),
        ("^k$", &["k"], &["K", "\u{212a}"]),
    ]);
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    let limit = go_syntax::MAX_DEPTH as usize;
    assert!(compiled(&nested(limit)).is_ok());
    assert_eq!(compiled(&nested(limit + 1)).unwrap_err(), SyntaxError::Depth);
    let repeated = format!("{}a{}", "(?:".repeat(limit), ")*b".repeat(limit));
    assert!(compiled(&repeated).is_ok());
    assert_eq!(compiled(&"(".repeat(8000)).unwrap_err(), SyntaxError::Depth);
}

#[test]
fn errors_say_what_go_says() {
    for (expression, message) in [
        ("a\\Z", "invalid escape sequence \\Z"),
        ("(?=a)", "invalid or unsupported Perl syntax (?="),
        ("a**", "invalid nested repetition operator *"),
        ("*a", "missing argument to repetition operator *"),
        ("a{1001}", "invalid repeat count {1001}"),
        ("[z-a]", "invalid character class range z-a"),
        ("[[:no:]]", "invalid character class range [:no:]"),
        ("\\p{No Such}", "invalid character class range \\p{No Such}"),
        ("[a", "missing closing ]"),
        ("(a", "missing closing )"),
        ("a)", "unexpected )"),
        ("(?P<a b>c)", "invalid named capture a b"),
        ("a\\", "trailing backslash at end of expression"),
    ] {
        assert_eq!(compiled(expression).unwrap_err().to_string(), message);
    }
}
