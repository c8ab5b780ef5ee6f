//! The request's `Content-Encoding`.

use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use lz4_flex::frame::FrameDecoder;

use crate::clickhouse::exception::Exception;

/// Bytes of a request, read where statements run.
pub type Bytes = Box<dyn Read + Send>;

/// Undoes `encoding`, the value of `Content-Encoding`.
///
/// # Errors
///
/// The encoding is not one that this front knows.
pub fn content(encoded: Bytes, encoding: &str) -> Result<Bytes, Exception> {
    Ok(match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => encoded,
        "gzip" | "x-gzip" => Box::new(MultiGzDecoder::new(encoded)),
        "deflate" => Box::new(ZlibDecoder::new(encoded)),
        "lz4" => Box::new(FrameDecoder::new(encoded)),
        "zstd" => {
            let decoder = zstd::stream::read::Decoder::new(encoded);
            Box::new(decoder.map_err(|error| Exception::new(271, error, "CANNOT_DECOMPRESS"))?)
        }
        other => {
            return Err(Exception::new(
                48,
                format!(
                    "Content-Encoding {other} is not read here: send gzip, deflate, lz4, zstd or none"
                ),
                "NOT_IMPLEMENTED",
            ));
        }
    })
}

/// A request unpacks to no more than this.
const BYTES_MAX: u64 = 64 << 30;

/// Bounds what a request unpacks to.
pub fn bounded(bytes: Bytes) -> Bytes {
    Box::new(bytes.take(BYTES_MAX))
}
