//! A websocket over actix-http's own codec: a stream of frames in, a channel of messages out.

use actix_codec::{Decoder as _, Encoder as _};
use actix_http::ws::{Codec, Frame, HandshakeError, Message, hash_key, verify_handshake};
use actix_web::{HttpRequest, HttpResponse, error::PayloadError, http::header, web};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

/// Largest frame taken, in bytes.
const FRAME_LIMIT: usize = 1 << 20;

/// The receiving half.
pub(crate) struct Incoming {
    payload: web::Payload,
    codec: Codec,
    buffer: BytesMut,
}

impl Incoming {
    /// The next frame; `None` at the end of the connection or after a broken frame.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            match self.codec.decode(&mut self.buffer) {
                Ok(Some(frame)) => return Some(frame),
                Ok(None) => {}
                Err(_) => return None,
            }
            let chunk: Result<Bytes, PayloadError> = self.payload.next().await?;
            self.buffer.extend_from_slice(&chunk.ok()?);
        }
    }
}

/// The sending half; dropping it ends the connection.
pub(crate) type Outgoing = mpsc::UnboundedSender<Message>;

/// Answers a handshake with 101, or tells what is wrong about it.
pub(crate) fn accept(
    request: &HttpRequest,
    payload: web::Payload,
    subprotocol: Option<&str>,
) -> Result<(HttpResponse, Incoming, Outgoing), HandshakeError> {
    verify_handshake(request.head())?;
    let key = request
        .headers()
        .get(header::SEC_WEBSOCKET_KEY)
        .map(header::HeaderValue::as_bytes)
        .unwrap_or_default();
    let accepted = hash_key(key);
    let mut response = HttpResponse::SwitchingProtocols();
    response.upgrade("WebSocket").insert_header((header::SEC_WEBSOCKET_ACCEPT, &accepted[..]));
    if let Some(subprotocol) = subprotocol {
        response.insert_header((header::SEC_WEBSOCKET_PROTOCOL, subprotocol));
    }
    let (outgoing, messages) = mpsc::unbounded_channel::<Message>();
    let codec = Codec::new().max_size(FRAME_LIMIT);
    let frames =
        stream::unfold((messages, codec.clone()), |(mut messages, mut codec)| async move {
            let message = messages.recv().await?;
            let mut frame = BytesMut::new();
            let encoded = codec.encode(message, &mut frame).map(|()| frame.freeze());
            Some((encoded, (messages, codec)))
        });
    let incoming = Incoming { payload, codec, buffer: BytesMut::new() };
    Ok((response.streaming(frames), incoming, outgoing))
}
