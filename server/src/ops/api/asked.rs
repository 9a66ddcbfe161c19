//! What calls ask in their queries.

use actix_web::HttpRequest;
use actix_web::web::Query;
use serde::de::DeserializeOwned;

use super::PAGE;
use super::problem::Problem;

/// How many things a list has, unless the call says how many.
const USUAL: usize = 100;

/// The query, taken apart.
///
/// # Errors
/// When it has what the call does not know, or what makes no sense.
pub(super) fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Problem> {
    let read = Query::<T>::from_query(request.query_string());
    Ok(read.map_err(|error| Problem::wrong(error.to_string()))?.into_inner())
}

/// How many things a list is to have at most.
///
/// # Errors
/// When it is none, or more than [`PAGE`].
pub(super) fn count(limit: Option<usize>) -> Result<usize, Problem> {
    let limit = limit.unwrap_or(USUAL);
    if (1..=PAGE).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::wrong(format!("limit: must be between 1 and {PAGE}")))
    }
}
