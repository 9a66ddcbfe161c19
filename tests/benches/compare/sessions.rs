//! How figures change with the number of sessions: those that an outpost has at hand, and those in
//! Redis.

use std::sync::Arc;

use outpost::session::SessionId;
use outpost::session::redis::RedisStore;
use outpost_tests::filler;
use outpost_tests::redis::RedisServer;

use super::comparisons::{forward, ok, side};
use super::exchange::{Exchange, signed_out};
use super::figures::{Figure, Found, Target};
use super::front::Front;
use super::load::{self, Asked};
use super::options::Options;
use super::server::Server;
use super::turns::{Side, take};

/// Most bytes of an outpost's memory for a session, beside its token.
const BYTES: f64 = 1024.0;

/// Most times as long as among a thousand sessions.
const LONGER: f64 = 1.5;

/// Each request has another one of so many sessions, all of them at hand.
pub(crate) async fn at_hand(options: &Options) -> Found {
    const COUNTS: [usize; 4] = [100, 1_000, 10_000, 100_000];
    let redis = RedisServer::start();
    let store = redis.url();
    let variables = [
        ("OUTPOST__SESSIONS__STORE", store.as_str()),
        // All have room, and none is asked for again while turns last.
        ("OUTPOST__SESSIONS__CACHE_CAPACITY", "200000"),
        ("OUTPOST__SESSIONS__CACHE_TTL", "1h"),
    ];
    let mut front = Front::start(&variables, None, forward);
    front.sign_in_first().await;
    let all = front.others(&filler::store(&redis), COUNTS[3]).await;
    let all: Vec<String> = all.iter().map(|id| front.check_by("traefik", id)).collect();
    let one = side("1", &front.outpost, ok(front.check("traefik")));
    let mut compared = Vec::new();
    let (mut before, mut known, mut bytes) = (0, 0, 0.0);
    for count in COUNTS {
        let asked = Asked::Http { requests: all[..count].to_vec(), expect: 200 };
        let resident = front.outpost.resident();
        load::once(front.outpost.at(), &asked, options.connections);
        // Of the last step alone: what else an outpost has made room for is there by then.
        (before, known, bytes) = (known, count, front.outpost.resident() as f64 - resident as f64);
        let many = side(&count.to_string(), &front.outpost, asked);
        compared.push(take(options, "sessions at hand", &[many, one.clone()], &[None]));
    }
    let each = bytes / (known - before) as f64 - filler::TOKEN as f64;
    let what = format!("memory for a session at hand, beside its token of {} bytes", filler::TOKEN);
    let each = Figure::new(&what, "bytes", vec![each]).aiming(Target::Median(BYTES));
    Found { compared, figures: vec![each] }
}

/// Among so many sessions in Redis, in turns with a thousand: sessions that are asked of Redis each
/// time, and sign-outs, from the request until another outpost, which has the session at hand, refuses.
pub(crate) async fn in_redis(options: &Options) -> Found {
    let few = Store::start(1_000).await;
    let mut found = Found::nothing();
    let (mut among_few, mut sign_outs) = (Vec::new(), Vec::new());
    let mut bytes = vec![few.bytes()];
    let counts: &[usize] = if options.full { &[100_000, 1_000_000] } else { &[100_000] };
    for &count in counts {
        let many = Store::start(count).await;
        bytes.push(many.bytes());
        let sides = [many.side(100).await, few.side(100).await];
        found.compared.push(take(options, "among so many, from Redis", &sides, &[None]));
        let (beginning, times) = in_turns(10 * options.turns, &few, &many).await;
        let beginning_row = Figure::new("", "ms", beginning.clone());
        let row = Figure::new(&sign_out_among(count), "ms", times).against(&beginning_row);
        sign_outs.push(row.aiming(Target::Ratio(LONGER)));
        among_few.extend(beginning);
    }
    found.figures.push(Figure::new(&sign_out_among(few.count), "ms", among_few));
    found.figures.extend(sign_outs.into_iter().chain(bytes));
    found
}

fn sign_out_among(count: usize) -> String {
    format!("a sign-out among {count} sessions, until it is refused elsewhere")
}

/// Milliseconds of so many sign-outs at each of two, one after the other.
async fn in_turns(rounds: usize, one: &Store, other: &Store) -> (Vec<f64>, Vec<f64>) {
    let (mut lines, mut other_lines) = (one.lines(), other.lines());
    let (ids, other_ids) = (one.members(rounds).await, other.members(rounds).await);
    std::iter::zip(ids, other_ids)
        .map(|(id, other_id)| {
            (one.signed_out(&mut lines, &id), other.signed_out(&mut other_lines, &other_id))
        })
        .unzip()
}

/// Outposts over a Redis with so many sessions.
struct Store {
    front: Front,
    other: Server,
    /// One that has no session at hand.
    cold: Server,
    owner: Arc<RedisStore>,
    count: usize,
    /// Bytes of Redis's memory for each.
    each: f64,
    _redis: RedisServer,
}

impl Store {
    async fn start(count: usize) -> Self {
        let redis = RedisServer::start();
        let store = redis.url();
        let variables = [("OUTPOST__SESSIONS__STORE", store.as_str())];
        let mut front = Front::start(&variables, None, forward);
        front.sign_in_first().await;
        let other = front.another(&variables);
        let none_at_hand = [variables[0], ("OUTPOST__SESSIONS__CACHE_CAPACITY", "0")];
        let cold = front.another(&none_at_hand);
        let owner = filler::store(&redis);
        let before = redis.used_memory();
        filler::copies(&redis, &owner, &front.others(&owner, 1).await[0], count - 1).await;
        let each = redis.used_memory().saturating_sub(before) as f64 / count as f64;
        Self { front, other, cold, owner, count, each, _redis: redis }
    }

    fn bytes(&self) -> Figure {
        let (count, token) = (self.count, filler::TOKEN);
        let what = format!("Redis's memory for each of {count}, with its token of {token} bytes");
        Figure::new(&what, "bytes", vec![self.each])
    }

    async fn members(&self, count: usize) -> Vec<SessionId> {
        self.front.others(&self.owner, count).await
    }

    /// So many of its sessions, asked of Redis each time.
    async fn side(&self, count: usize) -> Side<'_> {
        let ids = self.members(count).await;
        let requests = ids.iter().map(|id| self.front.check_by("traefik", id)).collect();
        let asked = Asked::Http { requests, expect: 200 };
        side(&format!("{} sessions", self.count), &self.cold, asked)
    }

    fn lines(&self) -> [Exchange; 2] {
        [&self.front.outpost, &self.other].map(|server| Exchange::with(server.at()))
    }

    /// Milliseconds.
    fn signed_out(&self, [one, other]: &mut [Exchange; 2], id: &SessionId) -> f64 {
        let (check, sign_out) = self.front.check_and_sign_out(id);
        let took = signed_out(one, std::slice::from_mut(other), &sign_out, &check);
        took.as_secs_f64() * 1e3
    }
}
