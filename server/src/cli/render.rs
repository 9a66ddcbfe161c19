//! `outpost render`: configuration for what stands around the outpost.

mod applications;
mod files;
mod site;
mod source;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use outpost_render::{Input, Outpost, RenderError, Target, render};

use self::applications::Known;
use self::site::SiteArguments;
use super::ask::Failure;
use super::terminal::tame;
use super::{end, exit};
use crate::authentik::saved::Said;
use crate::settings::Settings;

#[derive(Debug, Args)]
#[command(after_help = "Core is asked for the outpost and its providers, with AUTHENTIK_HOST and \
    AUTHENTIK_TOKEN; no outpost needs to run. Other settings count as they do for the outpost: \
    compat.akprox, identity, core.host_browser. No secret is in the output without --with-token. A provider that \
    cannot be served is told on standard error and left out, and so is what to do about it. An \
    option that changes nothing in the output is told of there, too.\n\n\
    Exit codes: 0 it is written, 1 it cannot be, 2 wrong usage, 3 core or the file could not be \
    read.")]
pub(super) struct RenderArguments {
    /// What to write it for
    #[arg(value_name = "TARGET", value_parser = targets(), required_unless_present = "dump")]
    target: Option<Target>,
    /// For this provider alone, by name, slug of its application, or number; may be given several
    /// times [default: all]
    #[arg(long = "provider", value_name = "PROVIDER")]
    providers: Vec<String>,
    /// Read what core says from FILE, as --dump writes it or as core answers, and ask nobody; - for
    /// standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Write what core says: a file for --from, without client secrets, cookie secrets and
    /// credentials in addresses. Options of the outpost, such as labels and patches, stand in it
    /// as they are in core
    #[arg(long, conflicts_with_all = ["target", "providers", "output", "SiteArguments"])]
    dump: bool,
    /// Write files into DIR, in place of everything to standard output
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Write over files that are there
    #[arg(long, requires = "output")]
    force: bool,
    #[command(flatten)]
    site: SiteArguments,
}

/// Reads the name of a target; help and completions know all of them.
fn targets() -> impl TypedValueParser<Value = Target> {
    let named = |target: Target| PossibleValue::new(target.code()).help(target.about());
    PossibleValuesParser::new(Target::ALL.map(named))
        .try_map(|code| Target::of_code(&code).ok_or("there is no such target"))
}

impl RenderArguments {
    /// Whether core is not asked, and so need not be known.
    pub(super) const fn is_without_core(&self) -> bool {
        self.from.is_some()
    }

    /// Renders; gives the exit code.
    pub(super) fn run(self, settings: &Settings) -> ExitCode {
        let done = actix_web::rt::System::new().block_on(self.rendered(settings));
        let code = match &done {
            Ok(()) | Err(Failure::Unheard) => return ExitCode::SUCCESS,
            Err(Failure::NotDone(_)) => exit::NO,
            Err(Failure::Usage(_)) => exit::USAGE,
            Err(Failure::Unreached(_)) => exit::UNREACHED,
        };
        let told = done.err().map(|error| error.to_string()).unwrap_or_default();
        end(&mut io::stderr(), &format!("outpost render: {told}\n"), code)
    }

    async fn rendered(self, settings: &Settings) -> Result<(), Failure> {
        let said = source::read(self.from.as_deref(), settings).await?;
        let Some(target) = self.target else { return print(&dump(&said)) };
        let known = applications::known(&said, settings);
        let chosen = applications::chosen(known, &self.providers)?;
        let (applications, refused) = applications::divided(chosen);
        for provider in &refused {
            note(provider);
        }
        let input = |site: &SiteArguments| Input {
            outpost: Outpost {
                uuid: said.outpost.pk.clone(),
                name: said.outpost.name.clone(),
                config: said.outpost.config.clone(),
            },
            applications: site.copied_by(&applications),
            site: site.site(settings),
        };
        let rendered = render(target, &input(&self.site)).map_err(|error| match error {
            RenderError::NoApplication if !refused.is_empty() => {
                Failure::NotDone("none of the outpost's providers can be served".to_owned())
            }
            error => Failure::NotDone(tame(&error.to_string())),
        })?;
        for option in
            self.site.unused(|site| render(target, &input(site)).as_ref() == Ok(&rendered))
        {
            note(&format!("{option} changes nothing in the output for {}\n", target.code()));
        }
        match &self.output {
            None => print(&rendered.to_string()),
            Some(folder) => {
                let how = files::How { force: self.force, private: self.site.is_secret() };
                print(&files::write(folder, &rendered, how)?)
            }
        }
    }
}

/// What core says, for people and for `--from`.
fn dump(said: &Said) -> String {
    for record in &said.providers.unreadable {
        note(&Known::from(record.clone()).to_string());
    }
    // Whoever prints a file wants it as it is: JSON escapes control characters by itself.
    let text = serde_json::to_string_pretty(&said.without_secrets());
    text.unwrap_or_default() + "\n"
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Tells something that stops nothing. Nobody may be listening.
fn note(text: &str) {
    let _ = io::stderr().write_all(format!("outpost render: {text}").as_bytes());
}
