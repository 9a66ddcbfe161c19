//! The units: as systemd reads them, and with the outpost started as they start it.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use outpost_demo::core::{CoreOptions, StandInCore};
use outpost_tests::folder::Folder;
use outpost_tests::process::{Process, signal};
use outpost_tests::program::{executable, run};
use outpost_tests::repository::read;
use outpost_tests::{Browser, parts, ports, wait};

use crate::deploy::support::{CREDENTIALS, replace_once, said};

/// Tenths of what `systemd-analyze security` calls exposure, of 100: below 20 it says "OK". What is
/// left is what a web server cannot do without, a network, and that it may make a thread of its own less
/// important.
const EXPOSURE: u32 = 14;

/// The values of a setting of a unit.
fn values<'t>(unit: &'t str, name: &str) -> Vec<&'t str> {
    let lines = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    lines.collect()
}

/// The units as they are installed, but for where the program is.
fn installed() -> Folder {
    let folder = Folder::new();
    let service = read("deploy/systemd/outpost.service");
    let program = format!("ExecStart={}", executable().display());
    let service = replace_once(&service, "ExecStart=/usr/local/bin/outpost", &program);
    folder.write("outpost.service", &service);
    folder.write("outpost.socket", &read("deploy/systemd/outpost.socket"));
    folder
}

fn analyze(folder: &Folder) -> Command {
    let mut command = Command::new(parts::find("systemd-analyze"));
    // With the machine's own units beside them.
    command.env("SYSTEMD_UNIT_PATH", format!("{}:", folder.path().display()));
    command.current_dir(folder.path()).arg("--no-pager");
    command
}

