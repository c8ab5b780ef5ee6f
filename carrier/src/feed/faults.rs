//! Messages that cannot be decoded, each broken in one way (`docs/feeds.md`, "What is rejected").

use crate::record::Record;
use crate::truth::RejectReason;
use crate::zone::Zone;

/// A way to break a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Truncated,
    NotUtf8,
    FieldTwice,
    NotAnObject,
    NoImsi,
    NullImsi,
    UnknownField,
    CommaNumber,
    NumericImsi,
    NegativeBytes,
    AboveU64,
    Fraction,
    NoContainers,
    LongNode,
    ThirtiethOfFebruary,
    EndBeforeStart,
    NoOffset,
    LongImsi,
    LettersInImei,
    UnknownRat,
    TooLarge,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 21] = [
        Fault::Truncated,
        Fault::NotUtf8,
        Fault::FieldTwice,
        Fault::NotAnObject,
        Fault::NoImsi,
        Fault::NullImsi,
        Fault::UnknownField,
        Fault::CommaNumber,
        Fault::NumericImsi,
        Fault::NegativeBytes,
        Fault::AboveU64,
        Fault::Fraction,
        Fault::NoContainers,
        Fault::LongNode,
        Fault::ThirtiethOfFebruary,
        Fault::EndBeforeStart,
        Fault::NoOffset,
        Fault::LongImsi,
        Fault::LettersInImei,
        Fault::UnknownRat,
        Fault::TooLarge,
    ];

    /// How many of a thousand broken messages are broken this way: what feeds really do comes often.
    pub fn weight(self) -> f64 {
        match self {
            Fault::Truncated | Fault::ThirtiethOfFebruary | Fault::CommaNumber => 125.0,
            Fault::NegativeBytes | Fault::AboveU64 | Fault::NoImsi => 125.0,
            Fault::TooLarge => 0.0,
            _ => 7.0,
        }
    }

    /// The reason that the books must give.
    pub fn reason(self) -> RejectReason {
        match self {
            Fault::Truncated | Fault::NotUtf8 | Fault::FieldTwice | Fault::NotAnObject => {
                RejectReason::MalformedJson
            }
            Fault::NoImsi | Fault::NullImsi => RejectReason::MissingField,
            Fault::UnknownField => RejectReason::UnknownField,
            Fault::CommaNumber | Fault::NumericImsi => RejectReason::WrongType,
            Fault::NegativeBytes
            | Fault::AboveU64
            | Fault::Fraction
            | Fault::NoContainers
            | Fault::LongNode => RejectReason::OutOfRange,
            Fault::ThirtiethOfFebruary | Fault::EndBeforeStart | Fault::NoOffset => {
                RejectReason::BadTime
            }
            Fault::LongImsi | Fault::LettersInImei | Fault::UnknownRat => {
                RejectReason::BadIdentifier
            }
            Fault::TooLarge => RejectReason::TooLarge,
        }
    }

    /// The record's message, broken. `size` matters to `TooLarge` alone: its length in bytes.
    pub fn message(self, record: &Record, zone: &Zone, size: usize) -> Vec<u8> {
        // The gateway that writes every field in UTC, so that there is something to break.
        let mut record = Record {
            node: 0,
            ..record.clone()
        };
        if self == Fault::EndBeforeStart
            && let Some(container) = record.containers.first_mut()
        {
            container.last_ms = container.first_ms - 1_000;
        }
        let whole = record.json(zone);
        let imsi = format!("\"imsi\":\"{}\"", record.imsi);
        match self {
            Fault::Truncated => whole[..whole.len() * 2 / 3].to_vec(),
            Fault::NotUtf8 => {
                let mut bytes = whole;
                // The letter behind `{"node":"`.
                bytes[9] = 0xff;
                bytes
            }
            Fault::NotAnObject => [b"[", whole.as_slice(), b"]"].concat(),
            Fault::TooLarge => {
                let padding = size.saturating_sub(whole.len());
                [whole, vec![b' '; padding]].concat()
            }
            Fault::EndBeforeStart => whole,
            Fault::FieldTwice => replaced(whole, &imsi, &format!("{imsi},{imsi}")),
            Fault::NoImsi => replaced(whole, &format!("{imsi},"), ""),
            Fault::NullImsi => replaced(whole, &imsi, "\"imsi\":null"),
            Fault::NumericImsi => {
                replaced(whole, &imsi, &format!("\"imsi\":{}", record.imsi.number()))
            }
            Fault::LongImsi => replaced(whole, &imsi, &format!("\"imsi\":\"{}7\"", record.imsi)),
            Fault::UnknownField => replaced(whole, &imsi, &format!("{imsi},\"tariff\":\"fictif\"")),
            Fault::LettersInImei => {
                let rat = format!("\"rat\":\"{}\"", record.rat);
                let without = Record {
                    device: None,
                    ..record
                }
                .json(zone);
                replaced(
                    without,
                    &rat,
                    &format!("\"imei\":\"00101001abc4127\",{rat}"),
                )
            }
            Fault::UnknownRat => replaced(
                whole,
                &format!("\"rat\":\"{}\"", record.rat),
                "\"rat\":\"6G\"",
            ),
            Fault::LongNode => replaced(whole, "\"pgw-1\"", "\"pgw-casablanca-nord-1\""),
            Fault::NoOffset | Fault::ThirtiethOfFebruary => {
                let mut opened = Vec::new();
                crate::record::time(&mut opened, record.opened_ms, false, zone);
                let opened = String::from_utf8_lossy(&opened).into_owned();
                let broken = if self == Fault::NoOffset {
                    opened.replace('Z', "")
                } else {
                    format!("\"2026-02-30{}", opened.get(11..).unwrap_or_default())
                };
                replaced(
                    whole,
                    &format!("\"opened_at\":{opened}"),
                    &format!("\"opened_at\":{broken}"),
                )
            }
            Fault::NoContainers => {
                let without = Record {
                    containers: Vec::new(),
                    ..record
                };
                without.json(zone)
            }
            Fault::CommaNumber => uplink(whole, &record, "\"12,5\""),
            Fault::NegativeBytes => uplink(whole, &record, "-5"),
            Fault::AboveU64 => uplink(whole, &record, "18446744073709551616"),
            Fault::Fraction => uplink(whole, &record, "12.5"),
        }
    }
}

