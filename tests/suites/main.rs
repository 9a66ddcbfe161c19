//! The black-box suites: whole outposts over real sockets, with real stores, real proxies and a real
//! browser. One program holds them all, since each of forty would hold the whole outpost again; a
//! suite alone is run by its name: `./tests/run sign_in::`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

mod akprox;
mod applications;
mod ask;
mod attacks;
mod backchannel_logout;
mod core_link;
mod costs;
mod crowd;
mod dashboard_browser;
mod demo;
mod deploy;
mod doctor;
mod downstream;
mod embedded;
mod explain;
mod forged_tokens;
mod forward_auth;
mod harness;
mod header_auth;
mod hosts_and_paths;
mod import_rules;
mod ingress_nginx;
mod kept_forms;
mod life_cycle;
mod limits;
mod manifests;
mod nginx_readings;
mod operations;
mod operators;
mod operators_api;
mod outpost_options;
mod properties;
mod proxies;
mod proxy_mode;
mod recheck;
mod release;
mod render_command;
mod renewal;
mod replicas;
mod session_machine;
mod sessions_cli;
mod sign_in;
mod smoke;
mod soak;
mod store_faults;
mod stores;
mod supply_chain;
mod tls;
mod tracing;
mod tricks;
mod trusted_proxies;
