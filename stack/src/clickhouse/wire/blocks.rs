//! ClickHouse's own block compression (`compress=1`, `decompress=1`).
//!
//! A block is a checksum of 16 bytes (CityHash128 of version 1.0.2, high half first), then under the checksum: a byte
//! for the method, the length of header and data, the length of the data unpacked (both 32 bits, little-endian), and
//! the data.

use std::io::{self, Read};

/// The bytes under the checksum before the data.
const HEADER_BYTES: usize = 9;
const CHECKSUM_BYTES: usize = 16;

/// A block unpacks to no more than this; clients make blocks of 1 MiB or of one batch.
const UNPACKED_BYTES_MAX: usize = 1 << 30;

/// An answer is cut into blocks of this size, as a server does.
const BLOCK_BYTES: usize = 1 << 20;

const LZ4: u8 = 0x82;
const ZSTD: u8 = 0x90;
const NONE: u8 = 0x02;

/// How blocks are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Lz4,
    Zstd,
}

/// Packs `data` into blocks.
///
/// # Errors
///
/// The compressor failed, which it does for want of memory only.
pub fn pack(data: &[u8], method: Method) -> io::Result<Vec<u8>> {
    let mut packed = Vec::with_capacity(data.len() / 2 + CHECKSUM_BYTES + HEADER_BYTES);
    for piece in data.chunks(BLOCK_BYTES) {
        let (mark, compressed) = match method {
            Method::Lz4 => (LZ4, lz4_flex::block::compress(piece)),
            Method::Zstd => (ZSTD, zstd::bulk::compress(piece, 1)?),
        };
        let mut block = Vec::with_capacity(HEADER_BYTES + compressed.len());
        block.push(mark);
        block.extend(length(HEADER_BYTES + compressed.len())?.to_le_bytes());
        block.extend(length(piece.len())?.to_le_bytes());
        block.extend(compressed);
        packed.extend(checksum(&block));
        packed.extend(block);
    }
    Ok(packed)
}

fn length(bytes: usize) -> io::Result<u32> {
    u32::try_from(bytes).map_err(|_| io::Error::other("a block of 4 GiB"))
}

fn checksum(block: &[u8]) -> [u8; CHECKSUM_BYTES] {
    cityhash_rs::cityhash_102_128(block)
        .rotate_right(64)
        .to_le_bytes()
}

/// Unpacks a stream of blocks.
pub struct Unpacked<R> {
    packed: R,
    block: Vec<u8>,
    read: usize,
}

impl<R: Read> Unpacked<R> {
    /// Reads blocks from `packed`.
    pub fn new(packed: R) -> Unpacked<R> {
        Unpacked {
            packed,
            block: Vec::new(),
            read: 0,
        }
    }

    /// Reads the next block; `false` at the stream's end.
    fn next_block(&mut self) -> io::Result<bool> {
        let mut head = [0; CHECKSUM_BYTES + HEADER_BYTES];
        let mut filled = 0;
        while filled < head.len() {
            match self.packed.read(&mut head[filled..])? {
                0 if filled == 0 => return Ok(false),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => filled += read,
            }
        }
        let (expected, header) = head.split_at(CHECKSUM_BYTES);
        let size = |at: usize| {
            let bytes = header
                .get(at..at + 4)
                .and_then(|bytes| bytes.try_into().ok())
                .unwrap_or([0; 4]);
            usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX)
        };
        let (packed_bytes, unpacked_bytes) = (size(1), size(5));
        if !(HEADER_BYTES..=UNPACKED_BYTES_MAX).contains(&packed_bytes)
            || unpacked_bytes > UNPACKED_BYTES_MAX
        {
            return Err(io::Error::other(format!(
                "a compressed block of {packed_bytes} bytes for {unpacked_bytes}"
            )));
        }
        let mut block = header.to_vec();
        let limit = u64::try_from(packed_bytes - HEADER_BYTES).unwrap_or(0);
        let read = self.packed.by_ref().take(limit).read_to_end(&mut block)?;
        if read + HEADER_BYTES < packed_bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if checksum(&block) != expected {
            return Err(io::Error::other(
                "a compressed block whose checksum does not match its data",
            ));
        }
        let data = &block[HEADER_BYTES..];
        self.read = 0;
        self.block = match block[0] {
            LZ4 => lz4_flex::block::decompress(data, unpacked_bytes).map_err(io::Error::other)?,
            ZSTD => zstd::bulk::decompress(data, unpacked_bytes)?,
            NONE => data.to_vec(),
            method => {
                return Err(io::Error::other(format!(
                    "a compressed block of the unknown method {method:#04x}"
                )));
            }
        };
        Ok(true)
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.read == self.block.len() {
            if !self.next_block()? {
                return Ok(0);
            }
        }
        let read = (&self.block[self.read..]).read(into)?;
        self.read += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_unpacks_to_the_same() {
        let long: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
        for method in [Method::Lz4, Method::Zstd] {
            for data in [&b""[..], b"a", b"hello hello hello", &long] {
                let packed = pack(data, method).unwrap();
                let mut unpacked = Vec::new();
                Unpacked::new(packed.as_slice())
                    .read_to_end(&mut unpacked)
                    .unwrap();
                assert!(unpacked == data, "{method:?} of {} bytes", data.len());
            }
        }
    }

    #[test]
    fn a_damaged_or_cut_block_is_an_error() {
        let packed = pack(b"hello hello hello", Method::Lz4).unwrap();
        let read = |packed: &[u8]| Unpacked::new(packed).read_to_end(&mut Vec::new()).is_err();
        assert!(read(&packed[..packed.len() - 1]));
        assert!(read(&packed[..10]));
        let mut damaged = packed.clone();
        damaged[30] ^= 1;
        assert!(read(&damaged));
    }
}
