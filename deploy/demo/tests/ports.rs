//! The demo's ports: each can be changed, and a taken one is told with the flag that changes it.

use std::{net::TcpListener, process::Command};

const FLAGS: [&str; 6] = [
    "--http-port",
    "--https-port",
    "--metrics-port",
    "--dashboard-port",
    "--core-port",
    "--app-port",
];

#[test]
fn a_taken_port_is_told_with_its_flag() -> std::io::Result<()> {
    let held = TcpListener::bind("127.0.0.1:0")?;
    let port = held.local_addr()?.port().to_string();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_outpost-demo"));
    let output = demo.args(FLAGS.iter().flat_map(|flag| [*flag, port.as_str()])).output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert_eq!(told.lines().count(), FLAGS.len(), "{told}");
    for (line, flag) in told.lines().zip(FLAGS) {
        assert!(
            line.starts_with(&format!("port {port} ")) && line.ends_with(&format!("{flag} PORT")),
            "{line}"
        );
    }
    Ok(())
}
