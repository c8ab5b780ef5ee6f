//! A list that grows by chunks: what stands in it is never copied, and no more than a chunk of it is empty.
//!
//! A `Vec` grows to twice its size, and for a moment holds both: too much where the list is most of a shard's memory.

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values of a chunk.
const CHUNK: usize = 1024;

/// Values by number, in the order in which they were added.
#[derive(Clone, Debug)]
pub(crate) struct Chunks<T> {
    chunks: Vec<Vec<T>>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Chunks { chunks: Vec::new() }
    }
}

impl<T> Chunks<T> {
    pub(crate) fn len(&self) -> usize {
        match self.chunks.last() {
            Some(last) => (self.chunks.len() - 1) * CHUNK + last.len(),
            None => 0,
        }
    }

    /// Adds a value; returns its number.
    ///
    /// # Panics
    /// There are as many as a number of 31 bits can tell apart.
    pub(crate) fn push(&mut self, value: T) -> u32 {
        let number = self.len();
        assert!(number < 1 << 31, "a list holds fewer than 2³¹ values");
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(value),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(value);
                self.chunks.push(chunk);
            }
        }
        number as u32
    }

    pub(crate) fn get(&self, number: u32) -> &T {
        let number = number as usize;
        &self.chunks[number / CHUNK][number % CHUNK]
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> &mut T {
        let number = number as usize;
        &mut self.chunks[number / CHUNK][number % CHUNK]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.chunks.iter_mut().flatten()
    }
}

/// As a list.
impl<T: Serialize> Serialize for Chunks<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The length stands before the values, as the iterator alone could not tell it.
        let mut list = serializer.serialize_seq(Some(self.len()))?;
        for value in self.iter() {
            serde::ser::SerializeSeq::serialize_element(&mut list, value)?;
        }
        serde::ser::SerializeSeq::end(list)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Chunks<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Values(Chunks::default()))
    }
}

struct Values<T>(Chunks<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Values<T> {
    type Value = Chunks<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Chunks<T>, A::Error> {
        while let Some(value) = list.next_element()? {
            self.0.push(value);
        }
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_by_their_numbers_also_beyond_a_chunk_and_in_a_copy() {
        let mut chunks = Chunks::default();
        for value in 0..2_500_u64 {
            assert_eq!(u64::from(chunks.push(value)), value);
        }
        *chunks.get_mut(2_000) += 5;
        let bytes = postcard::to_stdvec(&chunks).unwrap();
        let mut copy: Chunks<u64> = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(copy.push(7), 2_500);
        assert_eq!((*copy.get(1_999), *copy.get(2_000)), (1_999, 2_005));
        assert!(
            copy.iter()
                .zip(chunks.iter())
                .all(|(one, other)| one == other)
        );
    }
}
