//! Identifiers that cannot hold an invalid value: IMSI and IMEI at the borders, pseudonyms inside.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The number of partitions of `hissa.usage`: a power of two, never changed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Partitions(u16);

impl Partitions {
    /// The default of a small deployment.
    pub const SMALL: Partitions = Partitions(16);

    /// How many there are.
    pub fn count(self) -> u16 {
        self.0
    }

    /// Their numbers, in order.
    pub fn numbers(self) -> impl Iterator<Item = u16> {
        0..self.0
    }
}

impl TryFrom<u16> for Partitions {
    type Error = IdentifierError;

    fn try_from(count: u16) -> Result<Self, IdentifierError> {
        if (1..=1024).contains(&count) && count.is_power_of_two() {
            Ok(Partitions(count))
        } else {
            Err(IdentifierError::Partitions(count))
        }
    }
}

impl From<Partitions> for u16 {
    fn from(partitions: Partitions) -> u16 {
        partitions.0
    }
}

/// A SIM as the inside of Hissa knows it: the keyed pseudonym of its IMSI, 16 bytes, hexadecimal for people.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimId(pub [u8; 16]);

/// A device as the inside of Hissa knows it: the keyed pseudonym of the first 14 digits of its IMEI.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub [u8; 16]);

impl SimId {
    /// The partition of this SIM: the top bits of its pseudonym (which is uniform, since it is a cipher's output).
    pub fn partition(&self, partitions: Partitions) -> u16 {
        let top = u16::from_be_bytes([self.0[0], self.0[1]]);
        // A division by a power of two keeps the top bits; the quotient is below `count`.
        ((u32::from(top) * u32::from(partitions.0)) >> 16) as u16
    }
}

macro_rules! hex_identifier {
    ($name:ident, $what:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdentifierError;

            fn from_str(text: &str) -> Result<Self, IdentifierError> {
                let mut bytes = [0; 16];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| IdentifierError::Hex($what))?;
                Ok($name(bytes))
            }
        }

        // Hexadecimal where people read it (JSON), the bare block in binary forms (snapshots).
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                    text.parse().map_err(D::Error::custom)
                } else {
                    <[u8; 16]>::deserialize(deserializer).map($name)
                }
            }
        }
    };
}

hex_identifier!(SimId, "SIM");
hex_identifier!(DeviceId, "device");

/// An IMSI: 6 to 15 digits (3GPP TS 23.003, clause 2.2). It exists only at the borders, and never prints itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Imsi(Digits);

/// The first 14 digits of an IMEI or IMEISV (3GPP TS 23.003, clause 6.2): type allocation code and serial number.
/// It exists only at the borders, and never prints itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Imei(Digits);

/// Up to 15 decimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digits {
    pub(crate) count: u8,
    pub(crate) digits: [u8; 15],
}

impl Digits {
    pub(crate) fn parse(text: &str, least: usize, most: usize) -> Option<Digits> {
        let count = text.len();
        if !(least..=most).contains(&count) || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let mut digits = [0; 15];
        for (digit, byte) in digits.iter_mut().zip(text.bytes()) {
            *digit = byte - b'0';
        }
        Some(Digits {
            count: u8::try_from(count).ok()?,
            digits,
        })
    }

    fn text(&self) -> String {
        self.digits[..usize::from(self.count)]
            .iter()
            .map(|d| char::from(b'0' + d))
            .collect()
    }
}

impl Imsi {
    /// Reads 6 to 15 digits.
    pub fn parse(text: &str) -> Result<Imsi, IdentifierError> {
        Digits::parse(text, 6, 15)
            .map(Imsi)
            .ok_or(IdentifierError::Imsi)
    }

    /// The digits, for the borders alone: orders to the carrier.
    pub fn reveal(&self) -> String {
        self.0.text()
    }

    pub(crate) fn digits(&self) -> &Digits {
        &self.0
    }

    pub(crate) fn from_digits(digits: Digits) -> Imsi {
        Imsi(digits)
    }
}

impl Imei {
    /// Reads an IMEI of 14 or 15 digits or an IMEISV of 16, and keeps the first 14: a check digit or a software
    /// version does not make another device.
    pub fn parse(text: &str) -> Result<Imei, IdentifierError> {
        let bytes = text.as_bytes();
        if !(14..=16).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_digit) {
            return Err(IdentifierError::Imei);
        }
        Digits::parse(&text[..14], 14, 14)
            .map(Imei)
            .ok_or(IdentifierError::Imei)
    }

    /// The type allocation code: the first eight digits, which name the model and no one device.
    pub fn tac(&self) -> u32 {
        self.0.digits[..8]
            .iter()
            .fold(0, |tac, digit| tac * 10 + u32::from(*digit))
    }

    pub(crate) fn digits(&self) -> &Digits {
        &self.0
    }
}

