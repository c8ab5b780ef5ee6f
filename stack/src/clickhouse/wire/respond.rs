//! How an answer goes out.
//!
//! Up to [`HELD_BYTES`] are held back, so that a short answer has a length, a full summary, and an HTTP status that
//! tells whether it failed; a longer one goes out as it comes. What fails after that is said in the way of ClickHouse
//! 25.11: an exception between two marks with the tag that the headers announced, and a connection that breaks off.

use std::io;
use std::time::Instant;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use crate::clickhouse::DISPLAY_NAME;
use crate::clickhouse::engine::ffi::Counts;
use crate::clickhouse::exception::Exception;
use crate::clickhouse::sql::output::{self, Chunks};
use crate::clickhouse::wire::blocks::{self, Method};
use crate::clickhouse::wire::encode::{Encoder, Encoding};
use crate::clickhouse::wire::native;

/// An answer shorter than this is sent in one piece.
const HELD_BYTES: usize = 1 << 20;

/// Pieces on their way to a client that reads slowly; the statement waits for it then.
pub const PIECES_MAX: usize = 4;

/// What every answer says of the engine.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// `version()`.
    pub version: String,
    /// `timezone()`.
    pub timezone: String,
}

/// What the client asked of the answer.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// `Content-Encoding`.
    pub encoding: Encoding,
    /// ClickHouse's block compression (`compress=1`).
    pub blocks: Option<Method>,
    /// The client's revision of Native; 0 is the engine's own.
    pub native_revision: u64,
    /// Nothing is sent before the statement's end (`wait_end_of_query=1`).
    pub wait_for_end: bool,
    /// The statement's identifier, the client's or made up.
    pub query_id: String,
}

/// An answer's beginning.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: ReplyBody,
}

/// An answer's body: there already, or on its way. A piece that is an error breaks the connection off.
#[derive(Debug)]
pub enum ReplyBody {
    Whole(Bytes),
    Pieces(mpsc::Receiver<io::Result<Bytes>>),
}

/// The client went away, so there is nobody to answer.
#[derive(Debug)]
pub struct Gone;

/// Why an answer stops.
#[derive(Debug)]
pub enum Stop {
    Gone,
    Failed(Exception),
}

impl From<Exception> for Stop {
    fn from(exception: Exception) -> Stop {
        Stop::Failed(exception)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Failed(Exception::new(1001, error, "STD_EXCEPTION"))
    }
}

enum Sending {
    NotYet(oneshot::Sender<Reply>),
    Pieces(mpsc::Sender<io::Result<Bytes>>),
}

/// Writes one answer.
pub struct Responder<'a> {
    wanted: &'a Wanted,
    said: &'a Said,
    sending: Sending,
    encoder: Option<Encoder>,
    /// Something was encoded, so the answer says how.
    encoded: bool,
    held_bytes: usize,
    format: String,
    chunks: Chunks,
    /// What all chunks begin with and only the first may keep.
    header: Option<Vec<u8>>,
    counts: Counts,
    started: Instant,
    tag: String,
}

