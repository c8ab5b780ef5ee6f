//! A small receiver of webhooks, for demos and tests: it checks signatures, keeps messages by their id, and can be
//! told to fail. A receiver of one's own does the same with any library of Standard Webhooks.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use hissa_links::LinkError;
use hissa_links::stop::Stop;
use standardwebhooks::HEADER_WEBHOOK_ID;
use tokio::sync::watch;

use crate::message::{Body, EventType};
use crate::webhook;

const PATH: &str = "/alerts";

/// A receiver on a port; clones share what it has received.
#[derive(Clone)]
pub struct Receiver {
    address: SocketAddr,
    inbox: Arc<Inbox>,
}

/// A message as it came first.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The `webhook-id`.
    pub id: String,
    pub body: Body,
}

/// What came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Distinct messages of alerts that fired.
    pub fired: u64,
    /// Distinct messages of alerts whose figures changed.
    pub updated: u64,
    /// Distinct messages of alerts that were resolved.
    pub resolved: u64,
    /// Messages that came again under an id that was known.
    pub repeated: u64,
    /// Tries that were answered as [`Receiver::answer`] said.
    pub turned_away: u64,
    /// Tries without a valid signature, or without a readable body: answered 401, which says nothing about the message.
    pub invalid: u64,
}

/// What the receiver answers to a message that is valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// It takes it.
    #[default]
    Take,
    /// It keeps nothing, and answers so.
    TurnAway {
        status: u16,
        retry_after_seconds: Option<u32>,
    },
}

struct Inbox {
    signer: standardwebhooks::Webhook,
    kept: Mutex<Kept>,
    tally: watch::Sender<Tally>,
}

#[derive(Default)]
struct Kept {
    answer: Answer,
    ids: BTreeSet<String>,
    messages: Vec<Received>,
}

impl Receiver {
    /// Opens the port (0 takes a free one), and receives until asked to stop.
    ///
    /// # Errors
    /// The secret's file is not usable, or the port cannot be opened.
    pub async fn start(
        listen: SocketAddr,
        secret_file: &Path,
        stop: Stop,
    ) -> Result<Receiver, LinkError> {
        let inbox = Arc::new(Inbox {
            signer: webhook::signer(secret_file)?,
            kept: Mutex::default(),
            tally: watch::Sender::new(Tally::default()),
        });
        let failed = |why: std::io::Error| LinkError::Listen {
            address: listen,
            why: why.to_string(),
        };
        let listener = tokio::net::TcpListener::bind(listen)
            .await
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let router = Router::new()
            .route(PATH, post(receive))
            .with_state(Arc::clone(&inbox));
        tokio::spawn(async move {
            let served = axum::serve(listener, router)
                .with_graceful_shutdown(async move { stop.wait().await });
            if let Err(why) = served.await {
                tracing::error!(%why, "the webhook receiver closed");
            }
        });
        Ok(Receiver { address, inbox })
    }

    /// Where to send messages.
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// What it answers from now on.
    pub fn answer(&self, answer: Answer) {
        self.inbox.kept().answer = answer;
    }

    /// What came so far.
    pub fn tally(&self) -> Tally {
        *self.inbox.tally.borrow()
    }

    /// Distinct messages, in the order in which they came first, from the `skip`-th on.
    pub fn messages(&self, skip: usize) -> Vec<Received> {
        let kept = self.inbox.kept();
        kept.messages.get(skip..).unwrap_or_default().to_vec()
    }

    /// Waits until what came is as wished, for as long as it takes.
    pub async fn until(&self, wished: impl FnMut(&Tally) -> bool) -> Tally {
        let mut tally = self.inbox.tally.subscribe();
        // The sender lives in `self`, so that waiting cannot fail.
        let came = tally.wait_for(wished).await.map(|tally| *tally);
        came.unwrap_or_else(|_| self.tally())
    }
}

impl Inbox {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, what: impl FnOnce(&mut Tally)) {
        self.tally.send_modify(what);
    }

    /// A message with a valid signature, if it is one.
    fn read(&self, headers: &HeaderMap, body: &[u8]) -> Option<Received> {
        self.signer.verify(body, headers).ok()?;
        Some(Received {
            id: headers.get(HEADER_WEBHOOK_ID)?.to_str().ok()?.to_owned(),
            body: serde_json::from_slice(body).ok()?,
        })
    }
}

async fn receive(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(message) = inbox.read(&headers, &body) else {
        inbox.count(|tally| tally.invalid += 1);
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let mut kept = inbox.kept();
    if let Answer::TurnAway {
        status,
        retry_after_seconds,
    } = kept.answer
    {
        drop(kept);
        inbox.count(|tally| tally.turned_away += 1);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return match retry_after_seconds {
            Some(seconds) => (status, [(RETRY_AFTER, seconds.to_string())]).into_response(),
            None => status.into_response(),
        };
    }
    let kind = message.body.kind;
    let new = kept.ids.insert(message.id.clone());
    if new {
        kept.messages.push(message);
    }
    drop(kept);
    inbox.count(|tally| match (new, kind) {
        (false, _) => tally.repeated += 1,
        (true, EventType::Fired) => tally.fired += 1,
        (true, EventType::Updated) => tally.updated += 1,
        (true, EventType::Resolved) => tally.resolved += 1,
    });
    StatusCode::NO_CONTENT.into_response()
}
