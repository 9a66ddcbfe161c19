//! Outposts as processes behind a balancer, under load.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::balancer::{ASKED, Balancer};
use outpost_tests::proxies::Reserved;
use outpost_tests::{Browser, Load, Replicas, wait};

/// What passes without a session, so that no store has a part in it.
const PAGE: &str = "/public/page";

struct Front {
    balancer: Balancer,
    replicas: Replicas,
    _app: SampleApp,
    _core: StandInCore,
}

impl Front {
    async fn of(count: usize) -> Self {
        let core = StandInCore::start(CoreOptions::default()).unwrap();
        let app = SampleApp::start(0).unwrap();
        let reserved = Reserved::any();
        let external = format!("http://app.test:{}", reserved.port());
        core.put_provider(ProviderSpec::proxy("app", &external, &app.url()).skip("^/public/"))
            .unwrap();
        let replicas = Replicas::start(&core, count, &[]).await;
        let balancer = Balancer::start(reserved, &replicas.http()).await;
        Self { balancer, replicas, _app: app, _core: core }
    }

    fn page(&self) -> String {
        self.balancer.at.url("app.test", PAGE)
    }
}

#[tokio::test]
async fn clients_of_a_balancer_notice_nothing_when_replicas_crash_stop_and_come_back() {
    let mut front = Front::of(2).await;
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let record = Arc::clone(&asked);
    let load = Load::start(4, &front.page(), None, move |answer| {
        let replicas = answer.headers[ASKED].to_str().unwrap();
        record.lock().unwrap().extend(replicas.split(", ").map(str::to_owned));
        if answer.status == 200 {
            Ok(())
        } else {
            Err(format!("{} {}", answer.status, answer.body))
        }
    });
    load.answers(50).await;
    front.replicas.kill(0);
    load.answers(50).await;
    front.replicas.restart(0).await;
    load.answers(50).await;
    assert_eq!(front.replicas.terminate(1).await, Some(0));
    load.answers(50).await;
    let totals = load.stop();
    assert_eq!((totals.failed, totals.violated), (0, 0), "{totals:#?}");
    assert_eq!(totals.statuses.keys().collect::<Vec<_>>(), [&200]);
    let all: BTreeSet<_> = front.replicas.http().iter().map(ToString::to_string).collect();
    assert_eq!(*asked.lock().unwrap(), all, "both were asked");
}

#[tokio::test]
async fn a_balancer_changes_to_other_replicas() {
    let mut front = Front::of(2).await;
    let [first, second] = front.replicas.http()[..] else { panic!("two replicas") };
    let browser = Browser::new();
    for only in [first, second, first] {
        front.balancer.reload(&[only]).await;
        for _ in 0..4 {
            let page = browser.get(&front.page()).await;
            assert_eq!(page.status, 200, "{}", page.body);
            assert_eq!(page.header(ASKED), only.to_string());
        }
    }
}

#[tokio::test]
async fn a_frozen_replica_answers_once_it_is_resumed() {
    let front = Front::of(1).await;
    front.replicas.pause(0);
    let url = front.replicas.url(0, "app.test", PAGE);
    let browser = Browser::new();
    let mut page = std::pin::pin!(browser.get(&url));
    let wait = tokio::time::timeout(Duration::from_millis(200), &mut page);
    assert!(wait.await.is_err(), "frozen");
    front.replicas.resume(0);
    assert_eq!(page.await.status, 200);
}

#[tokio::test]
async fn load_counts_what_is_refused_and_what_the_judge_refuses() {
    let app = SampleApp::start(0).unwrap();
    let judged = Load::start(2, &app.url(), Some("a=1".to_owned()), |answer| {
        if answer.client == 0 { Err(format!("{}", answer.status)) } else { Ok(()) }
    });
    judged.answers(20).await;
    let totals = judged.stop();
    assert!(totals.violated > 0 && totals.violated < totals.answers(), "{totals:#?}");
    assert_eq!(totals.violations[0], "200 OK");

    let nobody = Reserved::any();
    let url = format!("http://127.0.0.1:{}/", nobody.port());
    drop(nobody);
    let refused = Load::start(1, &url, None, |_| Ok(()));
    wait::until("a failure", || match refused.totals().failed {
        0 => Err("none yet".to_owned()),
        _ => Ok(()),
    });
    let totals = refused.stop();
    assert_eq!(totals.answers(), 0);
    assert!(totals.failures[0].contains("ConnectionRefused"), "{totals:#?}");
}