impl<'a> Responder<'a> {
    /// An answer that is sent to `reply`.
    pub fn new(wanted: &'a Wanted, said: &'a Said, reply: oneshot::Sender<Reply>) -> Responder<'a> {
        Responder {
            wanted,
            said,
            sending: Sending::NotYet(reply),
            encoder: None,
            encoded: false,
            held_bytes: 0,
            format: "TabSeparated".to_owned(),
            chunks: Chunks::Whole,
            header: None,
            counts: Counts::default(),
            started: Instant::now(),
            tag: tag(&wanted.query_id),
        }
    }

    /// Names the answer's format.
    pub fn set_format(&mut self, format: &str) {
        format.clone_into(&mut self.format);
        self.chunks = output::chunks(format);
    }

    /// Sends a chunk of the engine's answer.
    ///
    /// # Errors
    ///
    /// The client is gone, or the chunk cannot be encoded.
    pub fn write(&mut self, chunk: &[u8], counts: Counts) -> Result<(), Stop> {
        self.counts.add(counts);
        let rows = match &self.header {
            None => {
                self.header = Some(chunk[..output::header_bytes(self.chunks, chunk)].to_vec());
                chunk
            }
            Some(header) => chunk.strip_prefix(header.as_slice()).unwrap_or(chunk),
        };
        if self.wanted.native_revision > 0 && self.format.eq_ignore_ascii_case("Native") {
            let rows = native::at_revision(rows, self.wanted.native_revision)?;
            self.encode(&rows)?;
        } else {
            self.encode(rows)?;
        }
        if self.held_bytes >= HELD_BYTES && !self.wanted.wait_for_end {
            self.send_held()?;
        }
        Ok(())
    }

    /// Ends the answer well.
    ///
    /// # Errors
    ///
    /// The client is gone, or the end cannot be encoded.
    pub fn finish(mut self, counts: Counts) -> Result<(), Stop> {
        self.counts.add(counts);
        let rest = self
            .encoder
            .take()
            .map(Encoder::finish)
            .transpose()?
            .unwrap_or_default();
        self.send_last(200, rest.into(), None)
    }

    /// Ends the answer with `exception`.
    pub fn fail(mut self, exception: &Exception) {
        let body = exception.body(&self.said.version);
        // The client may be gone, and then nobody is left to be told.
        let _ = match self.sending {
            Sending::NotYet(_) => self.fail_at_first(exception, &body),
            Sending::Pieces(_) => self.fail_midway(&body),
        };
    }

    fn fail_at_first(&mut self, exception: &Exception, body: &str) -> Result<(), Stop> {
        // What was held of a result is thrown away: the body is the exception alone.
        self.encoder = None;
        self.encode(body.as_bytes())?;
        let rest = self
            .encoder
            .take()
            .map(Encoder::finish)
            .transpose()?
            .unwrap_or_default();
        self.send_last(exception.status(), rest.into(), Some(exception.code()))
    }

    fn fail_midway(&mut self, body: &str) -> Result<(), Stop> {
        self.send_held()?;
        let tag = &self.tag;
        let length = body.len();
        let marked =
            format!("\r\n__exception__\r\n{tag}\r\n{body}{length} {tag}\r\n__exception__\r\n");
        self.encode(marked.as_bytes())?;
        self.send_held()?;
        if let Sending::Pieces(pieces) = &self.sending {
            let _ = pieces.blocking_send(Err(io::Error::other(
                "the statement failed after its answer had begun",
            )));
        }
        Ok(())
    }

    fn encode(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if bytes.is_empty() {
            return Ok(());
        }
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            none => none.insert(Encoder::new(self.wanted.encoding)?),
        };
        match self.wanted.blocks {
            Some(method) => encoder.write(&blocks::pack(bytes, method)?)?,
            None => encoder.write(bytes)?,
        }
        self.encoded = true;
        self.held_bytes += bytes.len();
        Ok(())
    }

    /// Sends what is held, and the headers before the first of it.
    fn send_held(&mut self) -> Result<(), Stop> {
        self.held_bytes = 0;
        let Some(encoder) = &mut self.encoder else {
            return Ok(());
        };
        let piece = Bytes::from(encoder.take()?);
        if let Sending::NotYet(_) = self.sending {
            let (sender, receiver) = mpsc::channel(PIECES_MAX);
            let reply = Reply {
                status: 200,
                headers: self.headers(None),
                body: ReplyBody::Pieces(receiver),
            };
            match std::mem::replace(&mut self.sending, Sending::Pieces(sender)) {
                Sending::NotYet(waiting) => waiting.send(reply).map_err(|_| Stop::Gone)?,
                Sending::Pieces(_) => {}
            }
        }
        match &self.sending {
            Sending::Pieces(pieces) if !piece.is_empty() => {
                pieces.blocking_send(Ok(piece)).map_err(|_| Stop::Gone)
            }
            _ => Ok(()),
        }
    }

    fn send_last(&mut self, status: u16, rest: Bytes, exception: Option<u16>) -> Result<(), Stop> {
        let headers = self.headers(exception);
        let (closed, _) = mpsc::channel(1);
        match std::mem::replace(&mut self.sending, Sending::Pieces(closed)) {
            Sending::NotYet(waiting) => {
                let reply = Reply {
                    status,
                    headers,
                    body: ReplyBody::Whole(rest),
                };
                waiting.send(reply).map_err(|_| Stop::Gone)
            }
            Sending::Pieces(_) if rest.is_empty() => Ok(()),
            Sending::Pieces(pieces) => pieces.blocking_send(Ok(rest)).map_err(|_| Stop::Gone),
        }
    }

    fn headers(&self, exception: Option<u16>) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            (
                "Content-Type",
                content_type(&self.format, exception.is_some()).to_owned(),
            ),
            ("X-ClickHouse-Query-Id", self.wanted.query_id.clone()),
            ("X-ClickHouse-Server-Display-Name", DISPLAY_NAME.to_owned()),
            ("X-ClickHouse-Timezone", self.said.timezone.clone()),
            ("X-ClickHouse-Summary", self.summary()),
        ];
        match exception {
            Some(code) => headers.push(("X-ClickHouse-Exception-Code", code.to_string())),
            None => {
                headers.push(("X-ClickHouse-Format", self.format.clone()));
                headers.push(("X-ClickHouse-Exception-Tag", self.tag.clone()));
            }
        }
        if self.wanted.encoding != Encoding::Identity && self.encoded {
            headers.push(("Content-Encoding", self.wanted.encoding.name().to_owned()));
        }
        headers
    }

    /// The counts so far, as a server says them: texts in an object.
    fn summary(&self) -> String {
        let Counts {
            read_rows,
            read_bytes,
            result_rows,
            result_bytes,
            written_rows,
            written_bytes,
        } = self.counts;
        json!({
            "read_rows": read_rows.to_string(),
            "read_bytes": read_bytes.to_string(),
            "written_rows": written_rows.to_string(),
            "written_bytes": written_bytes.to_string(),
            "total_rows_to_read": "0",
            "result_rows": result_rows.to_string(),
            "result_bytes": result_bytes.to_string(),
            "elapsed_ns": self.started.elapsed().as_nanos().to_string(),
        })
        .to_string()
    }
}

