//! Forward auth as reverse proxies ask for it, header by header, in every dialect.

mod domain;
mod own_paths;
mod paths;
mod statuses;
mod trust;
