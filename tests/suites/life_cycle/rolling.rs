//! A rolling restart as an orchestrator does it: by readiness alone.

use std::net::SocketAddr;
use std::time::Duration;

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::{Load, Program};
use reqwest::Client;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Between two looks of the balancer.
const LOOK: Duration = Duration::from_millis(20);
/// Answers between two steps.
const STEADY: usize = 40;

/// Connections go to the replicas that were ready when they were last looked at. It ends with the
/// test's runtime.
struct Balancer {
    port: u16,
    replicas: watch::Sender<Vec<Replica>>,
}

/// Where a replica serves, and where it says whether it is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Replica {
    http: SocketAddr,
    metrics: SocketAddr,
}

impl Balancer {
    async fn start(replicas: Vec<Replica>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (replicas, looked_at) = watch::channel(replicas);
        let (ready, chosen) = watch::channel(Vec::new());
        tokio::spawn(look(looked_at, ready));
        tokio::spawn(serve(listener, chosen));
        Self { port, replicas }
    }
}

async fn look(replicas: watch::Receiver<Vec<Replica>>, ready: watch::Sender<Vec<SocketAddr>>) {
    let client = Client::builder().no_proxy().build().expect("a client");
    loop {
        let mut found = Vec::new();
        let all = replicas.borrow().clone();
        for replica in all {
            let url = format!("http://{}/outpost.goauthentik.io/ready", replica.metrics);
            if client.get(url).send().await.is_ok_and(|answer| answer.status() == 200) {
                found.push(replica.http);
            }
        }
        if ready.send(found).is_err() {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn serve(listener: TcpListener, ready: watch::Receiver<Vec<SocketAddr>>) {
    for turn in 0.. {
        let (mut client, _) = listener.accept().await.expect("a connection");
        let mut ready = ready.clone();
        tokio::spawn(async move {
            let all = ready.wait_for(|all| !all.is_empty()).await.expect("a replica").clone();
            // Not retried: a replica that said it was ready must take the connection.
            if let Ok(mut server) = TcpStream::connect(all[turn % all.len()]).await {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}

async fn replica(program: &Program) -> Replica {
    Replica { http: program.address("http").await, metrics: program.address("metrics").await }
}

/// Several threads: clients that are stopped are waited for, and the balancer serves them meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_replicas_are_replaced_one_by_one() {
    let core = StandInCore::start(CoreOptions::default()).expect("a core");
    let app = SampleApp::start(0).expect("an application");
    core.put_provider(ProviderSpec::proxy("app", "http://app.test", &app.url()).skip("^/"))
        .expect("a provider");
    // Far more than a look of the balancer takes, even where little else gets a turn.
    let start = || Program::start(&core, &[("OUTPOST__SHUTDOWN__DELAY", "2s")]);
    let mut programs = vec![start(), start()];
    let mut all = Vec::new();
    for program in &programs {
        program.serves(1).await;
        all.push(replica(program).await);
    }
    let balancer = Balancer::start(all.clone()).await;
    let url = format!("http://app.test:{}/json", balancer.port);
    let judge = |answer: &outpost_tests::load::Judged| match answer.status.as_u16() {
        200 => Ok(()),
        other => Err(format!("{other} {}", answer.body)),
    };
    // With connections that are kept, which must be given up in time, and without.
    let loads = [Load::start(3, &url, None, judge), Load::unkept(3, &url, None, judge)];
    for index in 0..programs.len() {
        for load in &loads {
            load.answers(STEADY).await;
        }
        programs[index].signal("TERM");
        assert_eq!(programs[index].exit_code().await, Some(0));
        let new = start();
        new.serves(1).await;
        all[index] = replica(&new).await;
        balancer.replicas.send_replace(all.clone());
        programs[index] = new;
    }
    for load in loads {
        load.answers(STEADY).await;
        let totals = load.stop();
        assert_eq!((totals.failed, totals.violated), (0, 0), "{totals:#?}");
    }
}
