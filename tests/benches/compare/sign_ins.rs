//! Sign-ins: whole flows, from a page that nobody may see yet to that page. Browsers and core's
//! stand-in live in this process and take far more time than the outpost does: what a flow costs the
//! outpost is its processor time, what it could do in a second alone is a million microseconds by that.

use std::time::{Duration, Instant};

use outpost_demo::core::ProviderSpec;
use outpost_tests::Browser;
use outpost_tests::redis::RedisServer;

use super::figures::Found;
use super::front::{Front, HOST};
use super::load::{Measured, Percentiles};
use super::options::Options;
use super::server::{Server, processor_seconds};
use super::turns::{Compared, Turn, Turns};

/// Browsers at once.
pub(crate) const BROWSERS: usize = 8;

/// What they want to see.
pub(crate) const PAGE: &str = "/bytes/100";

/// With sessions in the outpost's memory, and in Redis.
pub(crate) async fn sign_ins(options: &Options) -> Found {
    let app = Server::bare(&[]);
    let redis = RedisServer::start();
    let upstream = format!("http://{}", app.at());
    let mut fronts = Vec::new();
    let mut all = Vec::new();
    for (name, store) in [("sessions in memory", "memory:"), ("sessions in Redis", &redis.url())] {
        let provider = |external: &str| vec![ProviderSpec::proxy("app", external, &upstream)];
        let variables = [("OUTPOST__SESSIONS__STORE", store)];
        let mut front = Front::start(&variables, None, provider);
        front.sign_in(PAGE).await;
        fronts.push(front);
        all.push(Turns::none(&format!("{name}, {BROWSERS} browsers at once")));
    }
    let servers: Vec<&Server> = fronts.iter().map(|front| &front.outpost).collect();
    vec![in_turns(options, &servers, all).await].into()
}

/// Flows at each of these in turns.
pub(crate) async fn in_turns(
    options: &Options,
    servers: &[&Server],
    mut sides: Vec<Turns>,
) -> Compared {
    for _ in 0..options.turns {
        for (server, turns) in servers.iter().zip(&mut sides) {
            turns.turns.push(turn(server, options.turn).await);
        }
    }
    for (server, turns) in servers.iter().zip(&mut sides) {
        turns.resident = server.resident();
    }
    Compared { what: "sign-ins".to_owned(), sides, targets: Vec::new(), added: None }
}

/// As many flows as there is time for.
async fn turn(server: &Server, lasts: Duration) -> Turn {
    let servers = [server];
    let url = format!("http://{HOST}:{}{PAGE}", server.at().port());
    let before = processor_seconds(&servers);
    let began = Instant::now();
    let browsers = (0..BROWSERS).map(async |_| {
        let mut times = Vec::new();
        while began.elapsed() < lasts {
            let asked = Instant::now();
            let page = Browser::new().sign_in(&url, "alice").await;
            assert_eq!(page.status, 200, "{}: {}", page.url, page.body);
            assert_eq!(page.url.path(), PAGE);
            times.push(asked.elapsed());
        }
        times
    });
    let mut times = futures_util::future::join_all(browsers).await.concat();
    let seconds = began.elapsed().as_secs_f64();
    let used = processor_seconds(&servers) - before;
    times.sort_unstable();
    let at = |percent: usize| {
        let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
        times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
    };
    let measured = Measured {
        requests: times.len() as u64,
        rate: times.len() as f64 / seconds,
        microseconds: Percentiles { p50: at(50), p99: at(99) },
    };
    Turn::of(measured, used)
}
