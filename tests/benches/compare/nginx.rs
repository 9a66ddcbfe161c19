//! The real nginx: one process, on the first processor, with an access log.

use std::fmt::Write as _;
use std::net::SocketAddr;

use outpost_tests::folder::Folder;
use outpost_tests::parts;

use super::server::{Server, on_processor};

/// A running nginx.
pub(crate) struct Nginx {
    pub(crate) server: Server,
    _folder: Folder,
}

impl Nginx {
    /// Starts one with these parts of its `http` block, of which one listens at `at`.
    pub(crate) fn start(at: SocketAddr, http: &str) -> Self {
        let folder = Folder::new();
        let at_home = folder.path().display();
        let mut text = format!(
            "daemon off;\nmaster_process off;\npid {at_home}/pid;\nerror_log {at_home}/error.log;\n\
             events {{ worker_connections 20000; }}\nhttp {{\naccess_log /dev/stdout;\n\
             keepalive_requests 1000000000;\nserver_names_hash_bucket_size 128;\n"
        );
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            let _ = writeln!(text, "{kind}_temp_path {at_home}/{kind};");
        }
        let file = folder.write("nginx.conf", &format!("{text}{http}\n}}\n"));
        let mut command = on_processor(0, parts::find("nginx"));
        command.arg("-p").arg(folder.path()).arg("-c").arg(file);
        command.args(["-e", &format!("{at_home}/error.log")]);
        Self { server: Server::start(command, at), _folder: folder }
    }

    /// One that answers 200 and two bytes.
    pub(crate) fn answers(at: SocketAddr) -> Self {
        Self::start(at, &format!("server {{ listen {at}; location / {{ return 200 ok; }} }}"))
    }

    /// One that passes everything on to `to`, over connections that it keeps.
    pub(crate) fn passes(at: SocketAddr, to: SocketAddr) -> Self {
        let http = format!(
            "map $http_upgrade $upgrade {{ default ''; ~*^websocket$ upgrade; }}\n\
             upstream application {{ server {to}; keepalive 64; keepalive_requests 1000000000; }}\n\
             server {{ listen {at}; location / {{\nproxy_pass http://application;\n\
             proxy_http_version 1.1;\nproxy_set_header Host $http_host;\n\
             proxy_set_header X-Forwarded-For $remote_addr;\n\
             proxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection $upgrade;\n}} }}"
        );
        Self::start(at, &http)
    }
}
