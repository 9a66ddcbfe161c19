//! Reading answers, strictly.

use std::str::FromStr;

use ::redis::Value;

use super::failure::odd_answer;
use crate::session::store::StoreError;

/// A number.
pub(super) fn number(value: Value) -> Result<i64, StoreError> {
    match value {
        Value::Int(number) => Ok(number),
        _ => Err(odd_answer()),
    }
}

/// Bytes, or nothing.
pub(super) fn bytes_if_any(value: Value) -> Result<Option<Vec<u8>>, StoreError> {
    match value {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        _ => Err(odd_answer()),
    }
}

/// Bytes.
pub(super) fn bytes(value: Value) -> Result<Vec<u8>, StoreError> {
    bytes_if_any(value)?.ok_or_else(odd_answer)
}

/// Text.
pub(super) fn text(value: Value) -> Result<String, StoreError> {
    String::from_utf8(bytes(value)?).map_err(|_| odd_answer())
}

/// A list of any length.
pub(super) fn list(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(odd_answer()),
    }
}

/// A list of `N`.
pub(super) fn exactly<const N: usize>(value: Value) -> Result<[Value; N], StoreError> {
    list(value)?.try_into().map_err(|_| odd_answer())
}

/// A number in decimal digits.
pub(super) fn digits<T: FromStr>(value: Value) -> Result<T, StoreError> {
    parsed(&bytes(value)?).ok_or_else(odd_answer)
}

/// The same of its bytes; `None` where they are none.
pub(super) fn parsed<T: FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A list of texts, as servers send it.
#[cfg(test)]
pub(super) fn texts(words: &[&str]) -> Value {
    Value::Array(words.iter().map(|word| Value::BulkString(word.as_bytes().to_vec())).collect())
}