impl fmt::Debug for Imsi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Imsi(not shown)")
    }
}

impl fmt::Debug for Imei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Imei(not shown)")
    }
}

/// A text of 1 to `N` printable ASCII characters without space, padded with zeros: node and feed names in rows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name<const N: usize>([u8; N]);

/// A feed's id, as the configuration names it.
pub type FeedId = Name<16>;
/// The name of a node of the network.
pub type NodeId = Name<20>;

impl<const N: usize> Name<N> {
    /// Checks and pads `text`.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        let bytes = text.as_bytes();
        if bytes.is_empty() || bytes.len() > N || !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(IdentifierError::Name(N));
        }
        let mut padded = [0; N];
        padded[..bytes.len()].copy_from_slice(bytes);
        Ok(Name(padded))
    }

    /// The padded bytes, as they stand in a row.
    pub fn bytes(&self) -> [u8; N] {
        self.0
    }

    /// Reads the padded bytes of a row.
    pub fn from_bytes(bytes: [u8; N]) -> Result<Self, IdentifierError> {
        let text = bytes.split(|b| *b == 0).next().unwrap_or_default();
        let name = Self::parse(std::str::from_utf8(text).unwrap_or_default())?;
        if name.0 == bytes {
            Ok(name)
        } else {
            Err(IdentifierError::Name(N))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|b| *b == 0).unwrap_or(N);
        // Only printable ASCII gets in.
        std::str::from_utf8(&self.0[..end]).unwrap_or_default()
    }
}

impl<const N: usize> fmt::Display for Name<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Name<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> Serialize for Name<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, const N: usize> Deserialize<'de> for Name<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// Why a text is no identifier. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    #[error("expected an IMSI of 6 to 15 digits")]
    Imsi,
    #[error("expected an IMEI of 14 or 15 digits, or an IMEISV of 16")]
    Imei,
    #[error("expected the {0} as 32 hexadecimal digits")]
    Hex(&'static str),
    #[error("expected a name of 1 to {0} printable ASCII characters without space")]
    Name(usize),
    #[error("{0} partitions: expected a power of two from 1 to 1024")]
    Partitions(u16),
    #[error("the pseudonym was not made with this key, or is of another type")]
    Pseudonym,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_imeisv_and_an_imei_of_one_device_are_the_same() {
        let imei = Imei::parse("001012345678901").unwrap();
        let imeisv = Imei::parse("0010123456789099").unwrap();
        assert_eq!(imei, imeisv);
        assert_eq!(imei.tac(), 101_234);
    }

    #[test]
    fn what_is_no_identifier_is_refused() {
        for text in [
            "",
            "12345",
            "0010112345678901",
            "00101x000000001",
            "٠٠١٠١٠٠٠",
        ] {
            assert_eq!(Imsi::parse(text), Err(IdentifierError::Imsi), "{text:?}");
        }
        for text in ["", "1234567890123", "12345678901234567", "1234567890123x"] {
            assert_eq!(Imei::parse(text), Err(IdentifierError::Imei), "{text:?}");
        }
        for text in ["", "a b", "é", "seventeen-letters"] {
            assert!(FeedId::parse(text).is_err(), "{text:?}");
        }
        assert!(Partitions::try_from(12).is_err());
    }

    #[test]
    fn an_imsi_never_prints_itself() {
        let imsi = Imsi::parse("001010000000001").unwrap();
        assert_eq!(format!("{imsi:?}"), "Imsi(not shown)");
    }

    #[test]
    fn the_partition_is_the_top_bits() {
        let sim = |top: u8| SimId([top; 16]);
        assert_eq!(sim(0x00).partition(Partitions::SMALL), 0);
        assert_eq!(sim(0x7f).partition(Partitions::SMALL), 7);
        assert_eq!(sim(0xff).partition(Partitions::SMALL), 15);
    }

    #[test]
    fn a_name_survives_its_row() {
        let name = NodeId::parse("pgw-casablanca-1").unwrap();
        assert_eq!(NodeId::from_bytes(name.bytes()), Ok(name));
        let mut torn = name.bytes();
        torn[2] = 0;
        assert!(NodeId::from_bytes(torn).is_err());
    }
}
