//! The answer's `Content-Encoding`.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

/// An encoding that a client may accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Lz4,
    Zstd,
}

impl Encoding {
    /// The encoding to answer with, of those in `Accept-Encoding`: the cheapest that is known.
    pub fn accepted(header: &str) -> Encoding {
        let refused = |name: &str| name.contains("q=0") && !name.contains("q=0.");
        let names: Vec<&str> = header
            .split(',')
            .filter(|name| !refused(name))
            .map(|name| name.split(';').next().unwrap_or("").trim())
            .collect();
        [
            Encoding::Lz4,
            Encoding::Zstd,
            Encoding::Gzip,
            Encoding::Deflate,
        ]
        .into_iter()
        .find(|encoding| {
            names
                .iter()
                .any(|name| encoding.name().eq_ignore_ascii_case(name))
        })
        .unwrap_or(Encoding::Identity)
    }

    /// The name in HTTP.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Identity => "identity",
            Encoding::Gzip => "gzip",
            Encoding::Deflate => "deflate",
            Encoding::Lz4 => "lz4",
            Encoding::Zstd => "zstd",
        }
    }
}

/// Encodes a stream of bytes, from which finished pieces can be taken.
pub enum Encoder {
    Identity(Vec<u8>),
    Gzip(GzEncoder<Vec<u8>>),
    Deflate(ZlibEncoder<Vec<u8>>),
    Lz4(Box<FrameEncoder<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    /// A fresh encoder.
    ///
    /// # Errors
    ///
    /// The compressor cannot be made, which is so for want of memory only.
    pub fn new(encoding: Encoding) -> io::Result<Encoder> {
        Ok(match encoding {
            Encoding::Identity => Encoder::Identity(Vec::new()),
            Encoding::Gzip => Encoder::Gzip(GzEncoder::new(Vec::new(), Compression::fast())),
            Encoding::Deflate => {
                Encoder::Deflate(ZlibEncoder::new(Vec::new(), Compression::fast()))
            }
            Encoding::Lz4 => {
                let frame = FrameInfo::new()
                    .block_size(BlockSize::Max256KB)
                    .block_mode(BlockMode::Independent);
                Encoder::Lz4(Box::new(FrameEncoder::with_frame_info(frame, Vec::new())))
            }
            Encoding::Zstd => Encoder::Zstd(zstd::stream::write::Encoder::new(Vec::new(), 1)?),
        })
    }

    /// Adds bytes.
    ///
    /// # Errors
    ///
    /// The compressor failed.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Encoder::Identity(out) => out.write_all(bytes),
            Encoder::Gzip(encoder) => encoder.write_all(bytes),
            Encoder::Deflate(encoder) => encoder.write_all(bytes),
            Encoder::Lz4(encoder) => encoder.write_all(bytes),
            Encoder::Zstd(encoder) => encoder.write_all(bytes),
        }
    }

    /// Takes what is encoded so far, such that a client can decode all of it.
    ///
    /// # Errors
    ///
    /// The compressor failed.
    pub fn take(&mut self) -> io::Result<Vec<u8>> {
        Ok(match self {
            Encoder::Identity(out) => std::mem::take(out),
            Encoder::Gzip(encoder) => {
                encoder.flush()?;
                std::mem::take(encoder.get_mut())
            }
            Encoder::Deflate(encoder) => {
                encoder.flush()?;
                std::mem::take(encoder.get_mut())
            }
            Encoder::Lz4(encoder) => {
                encoder.flush()?;
                std::mem::take(encoder.get_mut())
            }
            Encoder::Zstd(encoder) => {
                encoder.flush()?;
                std::mem::take(encoder.get_mut())
            }
        })
    }

    /// Ends the stream and returns what is left of it.
    ///
    /// # Errors
    ///
    /// The compressor failed.
    pub fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Encoder::Identity(out) => Ok(out),
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Deflate(encoder) => encoder.finish(),
            Encoder::Lz4(encoder) => encoder.finish().map_err(io::Error::other),
            Encoder::Zstd(encoder) => encoder.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::clickhouse::wire::decode;

    #[test]
    fn the_encoding_is_one_that_the_client_accepts() {
        for (header, expected) in [
            ("", Encoding::Identity),
            ("lz4", Encoding::Lz4),
            ("zstd", Encoding::Zstd),
            ("gzip, deflate, br", Encoding::Gzip),
            ("br;q=1.0, gzip;q=0.8", Encoding::Gzip),
            ("gzip;q=0, deflate", Encoding::Deflate),
            ("br", Encoding::Identity),
        ] {
            assert_eq!(Encoding::accepted(header), expected, "of {header:?}");
        }
    }

    #[test]
    fn pieces_taken_one_by_one_decode_to_the_whole() {
        let data: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        for encoding in [
            Encoding::Identity,
            Encoding::Gzip,
            Encoding::Deflate,
            Encoding::Lz4,
            Encoding::Zstd,
        ] {
            let mut encoder = Encoder::new(encoding).unwrap();
            let mut encoded = Vec::new();
            for piece in data.chunks(123_457) {
                encoder.write(piece).unwrap();
                encoded.extend(encoder.take().unwrap());
            }
            encoded.extend(encoder.finish().unwrap());
            let mut decoded = Vec::new();
            let reader =
                decode::content(Box::new(io::Cursor::new(encoded)), encoding.name()).unwrap();
            decode::bounded(reader).read_to_end(&mut decoded).unwrap();
            assert!(decoded == data, "{encoding:?}");
        }
    }
}
