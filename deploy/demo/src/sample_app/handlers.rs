//! What the application answers.

use std::{convert::Infallible, time::Duration};

use actix_http::ws::{Frame, Message};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{self, Payload, Query},
};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::json;

use super::view::{self, Seen};
use crate::socket;

/// Size of a piece of a download, in bytes.
const PIECE: usize = 64 << 10;

/// `/json`
pub(super) async fn json(request: HttpRequest) -> HttpResponse {
    HttpResponse::Ok().json(Seen::of(&request))
}

/// `/echo`
pub(super) async fn echo(request: HttpRequest, body: Bytes) -> HttpResponse {
    let mut seen = json!(Seen::of(&request));
    seen["body"] = String::from_utf8_lossy(&body).into();
    HttpResponse::Ok().json(seen)
}

/// Everything without a path of its own.
pub(super) async fn anything(request: HttpRequest) -> HttpResponse {
    let seen = Seen::of(&request);
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    let html =
        if request.path().starts_with("/public/") { view::public(&seen) } else { seen.to_html() };
    if accept.contains("application/json") && !accept.contains("text/html") {
        HttpResponse::Ok().json(seen)
    } else {
        HttpResponse::Ok().content_type("text/html; charset=utf-8").body(html)
    }
}

/// Query of `/events`.
#[derive(Debug, Deserialize)]
pub(super) struct Pace {
    #[serde(default = "forever")]
    count: u64,
    #[serde(default = "a_second")]
    interval_ms: u64,
}

fn forever() -> u64 {
    u64::MAX
}

fn a_second() -> u64 {
    1000
}

/// `/events`: the first tick comes at once.
pub(super) async fn events(pace: Query<Pace>) -> HttpResponse {
    let ticks = tokio::time::interval(Duration::from_millis(pace.interval_ms.max(1)));
    let count = pace.count;
    let events = stream::unfold((ticks, 1_u64), move |(mut ticks, number)| async move {
        if number > count {
            return None;
        }
        ticks.tick().await;
        let event = format!("id: {number}\nevent: tick\ndata: {number}\n\n");
        Some((Ok::<_, Infallible>(Bytes::from(event)), (ticks, number + 1)))
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(events)
}

/// `/ws`: echoes.
pub(super) async fn websocket(request: HttpRequest, payload: Payload) -> HttpResponse {
    let offered =
        request.headers().get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|offer| offer.to_str().ok());
    let subprotocol =
        offered.and_then(|offer| offer.split(',').next()).map(|one| one.trim().to_owned());
    let (response, mut incoming, outgoing) =
        match socket::accept(&request, payload, subprotocol.as_deref()) {
            Ok(accepted) => accepted,
            Err(error) => return HttpResponse::BadRequest().body(error.to_string()),
        };
    actix_rt::spawn(async move {
        while let Some(frame) = incoming.next().await {
            let (answer, last) = match frame {
                Frame::Text(text) => {
                    (Message::Text(String::from_utf8_lossy(&text).into_owned().into()), false)
                }
                Frame::Binary(bytes) => (Message::Binary(bytes), false),
                Frame::Continuation(item) => (Message::Continuation(item), false),
                Frame::Ping(bytes) => (Message::Pong(bytes), false),
                Frame::Pong(_) => continue,
                Frame::Close(reason) => (Message::Close(reason), true),
            };
            if outgoing.send(answer).is_err() || last {
                break;
            }
        }
    });
    response
}

/// `/upload`: reads the body as it comes and counts it.
pub(super) async fn upload(mut payload: Payload) -> HttpResponse {
    let mut bytes = 0_u64;
    while let Some(piece) = payload.next().await {
        match piece {
            Ok(piece) => bytes += piece.len() as u64,
            Err(error) => {
                return HttpResponse::BadRequest()
                    .json(json!({"error": error.to_string(), "bytes": bytes}));
            }
        }
    }
    HttpResponse::Ok().json(json!({"bytes": bytes}))
}

/// Query of `/download`.
#[derive(Debug, Deserialize)]
pub(super) struct Size {
    #[serde(default)]
    bytes: u64,
}

/// `/download`: with a length, in pieces.
pub(super) async fn download(size: Query<Size>) -> HttpResponse {
    let pieces = stream::unfold(size.bytes, |left| async move {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE);
        (length > 0)
            .then(|| (Ok::<_, Infallible>(Bytes::from(vec![b'.'; length])), left - length as u64))
    });
    HttpResponse::Ok()
        .content_type("application/octet-stream")
        .no_chunking(size.bytes)
        .streaming(pieces)
}

/// Query of `/slow`.
#[derive(Debug, Deserialize)]
pub(super) struct Wait {
    #[serde(default = "a_second")]
    ms: u64,
}

/// `/slow`
pub(super) async fn slow(wait: web::Query<Wait>) -> HttpResponse {
    tokio::time::sleep(Duration::from_millis(wait.ms)).await;
    HttpResponse::Ok().json(json!({"waited_ms": wait.ms}))
}
