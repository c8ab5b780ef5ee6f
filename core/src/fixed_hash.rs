//! A small hasher without a seed, so that a shard is the same on every machine and in every run.
//!
//! Keys are pseudonyms (a cipher's output) and hashes already; one multiplication per word spreads what is left. No map
//! with it is ever walked where the order could be seen.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

/// A hash map whose layout depends on its keys alone.
pub(crate) type FixedMap<K, V> = HashMap<K, V, FixedHash>;

/// Makes [`FixedHasher`]s, all alike.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedHash;

/// Adds each word and multiplies, as `rustc` does for its own tables.
#[derive(Clone, Copy, Debug)]
pub struct FixedHasher(u64);

/// An odd number whose bits are well mixed.
const FACTOR: u64 = 0xf135_7aea_2e62_a9c5;

impl BuildHasher for FixedHash {
    type Hasher = FixedHasher;

    fn build_hasher(&self) -> FixedHasher {
        FixedHasher(0)
    }
}

impl Hasher for FixedHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, word: u8) {
        self.write_u64(u64::from(word));
    }

    fn write_u16(&mut self, word: u16) {
        self.write_u64(u64::from(word));
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = self.0.wrapping_add(word).wrapping_mul(FACTOR);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn finish(&self) -> u64 {
        // The table takes its place from the low bits, and the multiplication moved the best ones up.
        self.0.rotate_left(26)
    }
}
