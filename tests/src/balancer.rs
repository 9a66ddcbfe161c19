//! nginx as a load balancer without stickiness in front of replicas.

use std::net::SocketAddr;
use std::process::Command;

use reqwest::{Client, StatusCode};

use crate::daemon::Daemon;
use crate::folder::Folder;
use crate::ports::Place;
use crate::proxies::Reserved;
use crate::{parts, wait};

/// Names, in each answer, the replicas that were asked, as `<address>[, <address>]`.
pub const ASKED: &str = "x-asked";

/// What a worker says once it takes no connection any more.
const LEAVING: &str = "gracefully shutting down";

/// A balancer: each request goes to the next replica, and to another one if it is away or answers
/// 503. It ends when this is dropped.
#[derive(Debug)]
pub struct Balancer {
    daemon: Daemon,
    folder: Folder,
    /// Where it listens.
    pub at: Place,
    generation: usize,
}

impl Balancer {
    /// Starts one in front of these HTTP listeners, and waits until it serves.
    pub async fn start(reserved: Reserved, replicas: &[SocketAddr]) -> Self {
        let folder = Folder::new();
        let at = Place::new(reserved.port());
        write(&folder, at.port(), 0, replicas);
        drop(reserved);
        let mut command = Command::new(parts::find("nginx"));
        command.args(["-e", "stderr", "-c"]).arg(folder.path().join("nginx.conf"));
        let daemon = Daemon::start(command, &folder.path().join("log"));
        let mut balancer = Self { daemon, folder, at, generation: 0 };
        balancer.serves().await;
        balancer
    }

    /// Changes to other replicas without losing a connection, as an orchestrator does; new requests
    /// go to them when this returns, those under way come to their end where they are.
    pub async fn reload(&mut self, replicas: &[SocketAddr]) {
        self.generation += 1;
        write(&self.folder, self.at.port(), self.generation, replicas);
        self.daemon.signal("HUP");
        self.serves().await;
    }

    /// Waits until this generation, and no other, takes connections.
    async fn serves(&mut self) {
        let url = self.at.url("127.0.0.1", "/balancer-generation");
        let generation = self.generation.to_string();
        wait::until_async("the balancer's generation", async || {
            if let Some(status) = self.daemon.ended() {
                panic!("nginx ended ({status}); it said:\n{}", self.daemon.said());
            }
            let left = self.daemon.said().matches(LEAVING).count();
            // A connection of its own each time: an old one stays with the old generation.
            let client = Client::builder().no_proxy().build().expect("a client");
            let answer = client.get(&url).timeout(wait::PATIENCE).send().await;
            let answer = answer.map_err(|error| error.to_string())?;
            let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
            if status == StatusCode::OK && text == generation && left == self.generation {
                return Ok(());
            }
            Err(format!("{status} {text:?}, {left} left; it said:\n{}", self.daemon.said()))
        })
        .await;
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        // Its workers end with it, unless it is killed.
        if self.daemon.is_started() && self.daemon.ended().is_none() {
            self.daemon.terminate();
        }
    }
}

fn write(folder: &Folder, port: u16, generation: usize, replicas: &[SocketAddr]) {
    // Nobody is set aside after a failure: what one replica does must not hide another's answer.
    let servers: Vec<_> =
        replicas.iter().map(|replica| format!("server {replica} max_fails=0;")).collect();
    let text = include_str!("proxies/balancer.conf")
        .replace("@PORT@", &port.to_string())
        .replace("@FOLDER@", &folder.path().to_string_lossy())
        .replace("@GENERATION@", &generation.to_string())
        .replace("@REPLICAS@", &servers.join("\n    "));
    folder.write("nginx.conf", &text);
}
