//! One charging record of the carrier, and its JSON (`docs/feeds.md`).

use std::io::Write as _;

use chrono::{DateTime, Datelike};

use crate::population::{Device, Imsi};
use crate::zone::{DAY_MS, MINUTE_MS, Zone};

/// Names of the gateways.
pub const NODES: [&str; 3] = ["pgw-1", "pgw-2", "pgw-3"];

/// Radio access, the best first.
pub const RATS: [&str; 3] = ["4G", "3G", "2G"];

/// The network of the make-believe carrier, and another one.
pub const OWN_PLMN: &str = "00101";
pub const FOREIGN_PLMN: &str = "00102";

/// What a record's bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counter {
    /// Those since the last container.
    #[default]
    Delta,
    /// Readings of counters of 32 bits that run through the session.
    Cumulative32,
}

/// A record as the carrier's network wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Index into [`NODES`].
    pub node: usize,
    pub charging_id: u64,
    pub record_sequence: u32,
    /// The node's own number of it, one more for each.
    pub node_sequence: u64,
    pub opened_ms: i64,
    pub counter: Counter,
    pub imsi: Imsi,
    pub device: Option<(Device, ImeiForm)>,
    /// `4G`, `3G`, `2G`.
    pub rat: &'static str,
    pub serving_plmn: Option<&'static str>,
    pub containers: Vec<Container>,
}

/// How a record gives the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImeiForm {
    Imei,
    Imeisv,
}

/// Usage of one kind of traffic within a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Container {
    pub rating_group: u32,
    pub service_id: u32,
    /// From 1, in the order of the list.
    pub sequence: u32,
    pub first_ms: i64,
    pub last_ms: i64,
    pub uplink_bytes: u64,
    pub downlink_bytes: u64,
}

impl Record {
    /// The same record some time earlier or later.
    pub fn shifted(&self, by_ms: i64) -> Record {
        let mut record = self.clone();
        record.opened_ms += by_ms;
        for container in &mut record.containers {
            container.first_ms += by_ms;
            container.last_ms += by_ms;
        }
        record
    }

    /// The end of its last usage.
    pub fn ends_ms(&self) -> i64 {
        self.containers
            .iter()
            .map(|c| c.last_ms)
            .max()
            .unwrap_or(self.opened_ms)
    }

    /// Writes the message. The gateways differ in what they leave out and how they write times, as real ones do.
    pub fn json(&self, zone: &Zone) -> Vec<u8> {
        let mut out = Vec::with_capacity(220 + 190 * self.containers.len());
        let local = self.node == 2;
        // Writing to a Vec cannot fail, here and below.
        let _ = write!(
            out,
            "{{\"node\":\"{}\",\"charging_id\":{}",
            NODES[self.node], self.charging_id
        );
        if self.record_sequence != 0 || self.node == 0 {
            let _ = write!(out, ",\"record_sequence\":{}", self.record_sequence);
        }
        let _ = write!(out, ",\"node_sequence\":{}", self.node_sequence);
        out.extend_from_slice(b",\"opened_at\":");
        time(&mut out, self.opened_ms, local, zone);
        if self.counter == Counter::Cumulative32 {
            out.extend_from_slice(b",\"counter\":\"cumulative32\"");
        }
        let _ = write!(out, ",\"imsi\":\"{}\"", self.imsi);
        match self.device {
            Some((device, ImeiForm::Imei)) => drop(write!(out, ",\"imei\":\"{}\"", device.imei())),
            Some((device, ImeiForm::Imeisv)) => {
                drop(write!(out, ",\"imei\":\"{}\"", device.imeisv()))
            }
            None => {}
        }
        let _ = write!(out, ",\"rat\":\"{}\"", self.rat);
        if let Some(plmn) = self.serving_plmn {
            let _ = write!(out, ",\"serving_plmn\":\"{plmn}\"");
        }
        out.extend_from_slice(b",\"containers\":[");
        for (place, container) in self.containers.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            self.container(&mut out, container, zone);
        }
        out.extend_from_slice(b"]}");
        out
    }

    fn container(&self, out: &mut Vec<u8>, container: &Container, zone: &Zone) {
        let local = self.node == 2;
        let _ = write!(out, "{{\"rating_group\":{}", container.rating_group);
        if container.service_id != 0 || self.node == 1 {
            let _ = write!(out, ",\"service_id\":{}", container.service_id);
        }
        if self.node != 2 {
            let _ = write!(out, ",\"sequence\":{}", container.sequence);
        }
        out.extend_from_slice(b",\"first_usage_at\":");
        time(out, container.first_ms, local, zone);
        out.extend_from_slice(b",\"last_usage_at\":");
        time(out, container.last_ms, local, zone);
        let _ = write!(
            out,
            ",\"uplink_bytes\":{},\"downlink_bytes\":{}}}",
            container.uplink_bytes, container.downlink_bytes
        );
    }
}

