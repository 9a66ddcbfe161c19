//! Bare actix-web servers: what can be had at most, and applications behind proxies.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;

use actix::{Actor, StreamHandler};
use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONNECTION, CONTENT_LENGTH, HOST};
use actix_web::web::{Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actix_web_actors::ws;
use serde::Deserialize;

/// What is answered to everything.
#[derive(Clone, Deserialize)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Serves until the process ends.
pub(crate) fn run(
    listen: SocketAddr,
    answer: Option<&Path>,
    forward: Option<SocketAddr>,
    workers: usize,
) -> Result<(), Box<dyn Error>> {
    let answer: Option<Answer> = answer
        .map(|path| Ok::<_, Box<dyn Error>>(serde_json::from_str(&std::fs::read_to_string(path)?)?))
        .transpose()?;
    actix_rt::System::new().block_on(async move {
        HttpServer::new(move || {
            let app = App::new();
            match (&answer, forward) {
                (Some(answer), _) => {
                    app.app_data(Data::new(answer.clone())).default_service(web::to(told))
                }
                (None, Some(to)) => app
                    .app_data(Data::new(Upstream { to, client: client() }))
                    .default_service(web::to(forwarded)),
                (None, None) => {
                    app.route("/ws", web::get().to(echo)).default_service(web::to(bytes))
                }
            }
        })
        .workers(workers)
        .backlog(4096)
        .bind(listen)?
        .run()
        .await
    })?;
    Ok(())
}

async fn told(answer: Data<Answer>) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for (name, value) in &answer.headers {
        response.append_header((name.as_str(), value.as_str()));
    }
    response.body(answer.body.clone())
}

/// A websocket on which messages come back.
async fn echo(request: HttpRequest, body: Payload) -> Result<HttpResponse, actix_web::Error> {
    ws::start(Echo, &request, body)
}

struct Echo;

impl Actor for Echo {
    type Context = ws::WebsocketContext<Self>;
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Echo {
    fn handle(
        &mut self,
        message: Result<ws::Message, ws::ProtocolError>,
        context: &mut Self::Context,
    ) {
        match message {
            Ok(ws::Message::Text(text)) => context.text(text),
            Ok(ws::Message::Ping(bytes)) => context.pong(&bytes),
            Ok(ws::Message::Close(reason)) => context.close(reason),
            _ => {}
        }
    }
}

/// As many bytes as the last part of the path says; one where that is no number.
async fn bytes(request: HttpRequest) -> HttpResponse {
    let last = request.path().rsplit('/').next().unwrap_or_default();
    let count = last.parse().unwrap_or(1_usize).min(100_000_000);
    HttpResponse::Ok().content_type("text/plain").body(vec![b'x'; count])
}

struct Upstream {
    to: SocketAddr,
    client: awc::Client,
}

fn client() -> awc::Client {
    awc::Client::builder()
        .connector(awc::Connector::new().limit(0))
        .disable_redirects()
        .no_default_headers()
        .finish()
}

async fn forwarded(
    request: HttpRequest,
    body: Payload,
    upstream: Data<Upstream>,
) -> Result<HttpResponse, actix_web::Error> {
    let target = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let url = format!("http://{}{target}", upstream.to);
    let mut onward = upstream.client.request_from(url, request.head()).no_decompress();
    if let Some(host) = request.headers().get(HOST) {
        onward = onward.insert_header((HOST, host.clone()));
    }
    let answer = onward.send_stream(body).await.map_err(actix_web::error::ErrorBadGateway)?;
    let mut response = HttpResponse::build(answer.status());
    for (name, value) in answer.headers().iter().filter(|(name, _)| **name != CONNECTION) {
        response.append_header((name.clone(), value.clone()));
    }
    let length =
        answer.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    Ok(match length {
        Some(length) => response.body(SizedStream::new(length, answer)),
        None => response.streaming(answer),
    })
}
