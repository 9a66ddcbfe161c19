//! The outpost in front of core itself (contract 15).

mod primary_url;
mod routing;
mod support;
