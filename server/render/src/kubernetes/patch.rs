//! `kubernetes_json_patches`: RFC 6902 operations on what we make, by component.

use std::collections::BTreeMap;

use json_patch::PatchOperation;
use serde_json::Value;

use super::Component;
use crate::rendered::RenderError;
use crate::yaml::Document;

const OPTION: &str = "kubernetes_json_patches";

/// Applies the operations for `component`, one after the other.
///
/// # Errors
/// When one is no operation, or does not apply: which, and why.
pub(super) fn apply(
    component: Component,
    patches: &BTreeMap<String, Vec<Value>>,
    document: &mut Document,
) -> Result<(), RenderError> {
    let Some(operations) = patches.get(component.name()) else { return Ok(()) };
    for (index, operation) in operations.iter().enumerate() {
        let refused = |why: &dyn std::fmt::Display| RenderError::Option {
            option: OPTION,
            problem: format!(
                "{}, operation {} ({}): {why}; it is about the object as it is rendered without \
                 patches",
                component.name(),
                index + 1,
                shown(operation),
            ),
        };
        let parsed: PatchOperation =
            serde_json::from_value(operation.clone()).map_err(|error| refused(&error))?;
        json_patch::patch(document.value_mut(), &[parsed]).map_err(|error| refused(&error.kind))?;
        if !document.value().is_object() {
            return Err(refused(&"it leaves no object"));
        }
    }
    Ok(())
}

/// Refuses operations for components that there are not: they would do nothing, silently.
///
/// # Errors
/// When there are any.
pub(super) fn check(patches: &BTreeMap<String, Vec<Value>>) -> Result<(), RenderError> {
    match patches.keys().find(|name| Component::of_name(name).is_none()) {
        Some(name) => Err(RenderError::Option {
            option: OPTION,
            problem: format!("there is no component {name:?}: write {}", Component::names()),
        }),
        None => Ok(()),
    }
}

/// What an operation does and where, without its value, which may be secret or long.
fn shown(operation: &Value) -> String {
    let word = |name| operation.get(name).and_then(Value::as_str).unwrap_or("?");
    let text = format!("{} {}", word("op"), word("path"));
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{apply, check};
    use crate::kubernetes::Component;
    use crate::options::Options;
    use crate::rendered::RenderError;
    use crate::yaml::Document;

    fn patched(operations: Value) -> Result<Value, RenderError> {
        let config = json!({"kubernetes_json_patches": {"service": operations}});
        let options = Options::read(config.as_object().expect("an object")).expect("read");
        let mut document = Document::new(json!({"kind": "Service", "spec": {"ports": [1, 2]}}));
        let patches = options.kubernetes.json_patches;
        apply(Component::Service, &patches, &mut document)?;
        Ok(document.value().clone())
    }

    #[test]
    fn operations_apply_in_their_order() {
        let changed = patched(json!([
            {"op": "test", "path": "/spec/ports/0", "value": 1},
            {"op": "add", "path": "/spec/ports/-", "value": 3},
            {"op": "remove", "path": "/spec/ports/0"},
            {"op": "add", "path": "/metadata", "value": {"a/b": "c"}},
            {"op": "replace", "path": "/metadata/a~1b", "value": "d"},
            {"op": "copy", "from": "/metadata/a~1b", "path": "/kind"},
            {"op": "move", "from": "/metadata", "path": "/data"},
        ]));
        let expected = json!({"kind": "d", "spec": {"ports": [2, 3]}, "data": {"a/b": "d"}});
        assert_eq!(changed.expect("applies"), expected);
    }

    #[test]
    fn an_operation_that_does_not_apply_is_named() {
        for (second, says) in [
            (json!({"op": "replace", "path": "/spec/none", "value": 1}), "replace /spec/none"),
            (json!({"op": "test", "path": "/kind", "value": "secret-value"}), "test /kind"),
            (json!({"op": "invent", "path": "/kind"}), "invent /kind"),
            (json!({"op": "add", "path": "no pointer", "value": 1}), "add no pointer"),
            (json!("add"), "? ?"),
            (json!({"op": "replace", "path": "", "value": 1}), "no object"),
        ] {
            let first = json!({"op": "add", "path": "/x", "value": 1});
            let error = patched(json!([first, second])).expect_err(says);
            let text = error.to_string();
            assert!(
                text.starts_with("option kubernetes_json_patches: service, operation 2"),
                "{text}"
            );
            assert!(text.contains(says), "{text}");
            assert!(!text.contains("secret-value"), "{text}");
        }
    }

    #[test]
    fn components_that_there_are_not_are_refused() {
        let config = json!({"kubernetes_json_patches": {"Ingress": [], "pods": []}});
        let options = Options::read(config.as_object().expect("an object")).expect("read");
        let error = check(&options.kubernetes.json_patches).expect_err("pods");
        assert!(error.to_string().contains("\"pods\""), "{error}");
    }
}
