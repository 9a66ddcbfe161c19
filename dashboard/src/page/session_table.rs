//! Sessions as a table.

use leptos::prelude::*;

use super::agent;
use super::parts::{Column, encoded, keyed_row, moment, provider_link, table};
use crate::model::SessionRow;

const COLUMNS: [Column; 7] = [
    Column::text("User"),
    Column::text("Provider"),
    Column::text("Since"),
    Column::text("Last seen"),
    Column::text("Ends"),
    Column::text("Client"),
    Column::text("User agent"),
];

/// A table of sessions, called `caption` for those who do not see what stands above it.
pub(super) fn sessions(rows: &[SessionRow], now: i64, caption: &str) -> AnyView {
    let rows = rows.iter().map(|row| keyed_row(&row.key, &COLUMNS, cells(row, now))).collect();
    table(caption, &COLUMNS, None, rows)
}

fn cells(row: &SessionRow, now: i64) -> Vec<AnyView> {
    let ends = row.idle_until.map_or(row.expires, |idle| idle.min(row.expires));
    let by_header =
        (row.origin == "header").then(|| view! { " " <span class="small">"by header"</span> });
    let agent = row.user_agent.clone();
    vec![
        view! { <a class="wrap" href=link(row)>{named(row)}</a> {by_header} }.into_any(),
        provider_link(&row.provider),
        moment(row.created, now),
        moment(row.seen, now),
        moment(ends, now),
        row.client_address.clone().unwrap_or_else(|| "unknown".to_owned()).into_any(),
        view! { <span title=agent.clone()>{agent::short(&agent)}</span> }.into_any(),
    ]
}

/// Address of a session's page.
pub(super) fn link(row: &SessionRow) -> String {
    format!("/sessions/{}", encoded(&row.key))
}

/// Who a session belongs to: the user name, or the subject where core told no name.
pub(super) fn named(row: &SessionRow) -> String {
    [&row.user, &row.sub]
        .into_iter()
        .find(|name| !name.is_empty())
        .cloned()
        .unwrap_or_else(|| "a nameless user".to_owned())
}
