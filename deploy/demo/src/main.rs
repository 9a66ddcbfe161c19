//! The demo: one process with everything a first look at the outpost needs.

use std::{
    io::Write as _,
    net::{Ipv4Addr, TcpListener},
    process::ExitCode,
};

use clap::Parser;
use outpost::{
    boot,
    settings::{Settings, Sources},
};
use outpost_demo::{
    cast::{self, Ports},
    core::{CoreOptions, StandInCore},
    sample_app::SampleApp,
};

/// Shows the outpost at work: a stand-in authentik core, a sample application and the outpost, in one process.
#[derive(Debug, Parser)]
#[command(version, after_help = WITH_CURL)]
struct Arguments {
    #[command(flatten)]
    ports: Ports,
}

const WITH_CURL: &str = r#"Sign in with curl alone:
  jar=$(mktemp)
  authorize=$(curl -s -b $jar -c $jar -o /dev/null -w '%{redirect_url}' -H 'Accept: text/html' \
    'http://app.localhost:9000/outpost.goauthentik.io/start?rd=/json')
  callback=$(curl -s -o /dev/null -w '%{redirect_url}' -d username=alice -d password=alice-password "$authorize")
  curl -s -b $jar -c $jar -L "$callback"
  curl -s -b $jar -c $jar -o /dev/null -w '%{redirect_url}\n' http://app.localhost:9000/outpost.goauthentik.io/sign_out

Forward auth has no reverse proxy in front here. Ask what one would ask:
  curl -i http://127.0.0.1:9000/outpost.goauthentik.io/auth/traefik \
    -H 'X-Forwarded-Proto: http' -H 'X-Forwarded-Host: forward.localhost:9000' -H 'X-Forwarded-Uri: /'
  curl -i http://127.0.0.1:9000/outpost.goauthentik.io/auth/nginx \
    -H 'Host: anything.domain.localhost:9000' -H 'X-Original-URL: http://anything.domain.localhost:9000/'
"#;

fn main() -> ExitCode {
    let ports = Arguments::parse().ports;
    match actix_rt::System::new().block_on(run(&ports)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nowhere is left to report that the error stream is closed.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// Starts everything, says so, and waits for the end.
async fn run(ports: &Ports) -> Result<(), Box<dyn std::error::Error>> {
    check_ports(ports)?;
    let app = SampleApp::start(ports.app_port)?;
    let core = StandInCore::start(CoreOptions { port: ports.core_port, ..CoreOptions::default() })?;
    cast::populate(&core, ports.http_port, &app.url())?;
    let settings = Settings::load(&Sources {
        environment: cast::outpost_environment(&core, ports),
        ..Sources::default()
    })?;
    let (log, lines) = outpost::ops::logging::init(&settings.log)?;
    let outpost = boot::start(&settings, Some(log)).await?;
    std::io::stdout().write_all(welcome(ports).as_bytes())?;
    stop_signal().await?;
    outpost.stop().await;
    lines.close();
    Ok(())
}

/// Every port that is taken, each with the flag that changes it.
fn check_ports(ports: &Ports) -> Result<(), String> {
    let taken: Vec<String> = ports
        .flags()
        .into_iter()
        .filter_map(|(port, flag, purpose)| {
            let error = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).err()?;
            Some(format!("port {port} for {purpose} cannot be used ({error}): choose another with {flag} PORT"))
        })
        .collect();
    if taken.is_empty() { Ok(()) } else { Err(taken.join("\n")) }
}

/// What to open and who can sign in.
fn welcome(ports: &Ports) -> String {
    let Ports { http_port, https_port, metrics_port, dashboard_port, core_port, app_port } = ports;
    format!(
        "The demo is running on 127.0.0.1; Ctrl-C stops everything.

  Open     http://app.localhost:{http_port}/             the sample application, behind the outpost
           http://app.localhost:{http_port}/public/hello a page of it that needs no sign-in
           http://127.0.0.1:{dashboard_port}/                 the dashboard
           http://127.0.0.1:{metrics_port}/metrics          the metrics

  Sign in  alice / alice-password   superuser, in admins and staff
           bob   / bob-password     in staff
           curl -u alice:{app_password} http://app.localhost:{http_port}/json

  Also     https://app.localhost:{https_port}/            the same with a self-signed certificate
           http://127.0.0.1:{core_port}/                 the stand-in core
           http://127.0.0.1:{app_port}/                 the sample application without protection
           forward.localhost:{http_port} and *.domain.localhost:{http_port} for forward auth: see --help

",
        app_password = cast::ALICE_APP_PASSWORD,
    )
}

/// Ctrl-C, or what a service manager sends.
async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
