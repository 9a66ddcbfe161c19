//! What the doctor found.

use leptos::prelude::*;

use super::parts::{
    Column, empty, icon, moment, notices, pill, region, row, section, severity_pill, table,
};
use super::{Page, regions};
use crate::live::Frame;
use crate::model::{Check, Doctor, Place, Role, Severity, Shell, Tone};
use crate::number::counted;

impl Page for Doctor {
    fn place(&self) -> Place {
        Place::Doctor
    }

    fn address(&self) -> Option<String> {
        Some(Place::Doctor.path().to_owned())
    }

    fn content(&self, _: &Shell) -> AnyView {
        view! {
            <div>
                <h1>{self.title()}</h1>
                <p class="lead">"What is likely not as meant, why, and what to do about it. The worst stands first."</p>
            </div>
            {region("doctor-findings", findings(self))}
            {region("doctor-checks", checks(self))}
            {command_line()}
        }
        .into_any()
    }

    fn changes(&self, _: Role) -> Frame {
        let regions =
            regions([("doctor-findings", findings(self)), ("doctor-checks", checks(self))]);
        Frame { regions, lines: None }
    }
}

fn findings(doctor: &Doctor) -> AnyView {
    let content = if doctor.findings.is_empty() && doctor.checks.is_empty() {
        empty(
            "Nothing has been looked at yet.",
            "The doctor begins soon after the start, and this page follows by itself.",
        )
    } else if doctor.findings.is_empty() {
        view! { <p class="calm">{icon(Tone::Good)} " Nothing was found."</p> }.into_any()
    } else {
        let pills = [Severity::Error, Severity::Warning, Severity::Info].map(|severity| {
            let count = doctor.findings.iter().filter(|one| one.severity == severity).count();
            (count > 0).then(|| severity_pill(severity, count))
        });
        view! {
            <p class="pills">{pills.into_iter().flatten().collect_view()}</p>
            {notices(&doctor.findings)}
        }
        .into_any()
    };
    section("findings-title", "Findings", content)
}

const CHECKS: [Column; 3] =
    [Column::text("Looked at"), Column::text("Result"), Column::text("Code")];

fn checks(doctor: &Doctor) -> AnyView {
    if doctor.checks.is_empty() {
        return ().into_any();
    }
    let probed = match doctor.probed {
        Some(at) => view! {
            <p class="small">"Applications and core's clock were last looked at " {moment(at, doctor.now)} "."</p>
        }
        .into_any(),
        None => view! {
            <p class="small">"Applications and core's clock have not been looked at yet."</p>
        }
        .into_any(),
    };
    let content = view! {
        {table("Everything the doctor looks at", &CHECKS, None, doctor.checks.iter().map(check).collect())}
        {probed}
    };
    section("checks-title", "What is looked at", content.into_any())
}

fn check(check: &Check) -> AnyView {
    let Check { code, title, findings, unknown } = check.clone();
    let result = match (unknown, findings) {
        (Some(why), 0) => view! { {pill(Tone::Plain, "Unknown")} " " {why} }.into_any(),
        (unknown, 0) => view! { {pill(Tone::Good, "Nothing found")} {unknown} }.into_any(),
        (_, found) => pill(Tone::Odd, counted(found as u64, "finding", "findings")),
    };
    row(&CHECKS, vec![title.into_any(), result, view! { <code>{code}</code> }.into_any()])
}

fn command_line() -> AnyView {
    let content = view! {
        <p class="prose">
            "The same on the command line, where the outpost runs. It exits with a code other than "
            "0 when there is something to mend, so that scripts and deployments can wait for it:"
        </p>
        <pre class="card"><code>"outpost doctor"</code></pre>
    };
    section("command-title", "On the command line", content.into_any())
}

#[cfg(test)]
mod tests;
