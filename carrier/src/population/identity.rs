//! Made-up identifiers that no real network, device or subscriber can have.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// An IMSI of the test network (MCC 001, MNC 01), 15 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Imsi(u64);

impl Imsi {
    /// The IMSI of a serial number: `001012120000412`.
    pub fn of_serial(serial: u32) -> Self {
        Imsi(1_012_120_000_000 + u64::from(serial))
    }

    /// Reads 15 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 15 && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok().map(Imsi)).flatten()
    }

    /// As a number, for tables.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Imsi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:015}", self.0)
    }
}

impl Serialize for Imsi {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Imsi {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Imsi::parse(&text).ok_or_else(|| D::Error::custom("expected an IMSI of 15 digits"))
    }
}

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    Tablet,
    Phone,
    Router,
}

/// A device: its type allocation code begins with 00 (test equipment), its serial number is the SIM's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    pub kind: DeviceKind,
    /// Model within the kind, 1 to 9.
    pub model: u8,
    pub serial: u32,
}

/// Models of tablets, numbered from 1.
pub const TABLET_MODELS: u8 = 4;

/// The type allocation code of a model, as a number (its two leading zeros do not show).
pub fn type_allocation_code(kind: DeviceKind, model: u8) -> u32 {
    // 00 1 0 <kind> 0 0 <model>
    let kind = match kind {
        DeviceKind::Tablet => 1,
        DeviceKind::Phone => 2,
        DeviceKind::Router => 3,
    };
    100_000 + kind * 1_000 + u32::from(model)
}

impl Device {
    /// Its type allocation code.
    pub fn tac(self) -> u32 {
        type_allocation_code(self.kind, self.model)
    }

    /// The first 14 digits of the IMEI: type allocation code and serial number.
    pub fn imei_14(self) -> u64 {
        // Behind the code stand six digits of serial number.
        u64::from(self.tac()) * 1_000_000 + u64::from(self.serial % 1_000_000)
    }

    /// The IMEI: 14 digits and the check digit.
    pub fn imei(self) -> String {
        with_check_digit(&format!("{:014}", self.imei_14()))
    }

    /// The IMEISV: 14 digits and the software's version.
    pub fn imeisv(self) -> String {
        format!("{:014}{:02}", self.imei_14(), 7 + self.model)
    }
}

/// The ICCID of a serial number: issuer 999 is assigned to nobody.
pub fn iccid(serial: u32) -> String {
    with_check_digit(&format!("8999901{serial:011}"))
}

/// The MSISDN of a serial number, with a country code that is assigned to nobody.
pub fn msisdn(serial: u32) -> String {
    format!("999{serial:09}")
}

/// Appends the check digit of Luhn's formula (ISO/IEC 7812-1, annex B).
fn with_check_digit(digits: &str) -> String {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match (place % 2, digit) {
                (0, 5..) => digit * 2 - 9,
                (0, _) => digit * 2,
                _ => digit,
            }
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_their_lengths_and_check_digits() {
        assert_eq!(Imsi::of_serial(412).to_string(), "001012120000412");
        assert_eq!(Imsi::parse("001012120000412"), Some(Imsi::of_serial(412)));
        assert_eq!(Imsi::parse("00101212000041"), None);
        let device = Device {
            kind: DeviceKind::Tablet,
            model: 1,
            serial: 412,
        };
        assert_eq!(device.imei().len(), 15);
        assert!(device.imei().starts_with("00101001000412"));
        assert!(device.imeisv().starts_with("00101001000412"));
        assert_eq!(device.imeisv().len(), 16);
        assert_eq!(iccid(412).len(), 19);
        // The example of the standard.
        assert_eq!(with_check_digit("7992739871"), "79927398713");
    }
}