/// Sixteen letters that a result will not hold by chance; they need not be secret.
fn tag(query_id: &str) -> String {
    let hash = cityhash_rs::cityhash_110_128(query_id.as_bytes());
    (0..16)
        .map(|at| char::from(b'a' + u8::try_from((hash >> (at * 8)) % 26).unwrap_or(0)))
        .collect()
}

fn content_type(format: &str, exception: bool) -> &'static str {
    let lower = format.to_ascii_lowercase();
    match lower.as_str() {
        _ if exception => "text/plain; charset=UTF-8",
        "json" | "jsoncompact" | "jsonstrings" | "jsoncolumns" => "application/json; charset=UTF-8",
        "jsoneachrow" | "ndjson" | "jsonlines" => "application/x-ndjson; charset=UTF-8",
        "csv" => "text/csv; charset=UTF-8; header=absent",
        "csvwithnames" | "csvwithnamesandtypes" => "text/csv; charset=UTF-8; header=present",
        "xml" => "application/xml; charset=UTF-8",
        _ if lower.starts_with("rowbinary")
            || matches!(lower.as_str(), "native" | "parquet" | "arrow") =>
        {
            "application/octet-stream"
        }
        _ if lower.starts_with("tab") || lower.starts_with("tsv") => {
            "text/tab-separated-values; charset=UTF-8"
        }
        _ => "text/plain; charset=UTF-8",
    }
}
