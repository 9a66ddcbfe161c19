//! `kill -9` in the middle of writes: what was acknowledged holds.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};

use super::*;
use crate::session::contract::lasting;
use crate::session::id::SessionId;

/// In whose presence the child knows that it is meant.
const MARK: &str = "write here until you are killed";

fn numbered(n: u64) -> SessionKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    SessionId::from_bytes(bytes).key()
}

/// Says something that the parent can rely on having been said before what follows.
fn say(what: &str, n: u64) {
    let line = format!("\n@{what} {n}.\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
}

/// Several begin sessions at once and end every third one.
#[actix_rt::test]
#[ignore = "the child of the test below"]
async fn child() {
    let here = std::env::current_dir().unwrap();
    if !here.join(MARK).exists() {
        return;
    }
    let store = Arc::new(open(&here.join("sessions.redb")));
    let writers = (0..8u64).map(|writer| {
        let store = Arc::clone(&store);
        async move {
            let record = lasting(1, 7, &format!("user-{writer}"), Some("sid"), 10_000);
            for n in (writer..).step_by(8) {
                store.insert(numbered(n), &record).await.unwrap();
                say("kept", n);
                store.touch(&numbered(n), record.seen.plus(1)).await.unwrap();
                if n % 3 == 0 {
                    say("ending", n);
                    store.end(&Selection::Key(numbered(n))).await.unwrap();
                    say("ended", n);
                }
            }
        }
    });
    futures_util::future::join_all(writers).await;
}

#[actix_rt::test]
async fn what_was_acknowledged_before_a_kill_holds_after_it() {
    for lines in [40, 150, 333] {
        let folder = Folder::new();
        fs::write(folder.0.join(MARK), "").unwrap();
        let Said { kept, ending, ended } = until_killed(&folder, lines);
        assert!(!kept.is_empty() && !ended.is_empty());
        let store = open(&folder.sessions());
        let now = contract::present();
        for n in &kept {
            let there = store.get(&numbered(*n), now).await.unwrap().is_some();
            if ended.contains(n) {
                assert!(!there, "{n} had ended");
            } else if !ending.contains(n) {
                assert!(there, "{n} was kept");
            }
        }
        // The indexes say the same as the sessions.
        let count = store.count(None, now).await.unwrap();
        assert_eq!(store.count(Some(7), now).await, Ok(count));
        let all = Selection::CoreSession("sid".into());
        assert_eq!(store.end(&all).await.unwrap().len(), count);
        assert_eq!(store.count(None, now).await, Ok(0));
    }
}

/// What a child has said.
#[derive(Default)]
struct Said {
    kept: BTreeSet<u64>,
    ending: BTreeSet<u64>,
    ended: BTreeSet<u64>,
}

/// Lets a child write, kills it after so many lines, and hears it to its end.
fn until_killed(folder: &Folder, lines: usize) -> Said {
    let name = module_path!().split_once("::").unwrap().1;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{name}::child"), "--ignored", "--nocapture"])
        .current_dir(&folder.0)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Said::default();
    let mut heard = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        // A line that the kill cut short lacks its dot.
        let line = line.strip_prefix('@').and_then(|line| line.strip_suffix('.'));
        let Some((what, n)) = line.and_then(|line| line.split_once(' ')) else { continue };
        let n = n.parse().unwrap();
        match what {
            "kept" => said.kept.insert(n),
            "ending" => said.ending.insert(n),
            _ => said.ended.insert(n),
        };
        heard += 1;
        if heard == lines {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(heard >= lines && !status.success(), "the child ended by itself: {status}");
    said
}
