//! `/metrics`, `/livez` and `/readyz` of a service.

use std::net::SocketAddr;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use prometheus::{Encoder as _, Registry, TextEncoder};

use crate::health::Health;
use crate::{LinkError, stop::Stop};

/// Opens the port and serves until asked to stop. Returns the address, which differs from `listen` where its port
/// is 0.
///
/// # Errors
/// The port cannot be opened.
pub async fn serve(
    listen: SocketAddr,
    metrics: Registry,
    health: Health,
    stop: Stop,
) -> Result<SocketAddr, LinkError> {
    let failed = |why: std::io::Error| LinkError::Listen {
        address: listen,
        why: why.to_string(),
    };
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let (live, ready) = (health.clone(), health);
    let router = Router::new()
        .route("/metrics", get(move || async move { exposition(&metrics) }))
        .route(
            "/livez",
            get(move || async move { verdict(&live.failed()) }),
        )
        .route(
            "/readyz",
            get(move || async move { verdict(&ready.not_ready()) }),
        );
    tokio::spawn(async move {
        let served =
            axum::serve(listener, router).with_graceful_shutdown(async move { stop.wait().await });
        if let Err(why) = served.await {
            tracing::error!(%why, "the metrics port closed");
        }
    });
    Ok(address)
}

fn exposition(metrics: &Registry) -> (StatusCode, String) {
    let mut text = Vec::new();
    match TextEncoder::new().encode(&metrics.gather(), &mut text) {
        Ok(()) => (StatusCode::OK, String::from_utf8_lossy(&text).into_owned()),
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, why.to_string()),
    }
}

fn verdict(complaints: &[String]) -> (StatusCode, String) {
    if complaints.is_empty() {
        (StatusCode::OK, "ok\n".into())
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            complaints.join("\n") + "\n",
        )
    }
}
