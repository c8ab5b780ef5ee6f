//! Answers as hyper sends them.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::time::{Sleep, sleep};

use crate::clickhouse::exception::Exception;
use crate::clickhouse::wire::respond::{Reply, ReplyBody};

/// What was written before an answer breaks off gets this long to leave: hyper throws away what it has not sent when
/// a body fails, and the last piece is the one that says why.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// An answer's body.
pub struct AnswerBody {
    body: ReplyBody,
    breaking: Option<(io::Error, Pin<Box<Sleep>>)>,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.breaking.is_none() {
            let piece = match &mut self.body {
                ReplyBody::Whole(bytes) if bytes.is_empty() => None,
                ReplyBody::Whole(bytes) => Some(Ok(std::mem::take(bytes))),
                ReplyBody::Pieces(pieces) => ready!(pieces.poll_recv(context)),
            };
            match piece {
                None => return Poll::Ready(None),
                Some(Ok(piece)) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                Some(Err(error)) => self.breaking = Some((error, Box::pin(sleep(LAST_WORDS)))),
            }
        }
        if let Some((_, last_words)) = &mut self.breaking {
            ready!(last_words.as_mut().poll(context));
        }
        Poll::Ready(self.breaking.take().map(|(error, _)| Err(error)))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            ReplyBody::Whole(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            ReplyBody::Pieces(_) => SizeHint::default(),
        }
    }
}

/// A statement's answer.
pub fn of_reply(reply: Reply) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody {
        body: reply.body,
        breaking: None,
    });
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        // Every value is made of printable characters here; one that is not would be dropped, not sent broken.
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A short text.
pub fn of_text(status: u16, text: &'static str) -> Response<AnswerBody> {
    let headers = vec![("Content-Type", "text/plain; charset=UTF-8".to_owned())];
    of_reply(Reply {
        status,
        headers,
        body: ReplyBody::Whole(Bytes::from_static(text.as_bytes())),
    })
}

/// The answer to a request that never became a statement.
pub fn of_exception(exception: &Exception, version: &str) -> Response<AnswerBody> {
    let mut headers = vec![
        ("Content-Type", "text/plain; charset=UTF-8".to_owned()),
        ("X-ClickHouse-Exception-Code", exception.code().to_string()),
    ];
    if exception.status() == 401 {
        headers.push((
            "WWW-Authenticate",
            "Basic realm=\"ClickHouse server HTTP API\"".to_owned(),
        ));
    }
    let body = ReplyBody::Whole(exception.body(version).into());
    of_reply(Reply {
        status: exception.status(),
        headers,
        body,
    })
}