/// Writes a time in RFC 3339, quoted: with `Z`, or with the local offset; milliseconds where there are any.
pub fn time(out: &mut Vec<u8>, instant_ms: i64, local: bool, zone: &Zone) {
    let offset = if local {
        zone.offset_minutes(instant_ms)
    } else {
        0
    };
    let shown = instant_ms + offset * MINUTE_MS;
    let date = DateTime::from_timestamp_millis(shown)
        .unwrap_or_default()
        .date_naive();
    let of_day = shown.rem_euclid(DAY_MS);
    let (seconds, ms) = (of_day / 1_000, of_day % 1_000);
    let _ = write!(
        out,
        "\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        date.year(),
        date.month(),
        date.day(),
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    );
    if ms > 0 {
        let _ = write!(out, ".{ms:03}");
    }
    if local {
        let _ = write!(out, "+{:02}:{:02}\"", offset / 60, offset % 60);
    } else {
        out.extend_from_slice(b"Z\"");
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::population::DeviceKind;

    /// A record of one container: 1,000 bytes up, 9,000 down.
    pub(crate) fn record(opened_ms: i64) -> Record {
        Record {
            node: 0,
            charging_id: 7,
            record_sequence: 3,
            node_sequence: 41,
            opened_ms,
            counter: Counter::Delta,
            imsi: Imsi::of_serial(412),
            device: Some((
                Device {
                    kind: DeviceKind::Tablet,
                    model: 1,
                    serial: 412,
                },
                ImeiForm::Imei,
            )),
            rat: "4G",
            serving_plmn: Some(OWN_PLMN),
            containers: vec![Container {
                rating_group: 4101,
                service_id: 11,
                sequence: 1,
                first_ms: opened_ms,
                last_ms: opened_ms + 60_001,
                uplink_bytes: 1_000,
                downlink_bytes: 9_000,
            }],
        }
    }

    fn zone() -> Zone {
        Zone::new("2026-02-01".parse().unwrap(), "2026-03-31".parse().unwrap())
    }

    #[test]
    fn the_message_is_the_documented_one() {
        let opened = DateTime::parse_from_rfc3339("2026-02-10T08:00:00Z")
            .unwrap()
            .timestamp_millis();
        let text = String::from_utf8(record(opened).json(&zone())).unwrap();
        assert_eq!(
            text,
            "{\"node\":\"pgw-1\",\"charging_id\":7,\"record_sequence\":3,\"node_sequence\":41,\"opened_at\":\"2026-02-10T08:00:00Z\",\
             \"imsi\":\"001012120000412\",\"imei\":\"001010010004123\",\"rat\":\"4G\",\"serving_plmn\":\"00101\",\
             \"containers\":[{\"rating_group\":4101,\"service_id\":11,\"sequence\":1,\
             \"first_usage_at\":\"2026-02-10T08:00:00Z\",\"last_usage_at\":\"2026-02-10T08:01:00.001Z\",\
             \"uplink_bytes\":1000,\"downlink_bytes\":9000}]}"
        );
    }

    #[test]
    fn one_gateway_writes_local_time_and_counts_by_place() {
        let opened = DateTime::parse_from_rfc3339("2026-02-10T08:00:00Z")
            .unwrap()
            .timestamp_millis();
        let text = String::from_utf8(
            Record {
                node: 2,
                ..record(opened)
            }
            .json(&zone()),
        )
        .unwrap();
        assert!(
            text.contains("\"opened_at\":\"2026-02-10T09:00:00+01:00\""),
            "{text}"
        );
        assert!(!text.contains("\"sequence\""));
    }
}
