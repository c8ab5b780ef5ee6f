//! Answers as hyper sends them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use crate::clickhouse::exception::Exception;
use crate::clickhouse::wire::respond::{Reply, ReplyBody};

/// An answer's body.
pub struct AnswerBody(ReplyBody);

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(match &mut self.0 {
            ReplyBody::Whole(bytes) if bytes.is_empty() => None,
            ReplyBody::Whole(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
            ReplyBody::Pieces(pieces) => ready!(pieces.poll_recv(context)).map(|piece| piece.map(Frame::data)),
        })
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            ReplyBody::Whole(bytes) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            ReplyBody::Pieces(_) => SizeHint::default(),
        }
    }
}

/// A statement's answer.
pub fn of_reply(reply: Reply) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
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
    of_reply(Reply { status, headers, body: ReplyBody::Whole(Bytes::from_static(text.as_bytes())) })
}

/// The answer to a request that never became a statement.
pub fn of_exception(exception: &Exception, version: &str) -> Response<AnswerBody> {
    let mut headers = vec![
        ("Content-Type", "text/plain; charset=UTF-8".to_owned()),
        ("X-ClickHouse-Exception-Code", exception.code().to_string()),
    ];
    if exception.status() == 401 {
        headers.push(("WWW-Authenticate", "Basic realm=\"ClickHouse server HTTP API\"".to_owned()));
    }
    let body = ReplyBody::Whole(exception.body(version).into());
    of_reply(Reply { status: exception.status(), headers, body })
}
