use std::net::SocketAddr;
use std::sync::Mutex;

use actix_web::{App, HttpServer, web};
use futures_util::{FutureExt, SinkExt, StreamExt};
use outpost_dashboard::live::Region;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as Code;
use tokio_tungstenite::tungstenite::{Error as WsError, Message as Said};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::*;
use crate::drain::Departure;

/// What viewers of a test see: a number, which anybody may change.
#[derive(Clone)]
struct Stage {
    shown: watch::Sender<u32>,
    looks: Arc<Mutex<u32>>,
    over: Arc<Notify>,
    seats: Seats,
    drain: Drain,
}

struct Spectator(Stage);

impl LiveSource for Spectator {
    fn pace(&self) -> Duration {
        Duration::from_millis(10)
    }

    fn look(&self) -> LocalBoxFuture<'static, Arc<Frame>> {
        *self.0.looks.lock().unwrap() += 1;
        let html = self.0.shown.borrow().to_string();
        async move { Arc::new(Frame { regions: vec![Region { id: "number", html }], lines: None }) }
            .boxed_local()
    }

    fn over(&self) -> LocalBoxFuture<'static, ()> {
        let over = Arc::clone(&self.0.over);
        async move { over.notified().await }.boxed_local()
    }
}

/// A stage with its address.
fn stage(seats: usize, departure: &Departure) -> (Stage, SocketAddr) {
    let stage = Stage {
        shown: watch::Sender::new(1),
        looks: Arc::default(),
        over: Arc::default(),
        seats: Seats::new(seats, LimitFigures::unread()),
        drain: departure.drain(),
    };
    let played = stage.clone();
    let server = HttpServer::new(move || {
        let stage = played.clone();
        let door = move |request: HttpRequest, payload: Payload| {
            let stage = stage.clone();
            async move {
                let Some(seat) = stage.seats.take() else {
                    return Ok(HttpResponse::ServiceUnavailable().finish());
                };
                let drain = stage.drain.clone();
                open(&request, payload, seat, Rc::new(Spectator(stage)), drain)
            }
        };
        App::new().default_service(web::to(door))
    });
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    (stage, address)
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn join(address: SocketAddr) -> Result<Socket, WsError> {
    connect_async(format!("ws://{address}/")).await.map(|(socket, _)| socket)
}

/// The next text, or the code of the close.
async fn hear(socket: &mut Socket) -> Result<String, Option<Code>> {
    loop {
        match socket.next().await {
            Some(Ok(Said::Text(text))) => return Ok(text.to_string()),
            Some(Ok(Said::Close(frame))) => return Err(frame.map(|frame| frame.code)),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(None),
        }
    }
}

fn shows(number: u32) -> Result<String, Option<Code>> {
    Ok(format!(r#"{{"regions":[{{"id":"number","html":"{number}"}}]}}"#))
}

#[actix_web::test]
async fn a_viewer_is_shown_what_changes_one_frame_at_a_time() {
    let (stage, address) = stage(1, &Departure::new());
    let mut socket = join(address).await.unwrap();
    assert_eq!(hear(&mut socket).await, shows(1));
    // Not asked for: however often it changes, what stands at the end is what comes.
    for number in 2..=9 {
        stage.shown.send_replace(number);
    }
    socket.send(Said::text("next")).await.unwrap();
    assert_eq!(hear(&mut socket).await, shows(9));
    // Asked for while nothing differs: comes as soon as something does.
    socket.send(Said::text("next")).await.unwrap();
    let seen = *stage.looks.lock().unwrap();
    while *stage.looks.lock().unwrap() < seen + 3 {
        tokio::task::yield_now().await;
    }
    stage.shown.send_replace(10);
    assert_eq!(hear(&mut socket).await, shows(10));
}

#[actix_web::test]
async fn who_may_no_longer_look_is_told_so() {
    let (stage, address) = stage(1, &Departure::new());
    let mut socket = join(address).await.unwrap();
    assert_eq!(hear(&mut socket).await, shows(1));
    stage.over.notify_one();
    assert_eq!(hear(&mut socket).await, Err(Some(Code::Policy)));
}

#[actix_web::test]
async fn an_outpost_that_ends_says_so() {
    let departure = Departure::new();
    let (_stage, address) = stage(1, &departure);
    let mut socket = join(address).await.unwrap();
    assert_eq!(hear(&mut socket).await, shows(1));
    departure.drain_until(Instant::now() + Duration::from_secs(60), Duration::ZERO);
    assert_eq!(hear(&mut socket).await, Err(Some(Code::Restart)));
}

#[actix_web::test]
async fn whoever_says_anything_else_is_sent_away() {
    let (stage, address) = stage(9, &Departure::new());
    for (said, code, too_long) in [
        (Said::text("hello"), Code::Unsupported, 0),
        (Said::binary(b"next".to_vec()), Code::Unsupported, 0),
        (Said::text("x".repeat(LARGEST)), Code::Unsupported, 0),
        (Said::text("x".repeat(LARGEST + 1)), Code::Size, 1),
    ] {
        let mut socket = join(address).await.unwrap();
        assert_eq!(hear(&mut socket).await, shows(1));
        socket.send(said).await.unwrap();
        assert_eq!(hear(&mut socket).await, Err(Some(code)));
        assert_eq!(stage.seats.limits.count(Limit::ViewerMessage), too_long);
    }
}

#[actix_web::test]
async fn seats_are_counted_and_become_free() {
    let (stage, address) = stage(2, &Departure::new());
    let mut first = join(address).await.unwrap();
    let mut second = join(address).await.unwrap();
    assert_eq!((hear(&mut first).await, hear(&mut second).await), (shows(1), shows(1)));
    let turned_away = || stage.seats.limits.count(Limit::Viewers);
    assert_eq!(turned_away(), 0, "at the limit");
    match join(address).await {
        Err(WsError::Http(answer)) => assert_eq!(answer.status().as_u16(), 503),
        other => panic!("{other:?}"),
    }
    assert_eq!(turned_away(), 1, "past it");
    first.close(None).await.unwrap();
    while stage.seats.free.available_permits() == 0 {
        tokio::task::yield_now().await;
    }
    let mut third = join(address).await.unwrap();
    assert_eq!(hear(&mut third).await, shows(1));
}
