//! The data plane as an actix-web application on the connections of `downstream`.

use std::io;
use std::rc::Rc;

use actix_web::{App, web};
use tracing_actix_web::TracingLogger;

use super::span::RequestSpan;
use super::{Worker, pipeline};
use crate::downstream::{self, BoundServer, Direct, DownstreamOptions};

/// Binds the listeners and builds the server of the data plane. `worker` makes what each worker
/// thread owns.
///
/// # Errors
/// When an address cannot be bound; the message names it.
pub fn bind<F>(options: &DownstreamOptions, worker: F) -> io::Result<BoundServer>
where
    F: Fn() -> Worker + Clone + Send + 'static,
{
    downstream::bind(options, move || {
        let worker = web::Data::new(worker());
        let application = App::new()
            .wrap(TracingLogger::<RequestSpan>::new())
            .app_data(web::Data::clone(&worker))
            .default_service(web::to(pipeline::serve));
        (direct(worker), application)
    })
}

/// What is done without actix-web.
fn direct(worker: web::Data<Worker>) -> Direct {
    let forwards = web::Data::clone(&worker);
    Direct {
        first: Rc::new(move |carried| {
            Box::pin(pipeline::first(web::Data::clone(&worker), carried))
        }),
        forward: Rc::new(move |carried, body| {
            let worker = web::Data::clone(&forwards);
            Box::pin(async move { pipeline::forward(&worker, &carried, body).await })
        }),
    }
}
