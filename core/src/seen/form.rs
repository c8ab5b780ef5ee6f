//! The segments as bytes: by day, each sorted by hash, so that neither the order of arrival nor the form in memory
//! shows.

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::entry::{ENTRY_BYTES, Entry};
use super::{Form, Seen, Segment, past};

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.segments.serialize(serializer)
    }
}

/// Segments come back in the form of past days, until the clock's day is told ([`Seen::forget`]).
impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let segments: Vec<Segment> = Vec::deserialize(deserializer)?;
        if !segments.is_sorted_by(|one, next| one.opening_day < next.opening_day) {
            return Err(serde::de::Error::custom(
                "the segments of `seen` are not in the order of their days",
            ));
        }
        Ok(Seen {
            segments,
            ..Seen::default()
        })
    }
}

/// The day, then the entries.
impl Serialize for Segment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let len = match &self.form {
            Form::Filling(table) => table.len(),
            Form::Past(array) => array.len(),
        };
        let mut bytes = Vec::with_capacity(size_of::<i32>() + len * ENTRY_BYTES);
        bytes.extend_from_slice(&self.opening_day.to_le_bytes());
        let write = |entry: Entry| bytes.extend_from_slice(&entry.to_bytes());
        match &self.form {
            Form::Filling(table) => table.for_each_sorted(write),
            Form::Past(array) => array.iter().for_each(write),
        }
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for Segment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(SegmentBytes)
    }
}

struct SegmentBytes;

impl Visitor<'_> for SegmentBytes {
    type Value = Segment;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an opening day and entries of {ENTRY_BYTES} bytes")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Segment, E> {
        let (day, entries) = bytes
            .split_first_chunk()
            .ok_or_else(|| E::custom("a segment of `seen` without its day"))?;
        let (entries, rest) = entries.as_chunks::<ENTRY_BYTES>();
        if !rest.is_empty() {
            return Err(E::custom("a segment of `seen` ends within an entry"));
        }
        let mut array = past::Builder::new(entries.len());
        let mut last = None;
        for entry in entries {
            let entry = Entry::from_bytes(*entry);
            if last.is_some_and(|last| last >= entry.hash()) {
                return Err(E::custom("a segment of `seen` is not sorted"));
            }
            last = Some(entry.hash());
            array.push(entry);
        }
        Ok(Segment {
            opening_day: i32::from_le_bytes(*day),
            form: Form::Past(array.finish()),
        })
    }
}