fn uplink(message: Vec<u8>, record: &Record, value: &str) -> Vec<u8> {
    let bytes = record.containers.first().map_or(0, |c| c.uplink_bytes);
    replaced(
        message,
        &format!("\"uplink_bytes\":{bytes},"),
        &format!("\"uplink_bytes\":{value},"),
    )
}

/// Replaces the first occurrence.
fn replaced(message: Vec<u8>, what: &str, with: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(&message);
    debug_assert!(text.contains(what), "{what} in {text}");
    text.replacen(what, with, 1).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    #[test]
    fn each_fault_breaks_the_message_in_its_way() {
        let zone = Zone::new("2026-02-01".parse().unwrap(), "2026-03-31".parse().unwrap());
        let record = record(1_770_710_400_000);
        let sound = record.json(&zone);
        for (fault, part) in [
            (
                Fault::NoImsi,
                "\"opened_at\":\"2026-02-10T08:00:00Z\",\"imei\"",
            ),
            (Fault::NullImsi, "\"imsi\":null"),
            (Fault::NumericImsi, "\"imsi\":1012120000412,"),
            (Fault::LongImsi, "\"imsi\":\"0010121200004127\""),
            (Fault::CommaNumber, "\"uplink_bytes\":\"12,5\","),
            (Fault::NegativeBytes, "\"uplink_bytes\":-5,"),
            (Fault::AboveU64, "\"uplink_bytes\":18446744073709551616,"),
            (Fault::Fraction, "\"uplink_bytes\":12.5,"),
            (
                Fault::ThirtiethOfFebruary,
                "\"opened_at\":\"2026-02-30T08:00:00Z\"",
            ),
            (Fault::NoOffset, "\"opened_at\":\"2026-02-10T08:00:00\""),
            (
                Fault::EndBeforeStart,
                "\"last_usage_at\":\"2026-02-10T07:59:59Z\"",
            ),
            (Fault::NoContainers, "\"containers\":[]"),
            (Fault::LettersInImei, "\"imei\":\"00101001abc4127\",\"rat\""),
        ] {
            let text = String::from_utf8(fault.message(&record, &zone, 0)).unwrap();
            assert!(text.contains(part), "{fault:?}: {text}");
        }
        for fault in Fault::ALL {
            assert_ne!(fault.message(&record, &zone, 1_200_000), sound, "{fault:?}");
        }
        assert_eq!(
            Fault::TooLarge.message(&record, &zone, 1_200_000).len(),
            1_200_000
        );
        assert!(String::from_utf8(Fault::NotUtf8.message(&record, &zone, 0)).is_err());
    }
}
