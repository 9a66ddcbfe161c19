//! Tables that turn into cards where there is no room for them.

use leptos::prelude::*;

/// Tables of more columns turn into cards earlier.
const MANY: usize = 7;

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    label: &'static str,
    class: Option<&'static str>,
}

impl Column {
    /// A column of texts.
    pub(crate) const fn text(label: &'static str) -> Self {
        Self { label, class: None }
    }

    /// A column of figures, which stand below one another.
    pub(crate) const fn number(label: &'static str) -> Self {
        Self { label, class: Some("number") }
    }

    /// A column of its own kind, by a class of the style sheet.
    pub(crate) const fn classed(label: &'static str, class: &'static str) -> Self {
        Self { label, class: Some(class) }
    }
}

/// A table of rows made by [`row`]. The caption is for those who do not see it stand below its
/// heading. `body` names the `<tbody>`, where lines are added to it live.
pub(crate) fn table(
    caption: impl Into<String>,
    columns: &[Column],
    body: Option<&'static str>,
    rows: Vec<AnyView>,
) -> AnyView {
    let heads = columns.iter().map(|Column { label, class }| {
        view! { <th scope="col" role="columnheader" class=*class>{*label}</th> }
    });
    let caption: String = caption.into();
    // Roles are said again since tables laid out as blocks lose theirs in some browsers.
    let class = if columns.len() > MANY { "table many" } else { "table" };
    view! {
        <div class=class>
            <table role="table">
                <caption class="unseen">{caption}</caption>
                <thead role="rowgroup"><tr role="row">{heads.collect_view()}</tr></thead>
                <tbody role="rowgroup" id=body>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// A row: a cell for each column, of which the first one names the row.
pub(crate) fn row(columns: &[Column], cells: Vec<AnyView>) -> AnyView {
    let cells = in_columns(columns, cells);
    view! { <tr role="row">{cells}</tr> }.into_any()
}

/// A row that the script knows again by its key, wherever in the table it goes.
pub(crate) fn keyed_row(key: &str, columns: &[Column], cells: Vec<AnyView>) -> AnyView {
    let cells = in_columns(columns, cells);
    view! { <tr role="row" data-key=key.to_owned()>{cells}</tr> }.into_any()
}

fn in_columns(columns: &[Column], cells: Vec<AnyView>) -> Vec<AnyView> {
    let cells = columns.iter().zip(cells).enumerate().map(|(index, (column, cell))| {
        let Column { label, class } = *column;
        if index == 0 {
            view! { <th scope="row" role="rowheader" class=class>{cell}</th> }.into_any()
        } else {
            view! { <td role="cell" class=class data-label=label>{cell}</td> }.into_any()
        }
    });
    cells.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::rendered;

    #[test]
    fn every_cell_knows_its_column_and_every_row_its_head() {
        let columns = [Column::text("User"), Column::number("Rate")];
        let html = rendered(|| {
            let cells = vec!["<b>".into_any(), "1.5".into_any()];
            table("Who \"does\" what", &columns, Some("lines"), vec![row(&columns, cells)])
        });
        for part in [
            "<caption class=\"unseen\">Who \"does\" what</caption>",
            "<th scope=\"col\" role=\"columnheader\" class=\"number\">Rate</th>",
            "<tbody role=\"rowgroup\" id=\"lines\">",
            "<th scope=\"row\" role=\"rowheader\" class=\"\">&lt;b&gt;</th>",
            "<td role=\"cell\" data-label=\"Rate\" class=\"number\">1.5</td>",
        ] {
            assert!(html.contains(part), "{part}\n{html}");
        }
    }
}
