//! `outpost sessions`: who is signed in, and signing out, by the running outpost's API.

mod show;

use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};

use self::show::Table;
use super::ask::{Failure, Outpost, Where, strange};
use super::{end, terminal};
use crate::settings::Settings;

/// Exit code of an order that makes no sense.
const WRONG_USAGE: u8 = 2;

/// Most sessions that are asked for at a time.
const PAGE: usize = 1000;

#[derive(Debug, Subcommand)]
pub(super) enum SessionsCommand {
    /// Print who is signed in; exit 0, or 1 if the outpost cannot be asked
    #[command(
        after_help = "Without a filter all sessions are shown. What clients wrote is shown without \
        control characters."
    )]
    List(ListArguments),
    /// Sign people out: end sessions, on every replica
    #[command(after_help = "Says first how many sessions would end. More than one end only after \
        a yes: typed where the command runs in a terminal, else given as --yes. A session that has \
        ended stays ended; whom authentik lets in can sign in anew.\n\n\
        Exit codes: 0 done (also when there was nothing to end), 1 not done, 2 wrong usage.")]
    #[command(group = ArgGroup::new("meant").args(["key", "sub", "sid", "user", "address", "provider"]).required(true))]
    Revoke(RevokeArguments),
}

/// Which sessions.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Which {
    /// One session, by its full key (list --wide shows it)
    #[arg(long)]
    key: Option<String>,
    /// All of a subject, as tokens name it
    #[arg(long)]
    sub: Option<String>,
    /// All that hang on a session of authentik
    #[arg(long)]
    sid: Option<String>,
    /// All of a user, by user name, exactly as authentik has it
    #[arg(long)]
    user: Option<String>,
    /// All that were begun from an IP address
    #[arg(long)]
    address: Option<String>,
    /// All of a provider, by number, name, or slug of the application
    #[arg(long)]
    provider: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    which: Which,
    /// Print one JSON object a line; times are seconds since 1970
    #[arg(long)]
    json: bool,
    /// Print keys, names and agents in full
    #[arg(long, conflicts_with = "json")]
    wide: bool,
    /// Print this many at most
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
    /// Print all
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    #[command(flatten)]
    at: Where,
}

#[derive(Debug, Args)]
pub(super) struct RevokeArguments {
    #[command(flatten)]
    which: Which,
    /// Only say how many sessions would end
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    at: Where,
}

/// Limit of one revocation: a provider may have very many sessions.
const REVOCATION: Duration = Duration::from_secs(900);

/// A page of sessions.
#[derive(Debug, Deserialize)]
struct Page {
    sessions: Vec<Value>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Report {
    ended: Option<u64>,
    would_end: Option<u64>,
}

/// Carries out an order; gives how many sessions ended, or would.
async fn order(outpost: &mut Outpost, order: &Value) -> Result<u64, Failure> {
    let report: Report = outpost.post("sessions/revoke", order, REVOCATION).await?;
    report.ended.or(report.would_end).ok_or_else(strange)
}

impl SessionsCommand {
    /// Does it; gives the exit code.
    pub(super) fn run(self, settings: &Settings) -> ExitCode {
        let done = actix_web::rt::System::new().block_on(async {
            match self {
                Self::List(arguments) => list(settings, arguments).await,
                Self::Revoke(arguments) => revoke(settings, arguments).await,
            }
        });
        let told = |error| format!("outpost sessions: {error}\n");
        match done {
            Ok(()) | Err(Failure::Unheard) => ExitCode::SUCCESS,
            Err(error @ Failure::Usage(_)) => end(&mut io::stderr(), &told(error), WRONG_USAGE),
            Err(error @ (Failure::NotDone(_) | Failure::Unreached(_))) => {
                end(&mut io::stderr(), &told(error), 1)
            }
        }
    }
}

impl Which {
    /// The filter's name and value, as the API calls them.
    fn named(self) -> Option<(&'static str, String)> {
        let Self { key, sub, sid, user, address, provider } = self;
        let all = [
            ("key", key),
            ("sub", sub),
            ("sid", sid),
            ("user", user),
            ("address", address),
            ("provider", provider),
        ];
        all.into_iter().find_map(|(name, value)| Some((name, value?)))
    }
}

async fn list(settings: &Settings, arguments: ListArguments) -> Result<(), Failure> {
    let mut outpost = Outpost::new(settings, arguments.at.url)?;
    let filter = arguments.which.named();
    let most = if arguments.all { usize::MAX } else { arguments.limit };
    let mut table = Table::new(arguments.wide);
    let mut shown = 0;
    let mut cursor: Option<String> = None;
    let mut out = io::stdout().lock();
    loop {
        let limit = PAGE.min(most - shown).max(1);
        let mut query: Vec<(&str, String)> = filter.iter().cloned().collect();
        query.push(("limit", limit.to_string()));
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page: Page = outpost.get("sessions", &query).await?;
        let (sessions, left) = split(page.sessions, most - shown);
        shown += sessions.len();
        let text = if arguments.json {
            sessions.iter().map(terminal::json_line).collect()
        } else {
            table.rows(&sessions)?
        };
        out.write_all(text.as_bytes())?;
        let more = left > 0 || page.next.is_some();
        if shown >= most && more {
            let hint = "there may be more sessions; --all or a higher --limit shows them\n";
            let _ = io::stderr().write_all(hint.as_bytes());
        }
        cursor = page.next;
        if shown >= most || cursor.is_none() {
            break;
        }
    }
    out.flush()?;
    if shown == 0 {
        let _ = io::stderr().write_all(b"no sessions\n");
    }
    Ok(())
}

/// The first `most`, and how many are left.
fn split(mut sessions: Vec<Value>, most: usize) -> (Vec<Value>, usize) {
    let left = sessions.len().saturating_sub(most);
    sessions.truncate(most);
    (sessions, left)
}

async fn revoke(settings: &Settings, arguments: RevokeArguments) -> Result<(), Failure> {
    let (name, value) = arguments
        .which
        .named()
        .ok_or_else(|| Failure::Usage("say which sessions; see --help".to_owned()))?;
    let mut outpost = Outpost::new(settings, arguments.at.url)?;
    let meant = |dry_run: bool| json!({ name: value.as_str(), "dry_run": dry_run });
    let would_end = order(&mut outpost, &meant(true)).await?;
    let mut out = io::stdout().lock();
    writeln!(out, "{} would end", sessions(would_end))?;
    if arguments.dry_run || would_end == 0 {
        return Ok(());
    }
    if would_end > 1 && !arguments.yes && !agreed()? {
        return Err(Failure::NotDone("nothing was ended".to_owned()));
    }
    let ended = order(&mut outpost, &meant(false)).await?;
    writeln!(out, "{} ended", sessions(ended))?;
    Ok(())
}

fn sessions(count: u64) -> String {
    if count == 1 { "1 session".to_owned() } else { format!("{count} sessions") }
}

/// Asks whoever sits at the terminal.
fn agreed() -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        let message = "nothing was ended: say --yes to end more than one session";
        return Err(Failure::NotDone(message.to_owned()));
    }
    io::stderr().write_all(b"End them? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}
