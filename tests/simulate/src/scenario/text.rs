//! Records as the carrier's JSON text.

use std::io::Write as _;

/// A record as it is to be written; `None` leaves a field out.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub node: String,
    pub charging_id: u64,
    pub record_sequence: Option<u32>,
    pub opened_at_ms: i64,
    pub imsi: String,
    pub imei: Option<String>,
    pub rat: Option<&'static str>,
    pub counter: Option<&'static str>,
    pub node_sequence: Option<u64>,
    pub containers: Vec<Container>,
}

/// A container of a record.
#[derive(Clone, Debug, Default)]
pub struct Container {
    pub rating_group: u32,
    pub service_id: Option<u32>,
    pub sequence: Option<u32>,
    pub first_ms: i64,
    pub last_ms: i64,
    pub up: u64,
    pub down: u64,
}

impl Record {
    /// Appends the record's text.
    pub fn write(&self, out: &mut Vec<u8>) {
        text(
            out,
            format_args!(
                "{{\"node\":\"{}\",\"charging_id\":{}",
                self.node, self.charging_id
            ),
        );
        if let Some(number) = self.record_sequence {
            text(out, format_args!(",\"record_sequence\":{number}"));
        }
        out.extend_from_slice(b",\"opened_at\":\"");
        time(out, self.opened_at_ms);
        text(out, format_args!("\",\"imsi\":\"{}\"", self.imsi));
        if let Some(imei) = &self.imei {
            text(out, format_args!(",\"imei\":\"{imei}\""));
        }
        if let Some(rat) = self.rat {
            text(out, format_args!(",\"rat\":\"{rat}\""));
        }
        if let Some(counter) = self.counter {
            text(out, format_args!(",\"counter\":\"{counter}\""));
        }
        if let Some(number) = self.node_sequence {
            text(out, format_args!(",\"node_sequence\":{number}"));
        }
        out.extend_from_slice(b",\"containers\":[");
        for (place, container) in self.containers.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            container.write(out);
        }
        out.extend_from_slice(b"]}");
    }
}

impl Container {
    fn write(&self, out: &mut Vec<u8>) {
        text(
            out,
            format_args!("{{\"rating_group\":{}", self.rating_group),
        );
        if let Some(id) = self.service_id {
            text(out, format_args!(",\"service_id\":{id}"));
        }
        if let Some(number) = self.sequence {
            text(out, format_args!(",\"sequence\":{number}"));
        }
        out.extend_from_slice(b",\"first_usage_at\":\"");
        time(out, self.first_ms);
        out.extend_from_slice(b"\",\"last_usage_at\":\"");
        time(out, self.last_ms);
        text(
            out,
            format_args!(
                "\",\"uplink_bytes\":{},\"downlink_bytes\":{}}}",
                self.up, self.down
            ),
        );
    }
}

fn text(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing into memory does not fail.
    let _ = out.write_fmt(text);
}

/// An instant as RFC 3339; every third one with an offset, milliseconds where there are some.
fn time(out: &mut Vec<u8>, at_ms: i64) {
    let offset_minutes = match at_ms.rem_euclid(3) {
        0 => 60,
        _ => 0,
    };
    let local_ms = at_ms + offset_minutes * 60_000;
    let (days, of_day) = (
        local_ms.div_euclid(86_400_000),
        local_ms.rem_euclid(86_400_000),
    );
    let (year, month, day) = civil(days);
    let (seconds, ms) = (of_day / 1_000, of_day % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    text(
        out,
        format_args!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"),
    );
    if ms > 0 {
        text(out, format_args!(".{ms:03}"));
    }
    match offset_minutes {
        0 => out.push(b'Z'),
        _ => out.extend_from_slice(b"+01:00"),
    }
}

/// The date of a number of days since 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use hissa_ingest::decode::{Message, json};

    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_meant() {
        for at_ms in [
            0,
            951_782_400_123,
            1_772_323_199_999,
            2_082_758_400_000,
            1_740_787_200_001,
        ] {
            let record = Record {
                node: "pgw".into(),
                charging_id: u64::MAX,
                opened_at_ms: at_ms,
                imsi: "001010000000001".into(),
                imei: Some("00101234567890".into()),
                counter: Some("cumulative32"),
                containers: vec![Container {
                    first_ms: at_ms,
                    last_ms: at_ms + 7,
                    up: 3,
                    ..Container::default()
                }],
                ..Record::default()
            };
            let mut out = Vec::new();
            record.write(&mut out);
            let Ok(Message::Record(read)) = json::decode(&out) else {
                panic!("{}", String::from_utf8_lossy(&out));
            };
            assert_eq!(read.opened_at_ms, at_ms);
            assert_eq!(read.containers[0].last_usage_at_ms, at_ms + 7);
        }
    }
}
