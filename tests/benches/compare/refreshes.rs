//! Requests while the configuration changes all the time, at a quarter and at a tenth of what can be had: core's
//! stand-in has what whoever asks leaves of the second processor, so that the more is asked for, the less often
//! all providers are read. How often is said with each.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use outpost_demo::core::{Endpoint, StandInCore};

use super::comparisons::{ok, providers, side};
use super::figures::{Figure, Found};
use super::front::Front;
use super::options::Options;
use super::turns::{Side, take};

/// Providers.
const PROVIDERS: usize = 1000;

/// Providers on a page of core's list.
const PAGE: usize = 100;

/// Most that refreshes may add to the 99th percentile, in microseconds.
const ADDED: f64 = 1000.0;

/// Between two messages of core that something has changed. What comes while a refresh is under way
/// asks for one more after it: there is always one.
const PAUSE: Duration = Duration::from_millis(20);

/// Refreshed all the time, against not at all.
pub(crate) async fn refreshes(options: &Options) -> Found {
    let mut front = Front::start(&[], None, |external| providers(external, PROVIDERS));
    front.sign_in_first().await;
    front.core.stand_in.wait_connected(1).await.expect("a link");
    let check = ok(front.check("traefik"));
    let calm = side("not refreshed", &front.outpost, check);
    let full = take(options, "as fast as it goes", std::slice::from_ref(&calm), &[]);
    let mut found = Found::from(vec![full.clone()]);
    for (part, of) in [("a quarter", 4.0), ("a tenth", 10.0)] {
        let calm = Side { rate: Some(full.sides[0].rate() / of), ..calm.clone() };
        let rates = Mutex::new(Vec::new());
        let changing = |over: &AtomicBool| {
            let rate = change(&front.core.stand_in, over);
            rates.lock().unwrap_or_else(PoisonError::into_inner).push(rate);
        };
        let refreshed = Side {
            name: format!("{PROVIDERS} providers refreshed all the time"),
            meanwhile: Some(&changing),
            ..calm.clone()
        };
        let what = format!("{part} of that");
        found.compared.push(take(options, &what, &[refreshed, calm], &[None]).adding(ADDED));
        let rates = std::mem::take(&mut *rates.lock().unwrap_or_else(PoisonError::into_inner));
        assert!(rates.iter().all(|rate| *rate > 0.0), "nothing was refreshed: {rates:?}");
        let name = format!("refreshes meanwhile, at {part}");
        found.figures.push(Figure::new(&name, "a second", rates));
    }
    found
}

/// Changes a provider again and again; gives how often a second all were asked for.
fn change(core: &StandInCore, over: &AtomicBool) -> f64 {
    let asked = || core.observe(|seen| seen.count(Endpoint::Providers));
    let (before, began) = (asked(), Instant::now());
    let mut turn = 0_u64;
    while !over.load(Ordering::Relaxed) {
        turn += 1;
        let edited = core.edit_provider("app-7", |provider| {
            provider.skip_path_regex = format!("^/public-{turn}/");
        });
        assert!(edited, "there is such a provider");
        core.trigger();
        std::thread::sleep(PAUSE);
    }
    let pages = PROVIDERS.div_ceil(PAGE) as f64;
    (asked() - before) as f64 / pages / began.elapsed().as_secs_f64()
}
