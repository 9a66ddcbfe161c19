//! A real nginx that tells how it reads a path, asked over few connections that stay open.

use std::net::Ipv4Addr;
use std::process::Command;

use outpost_tests::daemon::Daemon;
use outpost_tests::folder::Folder;
use outpost_tests::{World, parts, ports, wait};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Requests that are sent before their answers are read.
const BATCH: usize = 50;

/// How nginx took a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// At this location, as this path.
    At { location: String, uri: Vec<u8> },
    /// With this status.
    Refused(u16),
}

/// It ends when this is dropped.
pub(crate) struct Nginx {
    _daemon: Daemon,
    _folder: Folder,
    port: u16,
}

/// The locations, as an application has them: each says its name and the path as it reads it.
const LOCATIONS: &str = r#"
    location / { return 200 "other $uri"; }
    location /public/ { return 200 "public $uri"; }
    location = /outpost.goauthentik.io { return 200 "own $uri"; }
    location /outpost.goauthentik.io/ { return 200 "own $uri"; }
"#;

impl Nginx {
    /// One that answers by itself; or one that asks the world's outpost about each request first, as
    /// our own snippet has it, and hands it on to such a one.
    pub(crate) async fn start(world: Option<&World>) -> Self {
        let folder = Folder::new();
        let own = Ipv4Addr::LOCALHOST.into();
        let (port, behind) = (ports::free(own), ports::free(own));
        let locations = match world {
            None => LOCATIONS.to_owned(),
            Some(world) => format!(
                r#"
    location / {{
      auth_request /asked;
      proxy_pass http://127.0.0.1:{behind};
    }}
    location = /outpost.goauthentik.io {{ return 200 "own $uri"; }}
    location /outpost.goauthentik.io/ {{ return 200 "own $uri"; }}
    location = /asked {{
      internal;
      proxy_pass http://127.0.0.1:{outpost}/outpost.goauthentik.io/auth/nginx;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
      proxy_set_header X-Original-URI "";
    }}
"#,
                outpost = world.port(),
            ),
        };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("  {name}_temp_path {}/{name};\n", folder.path().display()))
            .collect();
        let text = format!(
            "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr crit;\n\
             events {{}}\nhttp {{\n  access_log off;\n  default_type text/plain;\n  keepalive_requests 1000000;\n\
             {temporary}\
             \n  server {{\n    listen 127.0.0.1:{port};\n{locations}  }}\n\
             \n  server {{\n    listen 127.0.0.1:{behind};\n{inner}  }}\n}}\n",
            folder = folder.path().display(),
            inner = LOCATIONS.replace("\"own ", "\"inner "),
        );
        folder.write("nginx.conf", &text);
        let mut command = Command::new(parts::find("nginx"));
        command.args(["-e", "stderr", "-c"]).arg(folder.path().join("nginx.conf"));
        let mut daemon = Daemon::start(command, &folder.path().join("log"));
        wait::until_async("nginx", async || {
            if daemon.ended().is_some() {
                panic!("nginx ended: {}", daemon.said());
            }
            let open = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
            open.map(|_| ()).map_err(|error| error.to_string())
        })
        .await;
        Self { _daemon: daemon, _folder: folder, port }
    }

    /// What it makes of each.
    pub(crate) async fn ask(&self, targets: &[String]) -> Vec<Read> {
        let mut answers = Vec::with_capacity(targets.len());
        while answers.len() < targets.len() {
            let before = answers.len();
            // A request that it cannot read ends the connection, and with it the answers to those
            // behind it.
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.unwrap();
            let mut buffer = Vec::new();
            'connection: while answers.len() < targets.len() {
                let rest = &targets[answers.len()..];
                let batch = &rest[..rest.len().min(BATCH)];
                let requests: String = batch
                    .iter()
                    .map(|target| format!("GET {target} HTTP/1.1\r\nHost: single.test\r\n\r\n"))
                    .collect();
                // It may have hung up on one of them already.
                let _ = stream.write_all(requests.as_bytes()).await;
                for _ in batch {
                    let Some((read, stays)) = answer(&mut stream, &mut buffer).await else {
                        break 'connection;
                    };
                    answers.push(read);
                    if !stays {
                        break 'connection;
                    }
                }
            }
            assert!(answers.len() > before, "no answer to {:?}", targets[before]);
        }
        answers
    }
}

/// The next answer, and whether the connection stays open after it.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(Read, bool)> {
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
    let status: u16 = text.split(' ').nth(1)?.parse().ok()?;
    let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let length: usize = header("content-length: ")?.parse().ok()?;
    while buffer.len() < head + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body: Vec<u8> = buffer.drain(..head + length).skip(head).collect();
    let stays = header("connection: ") != Some("close");
    if status != 200 {
        return Some((Read::Refused(status), stays));
    }
    let blank = body.iter().position(|byte| *byte == b' ')?;
    let location = String::from_utf8(body[..blank].to_vec()).ok()?;
    Some((Read::At { location, uri: body[blank + 1..].to_vec() }, stays))
}
