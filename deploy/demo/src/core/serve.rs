//! The way of a request through faults and recording.

use std::{net::TcpListener, sync::Arc};

use actix_web::{
    App, HttpRequest, HttpResponse,
    body::SizedStream,
    http::header::{self, HeaderValue},
    web::{self, Payload},
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use super::{
    fault::{Endpoint, Fault},
    http::{Ask, Reply},
    observe::RecordedRequest,
    pages, router,
    spec::KeyPairSpec,
    state::Shared,
    websocket,
};
use crate::server_thread::{self, Running, StartError};

/// Largest request body taken, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// What stays the same over restarts.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) base_path: String,
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

/// A server configuration for a key pair.
pub(crate) fn tls_config(keypair: &KeyPairSpec) -> Result<Arc<ServerConfig>, StartError> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(keypair.certificate_pem.as_bytes())
            .filter_map(Result::ok)
            .collect();
    let key = PrivateKeyDer::from_pem_slice(keypair.private_key_pem.as_bytes())
        .map_err(|error| StartError::Tls(rustls::Error::General(error.to_string())))?;
    let config = ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
    .map_err(StartError::Tls)?;
    Ok(Arc::new(config))
}

/// Serves until the returned value is dropped.
pub(crate) fn start(
    listener: TcpListener,
    site: &Site,
    shared: Arc<Shared>,
) -> Result<Running, StartError> {
    let (tls, site) = (site.tls.clone(), site.clone());
    server_thread::start("stand-in core", listener, tls, move || {
        let (site, shared) = (site.clone(), Arc::clone(&shared));
        App::new().default_service(web::to(move |request: HttpRequest, payload: Payload| {
            dispatch(request, payload, site.clone(), Arc::clone(&shared))
        }))
    })
}

async fn dispatch(
    request: HttpRequest,
    payload: Payload,
    site: Site,
    shared: Arc<Shared>,
) -> HttpResponse {
    let Some(path) =
        request.path().strip_prefix(site.base_path.as_str()).filter(|path| path.starts_with('/'))
    else {
        return pages::not_found().into();
    };
    let is_websocket =
        Endpoint::of_path(path) == Endpoint::Websocket && request.headers().contains_key("upgrade");
    let mut payload = Some(payload);
    let body = match payload.take_if(|_| !is_websocket) {
        None => web::Bytes::new(),
        Some(payload) => match payload.to_bytes_limited(BODY_LIMIT).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return HttpResponse::BadRequest().finish(),
            Err(_) => return HttpResponse::PayloadTooLarge().finish(),
        },
    };
    let ask = Ask::new(&request, &body, &site.base_path, path, site.tls.is_some());
    let endpoint = Endpoint::of(&ask);
    let fault = shared.with(|state| {
        state.observed.record(RecordedRequest::new(endpoint, &ask));
        state.take_fault(endpoint)
    });
    let _under_way = UnderWay { shared: Arc::clone(&shared), endpoint };
    let lost = fault == Some(Fault::Lost);
    if let Some(answer) = suffer(&shared, endpoint, fault).await {
        return answer;
    }
    let mut answer: HttpResponse = match payload {
        Some(payload) => websocket::handshake(&shared, &request, payload, &ask),
        None => shared.with(|state| router::answer(state, &ask)).into(),
    };
    let now = std::time::UNIX_EPOCH + shared.read(|state| state.clock.now());
    if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(now)) {
        answer.headers_mut().insert(header::DATE, date);
    }
    if lost { broken_off() } else { answer }
}

/// A request that is being answered. Its drop is the end of it, also when the client has left.
struct UnderWay {
    shared: Arc<Shared>,
    endpoint: Endpoint,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.shared.with(|state| state.observed.done(self.endpoint));
    }
}

/// An answer whose body fails at its first byte, which makes the server end the connection.
fn broken_off() -> HttpResponse {
    let failing = futures_util::stream::once(async {
        Err::<web::Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    });
    HttpResponse::Ok().body(SizedStream::new(1, Box::pin(failing)))
}

/// Lets a fault happen; `None` if the request is to be answered after all.
async fn suffer(shared: &Shared, endpoint: Endpoint, fault: Option<Fault>) -> Option<HttpResponse> {
    match fault? {
        Fault::Status(status) => {
            Some(pages::message(status, "Failing on purpose", "A test asked for this.").into())
        }
        Fault::Reply { status, content_type, body } => {
            let mut reply = Reply::html(status, body);
            reply.headers = vec![("content-type", content_type)];
            Some(reply.into())
        }
        Fault::Lost => None,
        Fault::Delay(time) => {
            tokio::time::sleep(time).await;
            None
        }
        Fault::Hang => {
            let mut changes = shared.changes();
            while shared.read(|state| state.faults.contains_key(&endpoint)) {
                if changes.changed().await.is_err() {
                    break;
                }
            }
            None
        }
    }
}
