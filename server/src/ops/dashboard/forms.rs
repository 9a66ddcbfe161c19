//! Forms that browsers send. A body is read only once it is known who sends it, and no longer than
//! [`TIME`]: nobody holds memory or a connection by sending slowly.

use std::time::Duration;

use actix_web::http::{ConnectionType, StatusCode, header};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse};
use outpost_dashboard::model::Role;

use super::asked::Fields;
use super::{answers, refused};
use crate::ops::access::{Access, Asking, Operator};

/// Longest form, in bytes.
pub(super) const BYTES: usize = 8192;

/// How long the body of a form may take.
const TIME: Duration = Duration::from_secs(10);

/// The fields of a form that `operator`, who may do what `role` may, has sent from one of our pages;
/// the answer where it is none.
pub(super) async fn meant(
    access: &Access,
    operator: &Operator,
    role: Role,
    request: &HttpRequest,
    body: Payload,
) -> Result<Fields, Box<HttpResponse>> {
    let refused = |refusal| Box::new(refused(request, refusal));
    let allowed = access.same_origin(request.headers()).and_then(|()| operator.may(role));
    allowed.map_err(refused)?;
    let fields = read(request, body).await?;
    let csrf = fields.raw("csrf");
    access.form(Asking::of(request), operator, &csrf, role).map_err(refused)?;
    Ok(fields)
}

/// The fields of a form; the answer where it is none.
pub(super) async fn read(
    request: &HttpRequest,
    body: Payload,
) -> Result<Fields, Box<HttpResponse>> {
    let mut types = request.headers().get_all(header::CONTENT_TYPE);
    let essence = match (types.next(), types.next()) {
        (Some(only), None) => only.to_str().unwrap_or_default().split(';').next(),
        _ => None,
    };
    let is_form = essence.is_some_and(|essence| {
        essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    if !is_form {
        return Err(no_form());
    }
    let body = whole(body, TIME).await?;
    std::str::from_utf8(&body).map(Fields::read).map_err(|_| no_form())
}

/// The body, as far as it is short and comes soon.
async fn whole(body: Payload, time: Duration) -> Result<Bytes, Box<HttpResponse>> {
    let (status, title, text) = match tokio::time::timeout(time, body.to_bytes_limited(BYTES)).await
    {
        Ok(Ok(Ok(body))) => return Ok(body),
        Ok(Ok(Err(_))) => {
            (StatusCode::BAD_REQUEST, "Broken off", "What was sent broke off.".to_owned())
        }
        Ok(Err(_)) => {
            let text = format!("What was sent is longer than {BYTES} bytes.");
            (StatusCode::PAYLOAD_TOO_LARGE, "Too long", text)
        }
        Err(_) => {
            let text = format!("What was sent took longer than {} s.", time.as_secs());
            (StatusCode::REQUEST_TIMEOUT, "Too slow", text)
        }
    };
    let mut answer = answers::say(status, title, &text, "Go back and try again.");
    // What is still on its way is not waited for.
    answer.head_mut().set_connection_type(ConnectionType::Close);
    Err(Box::new(answer))
}

fn no_form() -> Box<HttpResponse> {
    Box::new(answers::say(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "Not a form",
        "What was sent is not a form of these pages.",
        "Use the forms of the pages.",
    ))
}

#[cfg(test)]
mod tests {
    use actix_web::FromRequest;
    use actix_web::dev::Payload as Raw;
    use actix_web::error::PayloadError;
    use actix_web::test::TestRequest;
    use futures_util::stream::{self, Stream, StreamExt};

    use super::*;

    type BoxedPayloadStream = std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

    async fn payload(body: impl Stream<Item = Result<Bytes, PayloadError>> + 'static) -> Payload {
        let request = TestRequest::post().to_http_request();
        let body: BoxedPayloadStream = Box::pin(body);
        let mut raw = Raw::Stream { payload: body };
        Payload::from_request(&request, &mut raw).await.unwrap()
    }

    async fn sent(
        kind: &str,
        body: impl Stream<Item = Result<Bytes, PayloadError>> + 'static,
    ) -> Result<String, u16> {
        let body = payload(body).await;
        let request = TestRequest::post().insert_header(("content-type", kind)).to_http_request();
        let fields = read(&request, body).await;
        fields.map(|fields| fields.raw("a")).map_err(|answer| answer.status().as_u16())
    }

    fn text(text: &str) -> impl Stream<Item = Result<Bytes, PayloadError>> + use<> {
        stream::iter([Ok(Bytes::copy_from_slice(text.as_bytes()))])
    }

    #[actix_web::test]
    async fn a_form_is_short_comes_soon_and_says_what_it_is() {
        const FORM: &str = "application/x-www-form-urlencoded";
        assert_eq!(sent(FORM, text("a=b+c")).await, Ok("b c".to_owned()));
        assert_eq!(sent("text/plain", text("a=b")).await, Err(415));
        let long = format!("a={}", "x".repeat(BYTES));
        assert_eq!(sent(FORM, text(&long)).await, Err(413));
        let broken = stream::iter([Err(PayloadError::Incomplete(None))]);
        assert_eq!(sent(FORM, broken).await, Err(400));
        let slow = payload(text("a=").chain(stream::pending())).await;
        let answer = whole(slow, Duration::from_millis(1)).await.unwrap_err();
        assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
        assert!(answer.head().connection_type() == ConnectionType::Close);
    }
}
