//! The server: takes connections, reads requests, hands them to the engine's connections, and drains at its end.

use std::convert::Infallible;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response};
use hyper_util::rt::TokioIo;
use tempfile::{SpooledTempFile, spooled_tempfile_in};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clickhouse::engine::pool::Pool;
use crate::clickhouse::exception::Exception;
use crate::clickhouse::http::answer::{self, AnswerBody};
use crate::clickhouse::http::request::Head;
use crate::clickhouse::users::Users;
use crate::clickhouse::wire::decode::Bytes;

/// A request's body up to this size waits in memory, a larger one in a file of the data folder that has no name.
const BODY_MEMORY_BYTES: usize = 16 << 20;

/// More connections than this wait to be accepted.
const CONNECTIONS_MAX: usize = 256;

/// What requests are served with.
pub struct Service {
    pub pool: Pool,
    pub users: Users,
    /// Where large bodies wait.
    pub spool_dir: PathBuf,
    /// Numbers the statements whose client gave no identifier.
    pub statements: AtomicU64,
}

/// Serves `listener` until `stop` says so; then waits up to `grace` for the requests that run.
pub async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    mut stop: watch::Receiver<bool>,
    grace: Duration,
) {
    let mut connections = JoinSet::new();
    let for_connections = stop.clone();
    loop {
        while connections.try_join_next().is_some() {}
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&service), for_connections.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next(), if connections.len() >= CONNECTIONS_MAX => {}
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, drained).await.is_err() {
        tracing::warn!(
            left = connections.len(),
            "requests still ran at the end of the grace period"
        );
    }
}

async fn connection(stream: TcpStream, service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    // Answers are written in few large pieces: each should go out at once.
    let _ = stream.set_nodelay(true);
    let serve = service_fn(|request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(handle(&service, request).await) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), serve);
    tokio::pin!(connection);
    let mut draining = false;
    loop {
        tokio::select! {
            // A client that goes away is its own affair.
            _ = connection.as_mut() => return,
            _ = stop.wait_for(|stop| *stop), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

async fn handle(service: &Service, request: hyper::Request<Incoming>) -> Response<AnswerBody> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or("");
    match (&parts.method, parts.uri.path()) {
        (&(Method::GET | Method::HEAD), "/ping") => return answer::of_text(200, "Ok.\n"),
        (&(Method::GET | Method::HEAD), "/") if query.is_empty() => {
            return answer::of_text(200, "Ok.\n");
        }
        (&(Method::GET | Method::POST), "/" | "") => {}
        (&(Method::GET | Method::POST), _) => {
            return answer::of_text(
                404,
                "There is nothing here: send statements to /, and pings to /ping.\n",
            );
        }
        _ => return answer::of_text(501, "Only GET and POST are answered here.\n"),
    }
    let head = Head::new(parts.method.clone(), parts.headers, query);
    match statement(service, &head, body).await {
        Ok(response) => response,
        Err(exception) => {
            answer::of_exception(&exception, &service.pool.surroundings().said.version)
        }
    }
}

async fn statement(
    service: &Service,
    head: &Head,
    body: Incoming,
) -> Result<Response<AnswerBody>, Exception> {
    let user = head.authenticate(&service.users)?;
    let number = service.statements.fetch_add(1, Ordering::Relaxed);
    let wanted = head.wanted(format!("hissa-{}-{number}", std::process::id()))?;
    // Nothing reaches the engine before the body is complete: a client that goes away in the middle of an insert
    // leaves no row of it, however large it was, and one that sends slowly occupies no connection of the engine.
    let body = whole(body, service).await?;
    let request = head.join(user, wanted, body)?;
    let reply = service.pool.run(request).await?;
    let reply = reply.await.map_err(|_| {
        Exception::new(
            1002,
            "The statement ended without an answer",
            "UNKNOWN_EXCEPTION",
        )
    })?;
    Ok(answer::of_reply(reply))
}

/// Receives a body to its end.
async fn whole(mut body: Incoming, service: &Service) -> Result<Bytes, Exception> {
    let mut spool: SpooledTempFile = spooled_tempfile_in(BODY_MEMORY_BYTES, &service.spool_dir);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Exception::new(
                210,
                format!("The request broke off: {error}"),
                "NETWORK_ERROR",
            )
        })?;
        if let Ok(data) = frame.into_data() {
            spool.write_all(&data).map_err(unspooled)?;
        }
    }
    spool.seek(SeekFrom::Start(0)).map_err(unspooled)?;
    Ok(Box::new(spool))
}

fn unspooled(error: io::Error) -> Exception {
    Exception::new(
        243,
        format!(
            "The request's body could not be kept until its end: {error}. Make room on the data folder's disk"
        ),
        "NOT_ENOUGH_SPACE",
    )
}
