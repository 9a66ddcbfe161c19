//! What the exit code says.

use std::net::TcpListener;

use outpost_demo::core::{CoreOptions, StandInCore};
use outpost_tests::Program;

#[tokio::test]
async fn the_exit_code_says_how_an_outpost_ended() {
    let core = StandInCore::start(CoreOptions::default()).expect("a core");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("bound").to_string();
    for (variables, signal, code, said) in [
        (&[][..], Some("TERM"), 0, "the outpost stops"),
        (&[][..], Some("INT"), 0, "the outpost stops"),
        (&[("AUTHENTIK_LISTEN__HTTP", taken.as_str())][..], None, 1, "cannot listen on"),
        (&[("AUTHENTIK_LISTEN__HTTP", "everywhere")][..], None, 2, "AUTHENTIK_LISTEN__HTTP"),
    ] {
        let outpost = Program::start(&core, variables);
        if let Some(signal) = signal {
            outpost.line("the outpost listens").await;
            outpost.signal(signal);
        }
        assert_eq!(outpost.exit_code().await, Some(code), "{variables:?} {signal:?}");
        assert!(outpost.count(said) > 0, "{said}: {:?}", outpost.lines());
    }
}
