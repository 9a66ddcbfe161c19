//! What a whole request costs the real program, from the socket back to the socket, its log line and its
//! journal entry included. Allocations alone: the program of the tests is not optimised, and asks for
//! memory nearly as often as one that is, but has many more instructions.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore, UserSpec};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::folder::Folder;
use outpost_tests::parts::find;
use outpost_tests::{Browser, Program, ports, program, wait};
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::baseline::Kind;
use super::callgrind::{Counted, OPTIONS};
use super::compare::Cost;
use crate::ask::{is_whole, question};

/// Whatever an outpost does by the clock is counted along where it falls among requests.
pub(crate) const KIND: Kind = Kind { file: "requests", title: "a whole request", allocations: 4 };

/// Requests that are counted together: few, so that nothing that is done by the clock falls among most of
/// them, however slow the machine is.
const BATCH: u64 = 4;

/// How often. The least is what requests alone cost.
const BATCHES: usize = 24;

/// Longest until it serves somebody: nothing is quick here, and less so on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);

/// Host of the application that reverse proxies ask about.
const ASKED: &str = "app.test";

/// Host of the one that the outpost proxies itself.
const PROXIED: &str = "proxied.test";

/// What browsers send with everything.
const BROWSER: &str = "X-Forwarded-For: 192.0.2.7\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n";

/// An outpost under callgrind, which counts nothing until it is told to.
struct Watched {
    outpost: Program,
    /// Where it writes to, and is told something.
    folder: Folder,
    dumps: usize,
}

impl Watched {
    fn start(core: &StandInCore, at: SocketAddr) -> Self {
        let folder = Folder::new();
        let file = |name: &str| folder.path().join(name).display().to_string();
        let mut prefix = vec![find("valgrind").display().to_string()];
        prefix.extend(OPTIONS.map(str::to_owned));
        prefix.extend([
            "--instr-atstart=no".to_owned(),
            format!("--callgrind-out-file={}", file("out")),
            format!("--log-file={}", file("valgrind.log")),
            format!("--vgdb-prefix={}", file("vgdb")),
        ]);
        let at = at.to_string();
        let variables = [("AUTHENTIK_LISTEN__HTTP", at.as_str()), ("OUTPOST__WEB__WORKERS", "1")];
        let outpost = Program::launch(&prefix, &program::environment(core, &variables));
        Self { outpost, folder, dumps: 0 }
    }

    /// Tells callgrind something.
    fn tell(&self, words: &[&str]) {
        let mut command = Command::new(find("vgdb"));
        command.arg(format!("--pid={}", self.outpost.pid()));
        command.arg(format!("--vgdb-prefix={}", self.folder.path().join("vgdb").display()));
        // They find one another by names that are made of variables, and the outpost has few.
        let told = command.args(words).env_clear().output().unwrap();
        assert!(told.status.success(), "{command:?}: {}", String::from_utf8_lossy(&told.stderr));
    }

    /// How often memory was asked for since the last time.
    fn allocations(&mut self) -> u64 {
        self.tell(&["dump"]);
        self.dumps += 1;
        if let Some(k) = std::env::var_os("KEEP_CALLGRIND") {
            let _ = std::fs::copy(
                self.folder.path().join(format!("out.{}", self.dumps)),
                std::path::Path::new(&k).join(format!("out.{}", self.dumps)),
            );
        }
        let counted = Counted::of(&self.folder.path().join(format!("out.{}", self.dumps)));
        counted.rust + counted.libc
    }
}

/// Asks so many times over one connection; the answer is 200 each time.
async fn ask(stream: &mut TcpStream, question: &str, times: u64) {
    let mut answer = Vec::new();
    for _ in 0..times {
        stream.write_all(question.as_bytes()).await.unwrap();
        answer.clear();
        while !is_whole(&answer) {
            let read = stream.read_buf(&mut answer).await.unwrap();
            assert_ne!(read, 0, "{}", String::from_utf8_lossy(&answer));
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    }
}

/// Signs alice in at `host`, once the outpost can; gives her cookies.
async fn signed_in(host: &str) -> String {
    let home = format!("http://{host}/");
    let start = format!("{home}outpost.goauthentik.io/start?rd={home}");
    let browser = Browser::new();
    wait::until_async_within(PATIENCE, "a way to sign in", async || {
        match browser.try_send(Method::GET, &start, &[], None).await {
            Ok(answer) if answer.status.is_redirection() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let page = browser.sign_in(&start, "alice").await;
    let cookies = browser.cookie_header(&home.parse().unwrap());
    cookies.unwrap_or_else(|| panic!("no session: {page:?}"))
}

#[tokio::test]
async fn a_request_allocates_as_often_as_it_did() {
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    core.put_user(UserSpec::new("alice", "alice-password").groups(&["staff", "operators"]));
    let app = SampleApp::start(0).unwrap();
    let here = Ipv4Addr::LOCALHOST;
    let at = SocketAddr::from((here, ports::free(here.into())));
    let [asked, proxied] = [ASKED, PROXIED].map(|host| format!("{host}:{}", at.port()));
    core.put_provider(ProviderSpec::forward_single("app", &format!("http://{asked}"))).unwrap();
    let spec = ProviderSpec::proxy("proxied", &format!("http://{proxied}"), &app.url());
    core.put_provider(spec).unwrap();
    let mut watched = Watched::start(&core, at);
    let checks = ["traefik", "nginx"].map(|dialect| {
        let question = question(dialect, "http", &asked, ("GET", "/page?x=1&y=two"));
        (dialect, question, asked.as_str())
    });
    let page = format!("GET /page?x=1&y=two HTTP/1.1\r\nHost: {proxied}\r\n");
    let page = ("proxy mode", page, proxied.as_str());
    let mut costs = Vec::new();
    for (name, question, host) in checks.into_iter().chain([page]) {
        let cookies = signed_in(host).await;
        let question = format!("{question}{BROWSER}Cookie: {cookies}\r\n\r\n");
        let mut stream = TcpStream::connect(at).await.unwrap();
        watched.tell(&["instrumentation", "on"]);
        // What is kept for a session is made the first time.
        ask(&mut stream, &question, 20).await;
        watched.allocations();
        let mut least = u64::MAX;
        for _ in 0..BATCHES {
            ask(&mut stream, &question, BATCH).await;
            least = least.min(watched.allocations());
        }
        watched.tell(&["instrumentation", "off"]);
        assert_ne!(least, 0, "nothing was counted");
        let name = format!("{name}, session");
        let allocations = (least + BATCH / 2) / BATCH;
        costs.push(Cost { name, instructions: None, allocations });
    }
    KIND.check(costs);
}
