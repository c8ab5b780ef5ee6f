//! What the values of a record's fields may be: each rule once, for the fast reader and for the one that explains.

use hissa_core::outcome::RejectReason;
use hissa_core::registry::Counter;
use hissa_core::sim::{Imei, Imsi, NodeId};

use super::instant;

/// A message larger than this is rejected before it is read.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Containers of one record at the most.
pub const CONTAINERS_MAX: usize = 1_000;
/// Bytes one way of one container at the most.
pub const USAGE_BYTES_MAX: u64 = 1_000_000_000_000;

/// A kind of text: how it is read, and what to say where it cannot be.
pub trait TextRule {
    type Value;
    const REASON: RejectReason;
    const EXPECTED: &'static str;
    /// The value; none where the text breaks the rule.
    fn read(text: &str) -> Option<Self::Value>;
}

/// A gateway's name.
pub enum Node {}
/// A point in time, as UTC milliseconds.
pub enum Instant {}
/// The SIM.
pub enum Subscriber {}
/// The device.
pub enum Device {}
/// Radio access, as its generation.
pub enum Rat {}
/// The serving network, as the number that stands in a row.
pub enum Plmn {}
/// What byte counts are.
pub enum Counting {}

impl TextRule for Node {
    type Value = NodeId;
    const REASON: RejectReason = RejectReason::OutOfRange;
    const EXPECTED: &'static str = "1 to 20 printable ASCII characters without space";
    fn read(text: &str) -> Option<NodeId> {
        NodeId::parse(text).ok()
    }
}

impl TextRule for Instant {
    type Value = i64;
    const REASON: RejectReason = RejectReason::BadTime;
    const EXPECTED: &'static str = "a time that exists, as RFC 3339 with `Z` or an offset and at most milliseconds, from 1970 to 9999";
    fn read(text: &str) -> Option<i64> {
        instant::parse(text)
    }
}

impl TextRule for Subscriber {
    type Value = Imsi;
    const REASON: RejectReason = RejectReason::BadIdentifier;
    const EXPECTED: &'static str = "an IMSI of 6 to 15 digits";
    fn read(text: &str) -> Option<Imsi> {
        Imsi::parse(text).ok()
    }
}

impl TextRule for Device {
    type Value = Imei;
    const REASON: RejectReason = RejectReason::BadIdentifier;
    const EXPECTED: &'static str = "an IMEI of 14 or 15 digits, or an IMEISV of 16";
    fn read(text: &str) -> Option<Imei> {
        Imei::parse(text).ok()
    }
}

impl TextRule for Rat {
    type Value = u8;
    const REASON: RejectReason = RejectReason::BadIdentifier;
    const EXPECTED: &'static str = "one of 2G, 3G, 4G, 5G";
    fn read(text: &str) -> Option<u8> {
        match text {
            "2G" => Some(2),
            "3G" => Some(3),
            "4G" => Some(4),
            "5G" => Some(5),
            _ => None,
        }
    }
}

impl TextRule for Plmn {
    type Value = u32;
    const REASON: RejectReason = RejectReason::BadIdentifier;
    const EXPECTED: &'static str = "MCC and MNC as 5 or 6 digits";
    fn read(text: &str) -> Option<u32> {
        // The count of the MNC's digits stands in front, so that 001-01 and 001-001 differ.
        let mark = match text.len() {
            5 => 2_00000,
            6 => 3_000000,
            _ => return None,
        };
        let digit = |b: u8| b.is_ascii_digit().then(|| u32::from(b - b'0'));
        text.bytes()
            .try_fold(0, |number, b| Some(number * 10 + digit(b)?))
            .map(|number| mark + number)
    }
}

impl TextRule for Counting {
    type Value = Counter;
    const REASON: RejectReason = RejectReason::BadIdentifier;
    const EXPECTED: &'static str = "one of delta, cumulative32, cumulative64";
    fn read(text: &str) -> Option<Counter> {
        match text {
            "delta" => Some(Counter::Delta),
            "cumulative32" => Some(Counter::Cumulative32),
            "cumulative64" => Some(Counter::Cumulative64),
            _ => None,
        }
    }
}

/// The range of an integer field.
#[derive(Clone, Copy)]
pub struct IntegerRule {
    pub least: u64,
    pub most: u64,
}

impl IntegerRule {
    pub const U64: IntegerRule = IntegerRule {
        least: 0,
        most: u64::MAX,
    };
    pub const U32: IntegerRule = IntegerRule {
        least: 0,
        most: u32::MAX as u64,
    };
    /// A container's number.
    pub const SEQUENCE: IntegerRule = IntegerRule {
        least: 1,
        most: u32::MAX as u64,
    };
    /// A node's own number of a record.
    pub const NODE_SEQUENCE: IntegerRule = IntegerRule {
        least: 0,
        most: u64::MAX >> 1,
    };
    /// Bytes one way.
    pub const BYTES: IntegerRule = IntegerRule {
        least: 0,
        most: USAGE_BYTES_MAX,
    };

    /// Bytes one way, where a record says what they are.
    pub const fn bytes(counter: Option<Counter>) -> IntegerRule {
        match counter {
            // What a counter of 32 bits can show.
            Some(Counter::Cumulative32) => IntegerRule::U32,
            Some(Counter::Delta | Counter::Cumulative64) | None => IntegerRule::BYTES,
        }
    }

    /// Whether the number keeps the rule.
    pub fn holds(self, number: u64) -> bool {
        (self.least..=self.most).contains(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_of_two_and_three_mnc_digits_differ() {
        for (text, expected) in [
            ("00101", Some(200_101)),
            ("001001", Some(3_001_001)),
            ("60400", Some(260_400)),
            ("999999", Some(3_999_999)),
            ("6040", None),
            ("6040000", None),
            ("6040x", None),
            ("", None),
        ] {
            assert_eq!(Plmn::read(text), expected, "{text:?}");
        }
    }
}
