//! `outpost explain`: what the running outpost would decide about a request that is never sent.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use outpost_dashboard::model::{ExplainPage, Explained, Outcome, Reasoning, Tone, Via};

use super::ask::{Failure, Outpost, Where, strange};
use super::terminal::{json_line, tame, wrapped};
use super::{end, exit};
use crate::settings::Settings;

/// Widest line.
const WIDTH: usize = 100;

#[derive(Debug, Args)]
#[command(after_help = "The running outpost is asked; nothing is sent anywhere, and nothing \
    changes. Credentials are not needed: --user says who would be signed in.\n\n\
    Exit codes: 0 the request would be let through, 1 it would not, 2 wrong usage, 3 nobody could \
    be asked.")]
pub(super) struct ExplainArguments {
    /// The URL as a browser shows it, e.g. https://app.example.com/reports?year=2026
    #[arg(value_name = "URL")]
    target: String,
    /// The method
    #[arg(long, default_value = "GET")]
    method: String,
    /// A header of the request, as `Name: value`; may be given several times
    #[arg(long = "header", value_name = "HEADER")]
    headers: Vec<String>,
    /// Address of whoever connects to the outpost: the client or the reverse proxy [default:
    /// 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    peer: Option<String>,
    /// Name of a user who is signed in [default: nobody is]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// How the request reaches the outpost: by itself (proxy mode), or by a reverse proxy that
    /// asks
    #[arg(long, value_parser = ways(), default_value = Via::default().code())]
    via: Via,
    /// Print the reasoning as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: Where,
}

/// Reads the name of a way; help and completions know all of them.
fn ways() -> impl TypedValueParser<Value = Via> {
    PossibleValuesParser::new(Via::ALL.map(Via::code))
        .try_map(|code| Via::of_code(&code).ok_or("there is no such way"))
}

impl ExplainArguments {
    /// Asks; gives the exit code.
    pub(super) fn run(self, settings: &Settings) -> ExitCode {
        let done = actix_web::rt::System::new().block_on(self.explain(settings));
        let told = |error: Failure| format!("outpost explain: {error}\n");
        match done {
            Ok(code) => code.into(),
            Err(Failure::Unheard) => ExitCode::SUCCESS,
            Err(error @ Failure::Usage(_)) => end(&mut io::stderr(), &told(error), exit::USAGE),
            Err(error) => end(&mut io::stderr(), &told(error), exit::UNREACHED),
        }
    }

    async fn explain(self, settings: &Settings) -> Result<u8, Failure> {
        let mut outpost = Outpost::new(settings, self.at.url.clone())?;
        let query = [
            ("url", self.target),
            ("method", self.method),
            ("headers", self.headers.join("\n")),
            ("peer", self.peer.unwrap_or_default()),
            ("user", self.user.unwrap_or_default()),
            ("via", self.via.code().to_owned()),
        ];
        let answer: serde_json::Value = outpost.get("explain", &query).await?;
        let page: ExplainPage = serde_json::from_value(answer.clone()).map_err(|_| strange())?;
        if let Some(problem) = page.problem {
            return Err(Failure::Usage(problem));
        }
        let explained = page.explained.ok_or_else(strange)?;
        let text = if self.json { json_line(&answer) } else { for_people(&explained) };
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        let through = explained.reasoning.outcome == Outcome::Allowed;
        Ok(if through { 0 } else { exit::NO })
    }
}

fn for_people(explained: &Explained) -> String {
    let Explained { reasoning, answer, request } = explained;
    let mut text = String::new();
    let verdict = match reasoning.outcome {
        Outcome::Allowed => "let through",
        Outcome::SignIn => "not let through without a sign-in",
        Outcome::Denied => "refused",
        Outcome::Failed => "cannot be decided now",
    };
    let Reasoning { action, reason, explanation, provider, .. } = reasoning;
    let by = if reason.is_empty() { String::new() } else { format!(" ({action}, {reason})") };
    let _ = writeln!(text, "{verdict}{by}");
    text.push_str(&wrapped(explanation, "  ", WIDTH));
    if let Some(provider) = provider {
        let _ = writeln!(text, "  provider: {} ({})", tame(&provider.name), provider.pk);
    }
    text.push_str(&wrapped(&format!("The client would get: {answer}"), "  ", WIDTH));
    if !reasoning.remedy.is_empty() {
        text.push_str(&wrapped(&format!("What to do: {}", reasoning.remedy), "  ", WIDTH));
    }
    if !reasoning.steps.is_empty() {
        text.push_str("\nsteps\n");
    }
    for step in &reasoning.steps {
        let mark = match step.tone {
            Tone::Good => "+",
            Tone::Plain => " ",
            Tone::Odd => "!",
            Tone::Bad => "-",
        };
        let _ = writeln!(text, "  {mark} {}", tame(&step.title));
        text.push_str(&wrapped(&step.found, "      ", WIDTH));
    }
    if !reasoning.near.is_empty() {
        text.push_str("\nnearly matched\n");
    }
    for near in &reasoning.near {
        let (what, provider) = (tame(&near.what), tame(&near.provider.name));
        let _ = writeln!(text, "  {what} (provider {provider:?})");
        text.push_str(&wrapped(&near.why_not, "      ", WIDTH));
    }
    text.push_str("\nthe request, as the outpost would see it\n");
    for line in request {
        let _ = writeln!(text, "  {}", tame(line));
    }
    text
}

#[cfg(test)]
mod tests {
    use outpost_dashboard::model::{Near, ProviderRef, Step};

    use super::*;

    #[test]
    fn people_read_verdict_steps_and_what_to_do() {
        let provider = ProviderRef { pk: 7, name: "Shop\u{1b}[2J".to_owned() };
        let explained = Explained {
            reasoning: Reasoning {
                action: "deny".to_owned(),
                outcome: Outcome::Denied,
                reason: "no_provider".to_owned(),
                explanation: "Nobody serves it.".to_owned(),
                remedy: "Assign it.".to_owned(),
                provider: None,
                steps: vec![Step {
                    code: "sought".to_owned(),
                    title: "Provider".to_owned(),
                    found: "None.".to_owned(),
                    tone: Tone::Bad,
                }],
                near: vec![Near {
                    kind: "host".to_owned(),
                    what: "shop.test".to_owned(),
                    provider,
                    why_not: "It is spelt differently.".to_owned(),
                }],
                ..Reasoning::default()
            },
            answer: "400 Bad Request".to_owned(),
            request: vec!["GET / HTTP/1.1".to_owned()],
        };
        let text = for_people(&explained);
        let expected = "refused (deny, no_provider)\n  Nobody serves it.\n  The client would get: \
            400 Bad Request\n  What to do: Assign it.\n\nsteps\n  - Provider\n      None.\n\nnearly \
            matched\n  shop.test (provider \"Shop\u{fffd}[2J\")\n      It is spelt differently.\n\n\
            the request, as the outpost would see it\n  GET / HTTP/1.1\n";
        assert_eq!(text, expected);
    }
}
