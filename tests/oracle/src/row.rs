//! What is taken of a row in `hissa.usage`: where it came from, when, and whether it is a stub.

use crate::names::Feed;

/// Bytes of one row.
pub(crate) const ROW: usize = 180;

/// A row's place in the carrier's feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source {
    pub(crate) feed: Feed,
    pub(crate) epoch: u32,
    pub(crate) partition: u32,
}

/// One row, as far as it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Whether the message was rejected. Why, the message itself says.
    pub(crate) is_stub: bool,
    pub(crate) source: Source,
    pub(crate) offset: u64,
    pub(crate) row: u32,
    pub(crate) delivered_at: i64,
}

/// The rows of an entry; `None` where they are torn.
pub(crate) fn rows(payload: &[u8]) -> Option<Vec<Row>> {
    let (rows, rest) = payload.as_chunks::<ROW>();
    rest.is_empty().then(|| rows.iter().map(row).collect())
}

fn row(bytes: &[u8; ROW]) -> Row {
    Row {
        is_stub: bytes[0] == 1,
        source: Source {
            feed: Feed(field(bytes, 44)),
            epoch: u32::from_le_bytes(field(bytes, 60)),
            partition: u32::from_le_bytes(field(bytes, 64)),
        },
        offset: u64::from_le_bytes(field(bytes, 68)),
        row: u32::from_le_bytes(field(bytes, 76)),
        delivered_at: i64::from_le_bytes(field(bytes, 84)),
    }
}

fn field<const N: usize>(bytes: &[u8; ROW], at: usize) -> [u8; N] {
    core::array::from_fn(|place| bytes[at + place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_at_its_places_and_a_torn_one_is_none() {
        let mut bytes = [0_u8; ROW];
        bytes[0] = 1;
        bytes[1] = 2;
        bytes[44..49].copy_from_slice(b"pgw-1");
        bytes[60] = 3;
        bytes[64] = 4;
        bytes[68] = 5;
        bytes[76] = 6;
        bytes[84] = 7;
        let source = Source {
            feed: "pgw-1".parse().unwrap(),
            epoch: 3,
            partition: 4,
        };
        let row = Row {
            is_stub: true,
            source,
            offset: 5,
            row: 6,
            delivered_at: 7,
        };
        assert_eq!(rows(&bytes), Some(vec![row]));
        assert_eq!(rows(&bytes[1..]), None);
    }
}
