use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Document, documents, to_text};

fn back(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn objects_come_in_the_order_people_expect() {
    let text = to_text(&json!({
        "spec": {"template": {}, "replicas": 3, "selector": {"b": 1, "a": 2}},
        "metadata": {"labels": {"z": "1"}, "namespace": "ns", "name": "x"},
        "kind": "Deployment",
        "apiVersion": "apps/v1",
    }));
    assert_eq!(
        text,
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: x\n  namespace: ns\n  labels:\n    \
         z: \"1\"\nspec:\n  replicas: 3\n  selector:\n    a: 2\n    b: 1\n  template: {}\n"
    );
}

#[test]
fn comments_stand_above_what_they_are_about() {
    let text = Document::new(json!({
        "list": [{"name": "a", "x": [1]}, [["deep"]], "s"],
        "annotations": {"a.b/c": "v"},
    }))
    .comment("Head.\n  kept   as it is\n\nLast.")
    .note("/annotations/a.b~1c", "of c")
    .note("/list", "of list")
    .note("/list/0", "of element")
    .note("/list/0/name", "of its name")
    .note("/list/0/x", "of x")
    .note("/list/1/0/0", "of deep")
    .note("/list/2", "of s")
    .note("/gone", "never")
    .text();
    assert_eq!(
        text,
        "# Head.\n#   kept   as it is\n#\n# Last.\nannotations:\n  # of c\n  a.b/c: v\n# of list\n\
         list:\n  # of element\n  # of its name\n  - name: a\n    # of x\n    x:\n      - 1\n  \
         # of deep\n  - - - deep\n  # of s\n  - s\n"
    );
}

#[test]
fn a_comment_cannot_end_before_its_end() {
    let text = Document::new(json!({"a": 1}))
        .comment("x\r\ny\u{85}kind: Secret\u{2028}b: 2\u{0}")
        .note("/a", "one\nb: 2")
        .text();
    assert_eq!(back(&text), json!({"a": 1}));
}

#[test]
fn long_comments_are_broken_between_words() {
    let text = Document::new(json!({"a": 1})).comment("word ".repeat(50)).text();
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(text.lines().count() > 2, "{text}");
}

/// Strings that YAML 1.1 (PyYAML, Go's yaml.v2, Ruby) or 1.2 would read as something else.
const AMBIGUOUS: &[&str] = &[
    "no",
    "No",
    "NO",
    "yes",
    "on",
    "On",
    "off",
    "y",
    "n",
    "Y",
    "N",
    "true",
    "False",
    "null",
    "Null",
    "~",
    "",
    " ",
    "0755",
    "0o755",
    "0x1F",
    "0b11",
    "1e3",
    "1E3",
    "1.5",
    ".5",
    "1_000",
    "+1",
    "-1",
    "12:30:45",
    "190:20:30",
    ".inf",
    "-.INF",
    ".nan",
    "2001-12-14",
    "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43.10 -5",
    "<<",
    "=",
    "-",
    "- a",
    "?",
    "? a",
    ":",
    "a: b",
    "a:",
    "a #b",
    "#",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "%a",
    "@a",
    "`a",
    "{}",
    "[]",
    "{a",
    "[a",
    "]",
    "}",
    ",",
    "'",
    "\"",
    "---",
    "...",
    "--- a",
    " lead",
    "trail ",
    "\ttab",
    "a\tb",
    "\u{85}",
    "\u{feff}",
    "\u{2028}",
];

#[test]
fn strings_that_look_like_something_else_stay_strings() {
    for text in AMBIGUOUS {
        for value in [
            json!({"a": text}),
            json!([text]),
            json!({(*text): "key"}),
            json!({"a": {(*text): [text]}}),
            json!(text),
        ] {
            let yaml = to_text(&value);
            assert_eq!(back(&yaml), value, "{text:?}\n{yaml}");
        }
    }
}

#[test]
fn numbers_of_old_and_words_are_quoted() {
    for text in ["no", "on", "0755", "1e3", "~", "2001-12-14", "12:30:45", "y"] {
        let yaml = to_text(&json!({"a": text}));
        let value = yaml.strip_prefix("a: ").expect("the member").trim_end();
        assert!(value.starts_with(['"', '\'']), "{yaml}");
        // Names of members as well: `on:` is a boolean to many.
        let yaml = to_text(&json!({(text): 1}));
        assert!(yaml.starts_with(['"', '\'']), "{yaml}");
    }
}

#[test]
fn text_of_several_lines_is_a_block() {
    let value = json!({"a": {"b": ["x\ny\n", "x\n\n y", "\n lead\n"]}});
    let text = to_text(&value);
    assert!(text.contains("- |\n"), "{text}");
    assert!(!text.contains("\\n"), "{text}");
    assert_eq!(back(&text), value, "{text}");
}

#[test]
fn long_strings_stay_in_one_line() {
    let text = to_text(&json!({"a": "word ".repeat(60) + "end"}));
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn several_documents_are_parted() {
    let text = documents(&[
        Document::new(json!({"a": 1})).comment("first"),
        Document::new(json!({"b": 2})).comment("second"),
    ]);
    assert_eq!(text, "# first\na: 1\n---\n# second\nb: 2\n");
}

#[test]
fn types_of_serde_are_documents_too() {
    #[derive(serde::Serialize)]
    struct Thing {
        spec: Option<u8>,
        kind: &'static str,
    }
    let document = Document::of(&Thing { spec: Some(1), kind: "T" }).expect("a value");
    assert_eq!(document.text(), "kind: T\nspec: 1\n");
}

fn anything() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        "[ -~\n\t]{0,20}",
        "[0-9eE+:._xo-]{1,8}",
        prop::sample::select(AMBIGUOUS).prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1.0e6..1.0e6_f64).prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_back(value in anything(), comment in any::<String>()) {
        let text = Document::new(value.clone()).comment(comment.clone()).note("/a", comment).text();
        prop_assert!(text.ends_with('\n'));
        let read: Value = serde_saphyr::from_str(&text)
            .map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(read, value, "{}", text);
    }
}
