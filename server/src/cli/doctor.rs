//! `outpost doctor`: what is wrong, why, and what to do about it.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use outpost_dashboard::model::{Doctor, Notice, Severity};
use serde_json::{Value, json};

use super::ask::{Failure, Outpost, Where};
use super::terminal::{json_line, tame, wrapped};
use super::{end, exit};
use crate::boot;
use crate::settings::Settings;

/// Widest line.
const WIDTH: usize = 100;

#[derive(Debug, Args)]
#[command(after_help = "The running outpost is asked. Where nobody answers, the settings are \
    looked at, whether core answers and takes the token, and whether the session store answers.\n\n\
    Exit codes: 0 nothing as bad as --fail-on was found, 1 something was, 2 wrong usage, 3 nobody \
    could be asked.")]
pub(super) struct DoctorArguments {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    /// From which severity on the exit code is 1
    #[arg(long, value_enum, default_value = "error", value_name = "SEVERITY")]
    fail_on: FailOn,
    #[command(flatten)]
    at: Where,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Never,
}

impl FailOn {
    fn fails(self, findings: &[Notice]) -> bool {
        let from = match self {
            Self::Error => Severity::Error,
            Self::Warning => Severity::Warning,
            Self::Never => return false,
        };
        findings.iter().any(|notice| notice.severity >= from)
    }
}

impl DoctorArguments {
    /// Looks; gives the exit code.
    pub(super) fn run(self, settings: &Settings) -> ExitCode {
        let done = actix_web::rt::System::new().block_on(self.look(settings));
        let told = |error: Failure| format!("outpost doctor: {error}\n");
        match done {
            Ok(code) => code.into(),
            Err(Failure::Unheard) => ExitCode::SUCCESS,
            Err(error @ Failure::Usage(_)) => end(&mut io::stderr(), &told(error), exit::USAGE),
            Err(error) => end(&mut io::stderr(), &told(error), exit::UNREACHED),
        }
    }

    async fn look(self, settings: &Settings) -> Result<u8, Failure> {
        let asked = match Outpost::new(settings, self.at.url.clone()) {
            Ok(mut outpost) => outpost.get::<Doctor>("doctor", &[]).await,
            Err(error) => Err(error),
        };
        let (doctor, code) = match asked {
            Ok(doctor) => {
                let code = if self.fail_on.fails(&doctor.findings) { exit::NO } else { 0 };
                (doctor, code)
            }
            Err(Failure::Unreached(why)) => {
                let _ = writeln!(io::stderr(), "outpost doctor: {}", tame(&why));
                (boot::look_alone(settings).await, exit::UNREACHED)
            }
            Err(error) => return Err(error),
        };
        let text = if self.json {
            json_line(&serde_json::to_value(&doctor).unwrap_or_else(|_| json!(Value::Null)))
        } else {
            for_people(&doctor)
        };
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(code)
    }
}

fn for_people(doctor: &Doctor) -> String {
    let mut text = String::new();
    for Notice { severity, code, provider, message, remedy } in &doctor.findings {
        let severity = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        let about = provider.as_ref().map_or_else(String::new, |provider| {
            format!(", provider {:?} ({})", tame(&provider.name), provider.pk)
        });
        let _ = writeln!(text, "{severity}: {}{about}", tame(code));
        text.push_str(&wrapped(message, "  ", WIDTH));
        if !remedy.is_empty() {
            text.push_str(&wrapped(&format!("What to do: {remedy}"), "  ", WIDTH));
        }
        text.push('\n');
    }
    for check in &doctor.checks {
        let result = match (&check.unknown, check.findings) {
            (Some(why), 0) => format!("?  {}: {}", tame(&check.title), tame(why)),
            (Some(why), count) => format!("{count}  {}; {}", tame(&check.title), tame(why)),
            (None, 0) => format!("ok {}", tame(&check.title)),
            (None, count) => format!("{count}  {}", tame(&check.title)),
        };
        let _ = writeln!(text, "{result}");
    }
    text
}

#[cfg(test)]
mod tests {
    use outpost_dashboard::model::{Check, ProviderRef};

    use super::*;

    fn finding(severity: Severity) -> Notice {
        Notice {
            severity,
            code: "clock_skew".to_owned(),
            provider: Some(ProviderRef { pk: 7, name: "Shop".to_owned() }),
            message: "It is late.".to_owned(),
            remedy: "Wind it up.".to_owned(),
        }
    }

    #[test]
    fn the_exit_code_is_as_asked_for() {
        for (found, error, warning) in [
            (vec![], false, false),
            (vec![finding(Severity::Info)], false, false),
            (vec![finding(Severity::Info), finding(Severity::Warning)], false, true),
            (vec![finding(Severity::Error)], true, true),
        ] {
            assert_eq!(FailOn::Error.fails(&found), error);
            assert_eq!(FailOn::Warning.fails(&found), warning);
            assert!(!FailOn::Never.fails(&found));
        }
    }

    #[test]
    fn people_read_what_is_wrong_and_what_was_looked_at() {
        let check = |title: &str, findings, unknown: Option<&str>| Check {
            code: String::new(),
            title: title.to_owned(),
            findings,
            unknown: unknown.map(str::to_owned),
        };
        let doctor = Doctor {
            findings: vec![finding(Severity::Error)],
            checks: vec![
                check("Clocks agree", 1, None),
                check("Hosts", 0, None),
                check("Replicas", 0, Some("alone")),
            ],
            ..Doctor::default()
        };
        let expected = "error: clock_skew, provider \"Shop\" (7)\n  It is late.\n  What to do: Wind \
            it up.\n\n1  Clocks agree\nok Hosts\n?  Replicas: alone\n";
        assert_eq!(for_people(&doctor), expected);
    }
}
