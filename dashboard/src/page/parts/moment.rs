//! Moments: how far off in sight, which moment on hover.

use leptos::prelude::*;

use crate::time;

/// A moment: how far off it is, with itself as the title.
pub(crate) fn moment(at: i64, now: i64) -> AnyView {
    let full = time::rfc3339(at);
    view! { <time class="when" datetime=full.clone() title=spoken(&full)>{time::distance(at, now)}</time> }
        .into_any()
}

/// A moment that may not have come yet: [`moment`], or `otherwise`.
pub(crate) fn moment_or(at: Option<i64>, now: i64, otherwise: &'static str) -> AnyView {
    match at {
        Some(at) => moment(at, now),
        None => otherwise.into_any(),
    }
}

/// A moment itself, with how far off it is as the title.
pub(crate) fn exact(at: i64, now: i64) -> AnyView {
    let full = time::rfc3339(at);
    let shown = spoken(&full);
    view! { <time class="when" datetime=full title=time::distance(at, now)>{shown}</time> }
        .into_any()
}

/// `2026-11-22 02:35:13 UTC`
fn spoken(full: &str) -> String {
    full.replace('T', " ").replace('Z', " UTC")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::rendered;

    #[test]
    fn relative_in_sight_and_absolute_on_hover() {
        let html = rendered(|| moment(1_795_314_913, 1_795_314_925));
        assert!(html.contains("datetime=\"2026-11-22T02:35:13Z\""), "{html}");
        assert!(html.contains("title=\"2026-11-22 02:35:13 UTC\""), "{html}");
        assert!(html.ends_with(">12 s ago</time>"), "{html}");
        let html = rendered(|| exact(1_795_314_913, 1_795_314_925));
        assert!(html.contains("title=\"12 s ago\""), "{html}");
        assert_eq!(rendered(|| moment_or(None, 0, "never")), "never");
    }
}
