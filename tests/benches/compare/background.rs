//! What this process does beside load: core's stand-in answers in it, and what servers write is read.
//! All of it stays away from their processor, and behind the load on the other one: neither is kept
//! waiting by it, and so neither is its time measured for theirs.

use std::path::PathBuf;
use std::process::{Command, Output};

/// Leaves the first processor to servers. What is started from here on does the same, unless it is told
/// otherwise ([`super::server::on_processor`]): Redis, which has a machine of its own elsewhere.
///
/// To be called before there are other threads.
pub(crate) fn leave_the_servers_processor() {
    let own = std::process::id().to_string();
    let done = run("taskset", &["--cpu-list", "--pid", "1", &own]);
    assert!(done.status.success(), "taskset: {}", String::from_utf8_lossy(&done.stderr));
}

/// Has only what load leaves of the second processor from now on. All threads but the first one do:
/// whatever that one starts would inherit it, and not everybody may take it back.
pub(crate) fn give_way() {
    let own = std::process::id().to_string();
    let listed = std::fs::read_dir("/proc/self/task").expect("its threads");
    for thread in listed.flatten() {
        let Ok(number) = thread.file_name().into_string() else { continue };
        if number == own {
            continue;
        }
        let done = run("chrt", &["--idle", "--pid", "0", &number]);
        // One that read what a server wrote has ended with it.
        let ended = || !PathBuf::from("/proc/self/task").join(&number).exists();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() || ended(), "chrt: {said}");
    }
}

fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output();
    output.unwrap_or_else(|error| panic!("{program}: {error}"))
}
