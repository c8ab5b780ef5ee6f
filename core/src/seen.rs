//! The identities that a shard has seen, in one segment for each UTC opening day.
//!
//! An identity names its own day, so a segment is whole and can be dropped at once: when the day's end, the horizon
//! and a week have passed, which is after the rows of that day have become too old.

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::fixed_hash::FixedMap;
use crate::usage::Identity;

/// Days that a segment is kept beyond the horizon.
pub(crate) const KEPT_BEYOND_HORIZON_DAYS: i32 = 7;

/// What is known of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    New,
    /// With the same digest.
    Same,
    /// With another digest.
    Conflict,
}

/// All segments, by day.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Seen {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug)]
struct Segment {
    opening_day: i32,
    /// Identity to digest.
    digests: FixedMap<u64, u32>,
}

impl Seen {
    /// Looks an identity up, and enters it where it is new and `enter` says so.
    pub(crate) fn meet(&mut self, identity: Identity, digest: u32, enter: bool) -> Met {
        let day = identity.opening_day;
        // Rows are mostly of the newest days, which stand last.
        let place = self.segments.iter().rposition(|s| s.opening_day <= day);
        let known = place.filter(|place| self.segments[*place].opening_day == day);
        let segment = match known {
            Some(place) => &mut self.segments[place],
            None if !enter => return Met::New,
            None => {
                let place = place.map_or(0, |before| before + 1);
                self.segments.insert(place, Segment::new(day));
                &mut self.segments[place]
            }
        };
        if !enter {
            return match segment.digests.get(&identity.hash) {
                None => Met::New,
                Some(known) if *known == digest => Met::Same,
                Some(_) => Met::Conflict,
            };
        }
        match segment.digests.entry(identity.hash) {
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(digest);
                Met::New
            }
            std::collections::hash_map::Entry::Occupied(known) if *known.get() == digest => {
                Met::Same
            }
            std::collections::hash_map::Entry::Occupied(_) => Met::Conflict,
        }
    }

    /// Drops the segments that the clock's UTC day has left behind.
    pub(crate) fn forget(&mut self, clock_day: i32, horizon_days: u16) {
        let kept = 1 + i32::from(horizon_days) + KEPT_BEYOND_HORIZON_DAYS;
        self.segments
            .retain(|segment| segment.opening_day.saturating_add(kept) > clock_day);
    }
}

impl Segment {
    fn new(opening_day: i32) -> Segment {
        Segment {
            opening_day,
            digests: FixedMap::default(),
        }
    }
}

/// Bytes of one entry of a segment: the identity, then the digest, little-endian.
const ENTRY_BYTES: usize = 12;

/// A segment as bytes: sorted by identity, so that the order of arrival does not show.
impl Serialize for Segment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries: Vec<(u64, u32)> = self.digests.iter().map(|(i, d)| (*i, *d)).collect();
        entries.sort_unstable();
        let mut bytes = Vec::with_capacity(4 + entries.len() * ENTRY_BYTES);
        bytes.extend_from_slice(&self.opening_day.to_le_bytes());
        for (identity, digest) in entries {
            bytes.extend_from_slice(&identity.to_le_bytes());
            bytes.extend_from_slice(&digest.to_le_bytes());
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
            .split_first_chunk::<4>()
            .ok_or_else(|| E::custom("a segment of `seen` without its day"))?;
        let (entries, rest) = entries.as_chunks::<ENTRY_BYTES>();
        if !rest.is_empty() {
            return Err(E::custom("a segment of `seen` ends within an entry"));
        }
        let mut segment = Segment::new(i32::from_le_bytes(*day));
        segment.digests.reserve(entries.len());
        for entry in entries {
            let [a, b, c, d, e, f, g, h, digest @ ..] = *entry;
            let identity = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
            let digest = u32::from_le_bytes(digest);
            if segment.digests.insert(identity, digest).is_some() {
                return Err(E::custom("a segment of `seen` names an identity twice"));
            }
        }
        Ok(segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(opening_day: i32, hash: u64) -> Identity {
        Identity { opening_day, hash }
    }

    #[test]
    fn an_identity_is_new_once_and_conflicts_by_its_digest() {
        let mut seen = Seen::default();
        // (opening day, identity, digest, enter) → what is known of it
        let table = [
            (10, 1, 7, true, Met::New),
            (10, 1, 7, true, Met::Same),
            (10, 1, 8, true, Met::Conflict),
            (10, 1, 7, false, Met::Same),
            (11, 1, 7, false, Met::New),
            (11, 1, 7, true, Met::New),
            (9, 2, 7, true, Met::New),
            (9, 2, 7, true, Met::Same),
            (10, 2, 7, false, Met::New),
        ];
        for (day, hash, digest, enter, expected) in table {
            let met = seen.meet(identity(day, hash), digest, enter);
            assert_eq!(met, expected, "day {day}, identity {hash}");
        }
    }

    #[test]
    fn a_day_is_dropped_when_horizon_and_a_week_have_passed() {
        let mut seen = Seen::default();
        seen.meet(identity(100, 1), 7, true);
        seen.forget(100 + 45 + 7, 45);
        assert_eq!(seen.meet(identity(100, 1), 7, false), Met::Same);
        seen.forget(100 + 45 + 8, 45);
        assert_eq!(seen.meet(identity(100, 1), 7, false), Met::New);
    }

    #[test]
    fn the_order_of_arrival_does_not_show_in_the_bytes() {
        let (mut one, mut other) = (Seen::default(), Seen::default());
        let entries: Vec<u64> = (0..1000).map(|n: u64| n.wrapping_mul(FACTOR)).collect();
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        for hash in &entries {
            one.meet(identity((hash % 3) as i32, *hash), 1, true);
        }
        for hash in entries.iter().rev() {
            other.meet(identity((hash % 3) as i32, *hash), 1, true);
        }
        let bytes = postcard::to_stdvec(&one).unwrap();
        assert_eq!(bytes, postcard::to_stdvec(&other).unwrap());
        let restored: Seen = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(postcard::to_stdvec(&restored).unwrap(), bytes);
    }
}
