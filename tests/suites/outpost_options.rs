//! The options that core gives its outposts, as far as they concern the running program (contract
//! 13): the log's level, refreshing, where browsers see core, and reports of errors.

mod error_reports;
mod live;
