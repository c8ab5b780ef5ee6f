//! The carrier's records, read plainly (docs/feeds.md). Whether a record is a reject, and why, the log says; here is only
//! told whether it can be read.

use serde::Deserialize;

use crate::instant::instant;

/// How a row's bytes are meant (C1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Counter {
    Delta,
    Cumulative32,
    Cumulative64,
}

/// One record, with times as instants.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) node: String,
    pub(crate) charging_id: u64,
    pub(crate) record_sequence: u32,
    pub(crate) opened_at: i64,
    pub(crate) imsi: String,
    pub(crate) imei: Option<String>,
    pub(crate) counter: Option<Counter>,
    pub(crate) containers: Vec<Container>,
}

/// One container: one row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Container {
    pub(crate) rating_group: u32,
    pub(crate) service_id: u32,
    pub(crate) sequence: u32,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) up: u64,
    pub(crate) down: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecord {
    node: String,
    charging_id: u64,
    record_sequence: Option<u32>,
    opened_at: String,
    imsi: String,
    imei: Option<String>,
    rat: Option<String>,
    serving_plmn: Option<String>,
    counter: Option<Counter>,
    node_sequence: Option<u64>,
    containers: Vec<RawContainer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawContainer {
    rating_group: u32,
    service_id: Option<u32>,
    sequence: Option<u32>,
    first_usage_at: String,
    last_usage_at: String,
    uplink_bytes: u64,
    downlink_bytes: u64,
}

/// The most bytes that a container can tell.
const MOST_BYTES: u64 = 1_000_000_000_000;

/// The record in a message; in words, why there is none.
pub(crate) fn decode(message: &[u8]) -> Result<Record, String> {
    if message.len() > 1 << 20 {
        return Err("more than 1 MiB".to_owned());
    }
    let raw: RawRecord = serde_json::from_slice(message).map_err(|error| error.to_string())?;
    let graphic = raw.node.bytes().all(|byte| byte.is_ascii_graphic());
    ensure(graphic && (1..=20).contains(&raw.node.len()), "node")?;
    ensure(digits(&raw.imsi, 6..=15), "imsi")?;
    ensure(
        raw.imei.as_deref().is_none_or(|imei| digits(imei, 14..=16)),
        "imei",
    )?;
    ensure(
        raw.serving_plmn
            .as_deref()
            .is_none_or(|plmn| digits(plmn, 5..=6)),
        "serving_plmn",
    )?;
    ensure(
        raw.rat
            .as_deref()
            .is_none_or(|rat| ["2G", "3G", "4G", "5G"].contains(&rat)),
        "rat",
    )?;
    ensure(
        raw.node_sequence
            .is_none_or(|number| i64::try_from(number).is_ok()),
        "node_sequence",
    )?;
    ensure((1..=1000).contains(&raw.containers.len()), "containers")?;
    let opened_at = instant(&raw.opened_at).ok_or("opened_at")?;
    let most = if raw.counter == Some(Counter::Cumulative32) {
        u64::from(u32::MAX)
    } else {
        MOST_BYTES
    };
    let mut containers = Vec::new();
    for (place, container) in raw.containers.iter().enumerate() {
        containers.push(container_of(container, place, most)?);
    }
    Ok(Record {
        node: raw.node,
        charging_id: raw.charging_id,
        record_sequence: raw.record_sequence.unwrap_or(0),
        opened_at,
        imsi: raw.imsi,
        imei: raw.imei,
        counter: raw.counter,
        containers,
    })
}

fn container_of(raw: &RawContainer, place: usize, most: u64) -> Result<Container, String> {
    let start = instant(&raw.first_usage_at).ok_or("first_usage_at")?;
    let end = instant(&raw.last_usage_at).ok_or("last_usage_at")?;
    ensure(start <= end, "last_usage_at before first_usage_at")?;
    ensure(
        raw.uplink_bytes <= most && raw.downlink_bytes <= most,
        "bytes",
    )?;
    let from_place = u32::try_from(place + 1).unwrap_or(u32::MAX);
    let sequence = raw.sequence.unwrap_or(from_place);
    ensure(sequence >= 1, "sequence")?;
    Ok(Container {
        rating_group: raw.rating_group,
        service_id: raw.service_id.unwrap_or(0),
        sequence,
        start,
        end,
        up: raw.uplink_bytes,
        down: raw.downlink_bytes,
    })
}

fn ensure(fine: bool, what: &str) -> Result<(), String> {
    if fine { Ok(()) } else { Err(what.to_owned()) }
}

fn digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant::ms;

    const RECORD: &str = r#"{"node": "pgw-1", "charging_id": 90412, "record_sequence": 3,
        "opened_at": "2026-02-10T08:00:00Z", "imsi": "001012120000412", "imei": "3520991200041207", "rat": "4G",
        "serving_plmn": "00101", "containers": [{ "rating_group": 4101, "service_id": 11, "sequence": 1,
        "first_usage_at": "2026-02-10T08:00:04Z", "last_usage_at": "2026-02-10T08:14:59Z",
        "uplink_bytes": 120034, "downlink_bytes": 8801200 }]}"#;

    #[test]
    fn the_pages_own_record_reads() {
        let record = decode(RECORD.as_bytes()).unwrap();
        assert_eq!(record.opened_at, ms("2026-02-10T08:00:00Z"));
        assert_eq!(record.containers[0].down, 8_801_200);
    }

    #[test]
    fn null_is_the_same_as_absent_and_a_sequence_comes_from_the_place() {
        let record = decode(
            RECORD
                .replace(r#""sequence": 1"#, r#""sequence": null"#)
                .as_bytes(),
        )
        .unwrap();
        assert_eq!(record.containers[0].sequence, 1);
    }

    #[test]
    fn what_the_page_rejects_does_not_read() {
        for (from, to) in [
            ("}]}", "}]"),
            (r#""node": "pgw-1","#, ""),
            (r#""rat": "4G""#, r#""rot": "4G""#),
            ("90412", r#""90412""#),
            ("8801200", "-1"),
            ("8801200", "1.0"),
            ("08:14:59Z", "07:14:59Z"),
            ("2026-02-10T08:00:00Z", "2026-02-30T08:00:00Z"),
            ("001012120000412", "00101"),
            (
                r#""node": "pgw-1","#,
                r#""node": "pgw-1", "node": "pgw-1","#,
            ),
        ] {
            assert!(
                decode(RECORD.replace(from, to).as_bytes()).is_err(),
                "{from} -> {to}"
            );
        }
    }
}
