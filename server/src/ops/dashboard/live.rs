//! Pages that are kept up to date while somebody looks.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use outpost_dashboard::live::Frame;
use outpost_dashboard::page;
use tokio::time::Instant;

use super::asked::{Asked, Fields};
use super::found::{self, Found, Reader};
use super::looks::{Look, Seen};
use super::{Dashboard, answers, refused};
use crate::actors::live::{self, LiveSource, Seats};
use crate::drain::Drain;
use crate::ops::access::Operator;
use crate::ops::views::Views;

/// Between two looks at what is at hand.
const QUICK: Duration = Duration::from_secs(1);

/// Between two looks at what has to be asked of the session store.
const SLOW: Duration = Duration::from_secs(5);

/// What viewers need.
#[derive(Clone, Debug)]
pub struct LiveParts {
    /// Room for them.
    pub seats: Seats,
    /// The end of the program.
    pub drain: Drain,
}

/// `GET /live?page=`: a websocket for the page of this path and query.
pub(super) async fn open(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let operator = match dashboard.operator(&request).await {
        Ok(operator) => operator,
        Err(refusal) => return refused(&request, refusal),
    };
    // A websocket is not kept from other sites by the browser.
    if let Err(refusal) = dashboard.parts.access.same_origin(request.headers()) {
        return refused(&request, refusal);
    }
    let address = Fields::read(request.query_string()).raw("page");
    let (path, query) = address.split_once('?').unwrap_or((&address, ""));
    let Some(asked) = Asked::read(path, query)
        .filter(|asked| asked.is_live() && operator.may(asked.role()).is_ok())
    else {
        return answers::not_found();
    };
    let LiveParts { seats, drain } = dashboard.parts.live.clone();
    let Some(seat) = seats.take() else {
        return answers::say(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many viewers",
            "As many pages as this outpost keeps up to date are open already.",
            "Close some, or reload this one from time to time.",
        );
    };
    let dashboard = Dashboard::clone(&dashboard);
    let source = Source { dashboard, operator, asked, after: Rc::default() };
    live::open(&request, payload, seat, Rc::new(source), drain).unwrap_or_else(|_| {
        answers::say(
            StatusCode::BAD_REQUEST,
            "No websocket",
            "This address is for the script of the pages.",
            "",
        )
    })
}

/// What stands on a page that is kept up to date.
async fn look(views: &Views, seen: &Seen) -> Look {
    let (frame, latest) = match found::find(views, &seen.asked, Reader::Feed(seen.after)).await {
        Found::Page { page, latest } => (page::frame(views.standing(), seen.role, &*page), latest),
        // What stood there stays, and that it no longer holds is said above it.
        Found::Nothing(message) | Found::Away(message) => (page::gone(&message), None),
        Found::Later(_) => (Frame::default(), None),
    };
    Look { frame: Arc::new(frame), latest }
}

/// One open page.
struct Source {
    dashboard: Dashboard,
    operator: Operator,
    asked: Asked,
    /// Number of the latest decision that was sent.
    after: Rc<Cell<Option<u64>>>,
}

impl LiveSource for Source {
    fn pace(&self) -> Duration {
        match self.asked {
            Asked::Sessions(_) | Asked::Session(_) => SLOW,
            _ => QUICK,
        }
    }

    fn look(&self) -> LocalBoxFuture<'static, Arc<Frame>> {
        let (dashboard, pace) = (self.dashboard.clone(), self.pace());
        let (role, after) = (self.operator.viewer().role, Rc::clone(&self.after));
        let seen = Seen { asked: self.asked.clone(), role, after: after.get() };
        async move {
            let views = &dashboard.parts.views;
            let look = dashboard
                .looks
                .at(Instant::now(), seen, pace, async |seen| look(views, seen).await);
            let Look { frame, latest } = look.await;
            after.set(latest.or(after.get()));
            frame
        }
        .boxed_local()
    }

    fn over(&self) -> LocalBoxFuture<'static, ()> {
        let (dashboard, badge) = (self.dashboard.clone(), self.operator.badge.clone());
        async move {
            match badge {
                Some(badge) => dashboard.parts.access.over(&badge).await,
                None => std::future::pending().await,
            }
        }
        .boxed_local()
    }
}