#[test]
fn systemd_reads_the_units() {
    let folder = installed();
    let output =
        analyze(&folder).args(["verify", "--man=no", "outpost.service", "outpost.socket"]).output();
    let output = output.unwrap();
    let said = said(&output);
    // Units of the machine may have their quirks; of ours nothing may be said.
    assert!(output.status.success() && !said.contains("outpost."), "{said}");
    let wrong =
        replace_once(&read("deploy/systemd/outpost.socket"), "Backlog=1024", "Backlog=many");
    folder.write("outpost.socket", &wrong);
    let output = analyze(&folder).args(["verify", "--man=no", "outpost.socket"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("outpost.socket"), "{output:?}");
}

#[test]
fn the_service_is_locked_up() {
    let folder = installed();
    let mut command = analyze(&folder);
    command.args(["security", "--offline=true", &format!("--threshold={EXPOSURE}")]);
    let output = command.arg("./outpost.service").output().unwrap();
    let said = said(&output);
    let score = said.lines().find(|line| line.contains("Overall exposure level"));
    eprintln!("{}", score.unwrap_or_else(|| panic!("{said}")));
    assert!(output.status.success(), "{said}");
}

/// `systemd-socket-activate` hands over sockets as systemd does, in the order of the unit.
#[tokio::test]
async fn the_service_serves_on_the_sockets_with_the_token_that_it_is_handed() {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    let service = read("deploy/systemd/outpost.service");
    let socket = read("deploy/systemd/outpost.socket");
    assert_eq!(values(&socket, "ListenStream"), ["9000", "9443"]);
    let folder = Folder::new();
    folder.write("secrets_token", &format!("{}\n", core.token()));
    assert_eq!(values(&service, "LoadCredential"), ["secrets:/etc/outpost/secrets"]);
    let place = format!("{}/", folder.path().display());
    let settings = read("deploy/examples/single-host.toml")
        .replace(CREDENTIALS, &place)
        .replace("/var/lib/outpost/", &place);
    let settings = folder.write("outpost.toml", &settings);

    let own = std::net::IpAddr::from([127, 0, 0, 1]);
    let [http, https, metrics] = [(); 3].map(|()| ports::free(own));
    let mut command = Command::new(parts::find("systemd-socket-activate"));
    command.args(["-l", &format!("127.0.0.1:{http}"), "-l", &format!("127.0.0.1:{https}")]);
    let mut variables: Vec<String> =
        values(&service, "Environment").into_iter().map(str::to_owned).collect();
    assert_eq!(variables.len(), 2, "{variables:?}");
    variables.push(format!("AUTHENTIK_HOST={}", core.url()));
    variables.push(format!("AUTHENTIK_LISTEN__METRICS=127.0.0.1:{metrics}"));
    variables.push("OUTPOST__DASHBOARD__LISTEN=off".to_owned());
    for variable in &variables {
        command.args(["-E", variable]);
    }
    command.env_clear().arg(executable()).arg("--config").arg(settings);
    let outpost = Process::start(&mut command);

    let ping = format!("http://127.0.0.1:{http}/outpost.goauthentik.io/ping");
    wait::until_async("an answer on the socket", async || {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        match client.get(&ping).timeout(wait::PATIENCE).send().await {
            Ok(answer) if answer.status() == 204 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let ready = format!("http://127.0.0.1:{metrics}/outpost.goauthentik.io/ready");
    wait::until_async("readiness, which needs the token", async || {
        let answer = Browser::new().get(&ready).await;
        if answer.status.is_success() { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;
    let tls = Command::new(parts::find("curl"))
        .args(["-sk", "-o", "/dev/null", "-w", "%{http_code}"])
        .arg(format!("https://127.0.0.1:{https}/outpost.goauthentik.io/ping"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&tls.stdout), "204", "{tls:?}");
    drop(outpost);
}

/// A service that systemd has given up takes its sockets down with it, and one that is left alone is
/// started by the next connection. What is written is looked at here; no systemd runs.
#[test]
fn systemd_is_told_to_try_a_failing_service_for_ever_and_not_too_often() {
    let service = read("deploy/systemd/outpost.service");
    assert_eq!(values(&service, "StartLimitIntervalSec"), ["0"]);
    assert_eq!(values(&service, "Restart"), ["on-failure"]);
    assert_eq!(values(&service, "RestartSec"), ["10s"]);
    assert!(values(&service, "RestartPreventExitStatus").is_empty());
    let fine = values(&service, "SuccessExitStatus");
    let said = run(&[], &[("AUTHENTIK_HOST", "nonsense")]);
    let code = said.status.code().unwrap();
    assert!(code != 0 && !fine[0].split(' ').any(|it| it == code.to_string()), "{fine:?}");
}

/// Runs the outpost to readiness and its end below `strace`, and holds every system call of it against
/// those that the unit allows.
#[tokio::test]
async fn the_service_may_do_all_that_the_outpost_does() {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    let folder = Folder::new();
    let log = folder.path().join("calls");
    let environment = outpost_tests::program::environment(
        &core,
        &[("OUTPOST__SESSIONS__STORE", &format!("file:{}/sessions.db", folder.path().display()))],
    );
    let mut command = Command::new(parts::find("strace"));
    command.args(["-f", "-qq", "-e", "signal=none", "-o"]).arg(&log).arg(executable());
    command.env_clear().envs(&environment);
    let strace = Process::start(&mut command);
    let line = strace.says("\"the outpost listens\"").unwrap();
    let (_, http) = line.split_once("\"http\":\"[").unwrap();
    let (http, _) = http.split_once(']').unwrap();
    core.wait_connected(1).await.unwrap();
    let url = format!("http://{http}/outpost.goauthentik.io/ping");
    assert_eq!(Browser::new().get(&url).await.status, 204);
    let calls = std::fs::read_to_string(&log).unwrap();
    let pid: u32 = calls.split_whitespace().next().unwrap().parse().unwrap();
    signal(pid, "USR1");
    signal(pid, "TERM");
    assert!(strace.says("no line says this").is_none(), "it ends");

    let allowed = allowed_calls();
    let calls = std::fs::read_to_string(&log).unwrap();
    let mut made: Vec<&str> = calls
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1)?.split_once('('))
        .map(|(name, _)| name)
        .filter(|name| {
            name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        })
        .collect();
    made.sort_unstable();
    made.dedup();
    assert!(made.contains(&"accept4") && made.len() > 30, "{made:?}");
    made.retain(|name| !allowed.contains(&(*name).to_owned()));
    assert!(made.is_empty(), "the unit forbids {made:?}");
    let hidden = hidden_by_proc_subset(&calls);
    assert!(hidden.is_empty(), "the unit hides {hidden:?}");
    assert_eq!(
        std::fs::metadata(folder.path().join("sessions.db")).unwrap().permissions().mode() & 0o77,
        0
    );
}

/// Files below `/proc` that were opened and that `ProcSubset=pid` hides: all but those of processes.
fn hidden_by_proc_subset(calls: &str) -> Vec<&str> {
    let service = read("deploy/systemd/outpost.service");
    assert_eq!(values(&service, "ProcSubset"), ["pid"]);
    let paths = calls.split('"').filter_map(|text| text.strip_prefix("/proc/"));
    let mut hidden: Vec<_> = paths
        .filter(|path| {
            let first = path.split('/').next().unwrap_or_default();
            let of_a_process = ["self", "thread-self"].contains(&first)
                || first.chars().all(|character| character.is_ascii_digit());
            // The allocator's question, which has an answer of its own where there is none.
            !of_a_process && *path != "sys/vm/overcommit_memory"
        })
        .collect();
    hidden.sort_unstable();
    hidden.dedup();
    hidden
}

#[test]
fn what_the_unit_hides_would_be_seen() {
    let calls = "7 openat(AT_FDCWD, \"/proc/self/maps\", O_RDONLY) = 3\n\
                 7 openat(AT_FDCWD, \"/proc/sys/kernel/hostname\", O_RDONLY) = 3\n";
    assert_eq!(hidden_by_proc_subset(calls), ["sys/kernel/hostname"]);
}

/// The system calls that `SystemCallFilter` of the unit lets through.
fn allowed_calls() -> Vec<String> {
    let service = read("deploy/systemd/outpost.service");
    let filters = values(&service, "SystemCallFilter");
    let mut allowed = Vec::new();
    for filter in filters {
        match filter.strip_prefix('~') {
            None => filter.split(' ').for_each(|set| allowed.extend(set_of_calls(set))),
            Some(sets) => {
                let gone: Vec<_> = sets.split(' ').flat_map(set_of_calls).collect();
                allowed.retain(|call| !gone.contains(call));
            }
        }
    }
    assert!(allowed.len() > 100, "{allowed:?}");
    // Always allowed by systemd itself.
    allowed.extend(set_of_calls("@default"));
    allowed.push("execve".to_owned());
    allowed
}

/// The calls of a set, or the one that is named.
fn set_of_calls(set: &str) -> Vec<String> {
    if !set.starts_with('@') {
        return vec![set.to_owned()];
    }
    let output = Command::new(parts::find("systemd-analyze"))
        .args(["syscall-filter", set])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().skip(1).map(str::trim).filter(|line| !line.starts_with('#'));
    lines.flat_map(set_of_calls).collect()
}
