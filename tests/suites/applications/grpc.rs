//! gRPC through the outpost: HTTP/2 on both sides, streams both ways, the status in the trailers.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Empty, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http2;
use hyper::http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use outpost_demo::core::{CoreOptions, ProviderSpec};
use outpost_tests::{Browser, World};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::applications::support::soon;

type Frames = mpsc::UnboundedSender<Frame<Bytes>>;

fn frames() -> (Frames, impl Body<Data = Bytes, Error = Infallible> + Send + Unpin) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|frame| (Ok(frame), receiver))
    });
    (sender, StreamBody::new(Box::pin(stream)))
}

fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    pairs.iter().map(pair).collect()
}

/// Echoes messages as they come and ends with a status; `/echo.Echo/No` is refused in the head.
/// The first message tells whose call it is.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request: Request<Incoming>| async move {
                let mut response = if request.uri().path() == "/echo.Echo/No" {
                    let mut response = Response::new(Either::Left(Empty::new()));
                    response.headers_mut().extend(fields(&[("grpc-status", "12")]));
                    response
                } else {
                    let (say, body) = frames();
                    let user = request.headers().get("x-authentik-username");
                    let user = user
                        .map_or_else(Bytes::new, |user| Bytes::copy_from_slice(user.as_bytes()));
                    say.send(Frame::data(user)).unwrap();
                    tokio::spawn(async move {
                        let mut heard = request.into_body();
                        while let Some(Ok(frame)) = heard.frame().await {
                            let _ = say.send(frame);
                        }
                        let _ = say.send(Frame::trailers(fields(&[("grpc-status", "0")])));
                    });
                    Response::new(Either::Right(body))
                };
                let kind = HeaderValue::from_static("application/grpc");
                response.headers_mut().insert("content-type", kind);
                Ok::<_, Infallible>(response)
            });
            tokio::spawn(
                hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    address
}

async fn world() -> World {
    let app = echo().await;
    let variables = [("OUTPOST__UPSTREAM__APPLICATIONS", "app http=2")];
    let world = World::with(CoreOptions::default(), &variables).await;
    let provider = ProviderSpec { internal_host: format!("http://{app}"), ..world.proxy() };
    world.serve([provider.skip("^/outpost-test-public/")]).await;
    world
}

async fn call<B>(world: &World, path: &str, cookie: &str, body: B) -> Response<Incoming>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let stream = TcpStream::connect(world.http()).await.unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post(world.url("app.test", path))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("cookie", cookie)
        .body(body)
        .unwrap();
    let response = soon("an answer", sender.send_request(request)).await.unwrap();
    // The connection lives as long as its sender.
    tokio::spawn(async move {
        let _keep = sender;
        std::future::pending::<()>().await;
    });
    response
}

async fn cookie(world: &World) -> String {
    let browser = Browser::new();
    let url = world.url("app.test", "/outpost.goauthentik.io/start?rd=/in");
    browser.sign_in(&url, "alice").await;
    let url = world.url("app.test", "/").parse().unwrap();
    browser.cookie_header(&url).expect("signed in")
}

#[tokio::test]
async fn a_stream_goes_both_ways_with_the_identity_and_ends_with_its_status() {
    let world = world().await;
    let cookie = cookie(&world).await;
    let (say, body) = frames();
    let response = call(&world, "/echo.Echo/Chat", &cookie, body).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/grpc");
    let mut heard = response.into_body();
    let user = soon("a message", heard.frame()).await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(user, "alice");
    for round in 0..20 {
        let said = Bytes::from(format!("message {round}"));
        say.send(Frame::data(said.clone())).unwrap();
        let found = soon("an echo", heard.frame()).await.unwrap().unwrap();
        assert_eq!(found.into_data().unwrap(), said);
    }
    drop(say);
    let last = soon("trailers", heard.frame()).await.unwrap().unwrap();
    assert_eq!(last.into_trailers().unwrap(), fields(&[("grpc-status", "0")]));

    let (_, body) = frames();
    let response = call(&world, "/echo.Echo/No", &cookie, body).await;
    assert_eq!(response.headers()["grpc-status"], "12");
    assert!(response.body().is_end_stream(), "a head that ends");
}

/// A gRPC client makes UNAUTHENTICATED of it (its HTTP status mapping).
#[tokio::test]
async fn a_call_of_nobody_is_told_so_and_not_redirected() {
    let world = world().await;
    let (_, body) = frames();
    let response = call(&world, "/echo.Echo/Chat", "", body).await;
    assert_eq!(response.status(), 401);
    assert!(!response.headers().contains_key("location"));
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.contains("json"), "{kind}");
}
