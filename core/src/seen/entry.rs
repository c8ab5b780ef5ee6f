//! One identity as it is kept.

/// Hash and digest in 12 bytes, without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    // In this order, so that entries are ordered by their hashes.
    hash_high: u32,
    hash_low: u32,
    pub(super) digest: u32,
}

/// Bytes of an entry, in memory and in snapshots.
pub(super) const ENTRY_BYTES: usize = size_of::<Entry>();

impl Entry {
    pub(super) fn new(hash: u64, digest: u32) -> Entry {
        Entry {
            hash_high: (hash >> 32) as u32,
            hash_low: (hash & u64::from(u32::MAX)) as u32,
            digest,
        }
    }

    pub(super) fn hash(self) -> u64 {
        u64::from(self.hash_high) << 32 | u64::from(self.hash_low)
    }

    /// The hash, then the digest, little-endian.
    pub(super) fn to_bytes(self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..8].copy_from_slice(&self.hash().to_le_bytes());
        bytes[8..].copy_from_slice(&self.digest.to_le_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: [u8; ENTRY_BYTES]) -> Entry {
        let [a, b, c, d, e, f, g, h, digest @ ..] = bytes;
        let hash = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        Entry::new(hash, u32::from_le_bytes(digest))
    }
}
