//! What pages are made of: the same thing looks and reads the same everywhere.

mod form;
mod link;
mod list;
mod moment;
mod notices;
mod table;
mod tone;

pub(crate) use form::{Choice, csrf, hidden, select, text_area, text_input};
pub(crate) use link::{address, encoded, outside, outside_short, provider_link};
pub(crate) use list::{Fact, empty, facts, pager, pairs, region, section};
pub(crate) use moment::{exact, moment, moment_or};
pub(crate) use notices::{notices, problem, severity_pill};
pub(crate) use table::{Column, keyed_row, row, table};
pub(crate) use tone::{icon, outcome_pill, outcome_title, pill};
