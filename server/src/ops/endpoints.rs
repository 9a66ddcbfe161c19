//! What the metrics listener answers: figures, liveness, readiness. No authentication, no secret.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder};

use super::journal::Journal;
use super::metrics::Metrics;
use super::readiness::Readiness;

/// Everything the endpoints tell of.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The figures.
    pub metrics: Arc<Metrics>,
    /// For the number of events lost.
    pub journal: Arc<Journal>,
    /// Whether traffic should come.
    pub readiness: Readiness,
}

impl Endpoints {
    /// Routes of the metrics listener: `/metrics`, and under the outpost's prefix `/ping` (204
    /// while the process serves at all) and `/ready` (200, or 503 and what is missing).
    pub fn configure(&self, config: &mut ServiceConfig) {
        let prefix = outpost_decision::OUTPOST_PREFIX;
        config
            .app_data(Data::new(self.clone()))
            .route("/metrics", web::get().to(metrics))
            .route(&format!("{prefix}/ping"), web::get().to(ping))
            .route(&format!("{prefix}/ping"), web::head().to(ping))
            .route(&format!("{prefix}/ready"), web::get().to(ready))
            .route(&format!("{prefix}/ready"), web::head().to(ready));
    }
}

async fn metrics(endpoints: Data<Endpoints>) -> impl Responder {
    endpoints.metrics.journal_dropped(endpoints.journal.dropped());
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(endpoints.metrics.render())
}

async fn ping() -> impl Responder {
    HttpResponse::NoContent()
}

async fn ready(endpoints: Data<Endpoints>) -> impl Responder {
    let report = endpoints.readiness.report();
    let mut answer =
        if report.ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.insert_header((header::CACHE_CONTROL, "no-store")).json(report)
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::{App, test};

    use super::*;
    use crate::drain::Drain;
    use crate::ops::readiness::StoreReach;
    use crate::publish::published;
    use crate::snapshot::Snapshot;

    async fn ask(endpoints: &Endpoints, path: &str) -> (StatusCode, String) {
        let app = App::new().configure(|config| endpoints.configure(config));
        let app = test::init_service(app).await;
        let answer =
            test::call_service(&app, test::TestRequest::get().uri(path).to_request()).await;
        let status = answer.status();
        (status, String::from_utf8(test::read_body(answer).await.to_vec()).unwrap())
    }

    #[actix_web::test]
    async fn liveness_readiness_and_figures() {
        let (publisher, snapshots) = published(Snapshot::default());
        let endpoints = Endpoints {
            metrics: Arc::new(Metrics::new("1", "b").unwrap()),
            journal: Arc::new(Journal::new(1)),
            readiness: Readiness::new(snapshots, StoreReach::default(), Drain::never()),
        };
        endpoints.readiness.listening();

        let (status, body) = ask(&endpoints, "/outpost.goauthentik.io/ping").await;
        assert_eq!((status, body.as_str()), (StatusCode::NO_CONTENT, ""));

        let (status, body) = ask(&endpoints, "/outpost.goauthentik.io/ready").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["ready"], false);
        assert_eq!(body["missing"][0]["what"], "configuration");

        publisher.publish(Snapshot { generation: 1, ..Snapshot::default() });
        let (status, body) = ask(&endpoints, "/outpost.goauthentik.io/ready").await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, r#"{"ready":true,"missing":[]}"#));

        let (status, body) = ask(&endpoints, "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains(r#"outpost_build_info{build="b",version="1"} 1"#), "{body}");
        assert_eq!(ask(&endpoints, "/").await.0, StatusCode::NOT_FOUND);
    }
}
