//! Finding the outpost, and saying so when it is not found.

use std::net::{IpAddr, Ipv4Addr};

use outpost_tests::World;
use outpost_tests::ports;

use crate::sessions_cli::support::{sessions, sessions_with};

#[tokio::test]
async fn a_command_that_finds_nobody_says_what_to_do() {
    let world = World::start().await;
    let free = format!("127.0.0.1:{}", ports::free(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    for (listen, word) in [
        ("off", "dashboard.listen is off"),
        ("127.0.0.1:0", "--url"),
        (free.as_str(), "no outpost answers"),
    ] {
        let more = [("OUTPOST__DASHBOARD__LISTEN", listen)];
        for command in [&["list"][..], &["revoke", "--user", "alice", "--yes"]] {
            let said = sessions_with(&world, command, &more);
            assert_eq!((said.code, &*said.out), (1, ""), "{said:?}");
            assert!(said.err.contains(word), "{listen}: {said:?}");
        }
    }
    // Somebody else's listener.
    let http = format!("http://{}", world.http());
    let said = sessions(&world, &["list", "--url", &http]);
    assert_eq!((said.code, &*said.out), (1, ""), "{said:?}");
}

#[tokio::test]
async fn the_first_of_several_addresses_that_answers_is_taken_and_a_url_goes_before_all() {
    let world = World::start().await;
    let free = format!("127.0.0.1:{}", ports::free(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    let bound = world.outpost.addresses.dashboard[0];
    let both = format!("{free},{bound}");
    let said = sessions_with(&world, &["list"], &[("OUTPOST__DASHBOARD__LISTEN", &both)]);
    assert_eq!((said.code, &*said.err), (0, "no sessions\n"), "{said:?}");
    for url in [format!("http://{bound}"), format!("http://localhost:{}/", bound.port())] {
        let more = [("OUTPOST__DASHBOARD__LISTEN", free.as_str())];
        let said = sessions_with(&world, &["list", "--url", &url], &more);
        assert_eq!((said.code, &*said.err), (0, "no sessions\n"), "{url}: {said:?}");
    }
}

#[tokio::test]
async fn wrong_usage_is_2_and_nobody_is_asked() {
    let world = World::start().await;
    for arguments in [
        &[][..],
        &["revoke"],
        &["revoke", "--yes"],
        &["revoke", "--user", "alice", "--sub", "x"],
        &["revoke", "alice"],
        &["list", "--user", "alice", "--provider", "app"],
        &["list", "--limit", "many"],
        &["list", "--all", "--limit", "7"],
        &["list", "--url", "nowhere"],
        &["list", "--url", "http://outpost.example.com:9301"],
        &["list", "--url", "ftp://localhost"],
    ] {
        let said = sessions(&world, arguments);
        assert_eq!((said.code, &*said.out), (2, ""), "{arguments:?}: {said:?}");
    }
    let help = sessions(&world, &["revoke", "--help"]);
    assert!(help.code == 0 && help.out.contains("--yes"), "{help:?}");
}
