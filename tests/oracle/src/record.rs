//! The carrier's records, or why a message is none (docs/feeds.md).

use std::ops::RangeInclusive;

use serde::Deserialize;

use crate::instant::instant;
use crate::json::{self, Json};

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

/// Why a message is no record: a word of docs/feeds.md.
pub(crate) type Reason = &'static str;

/// What a quiet message is instead; no outcome has this word.
const QUIET: Reason = "quiet";

/// What a field may hold, and whether it is needed.
struct Field(&'static str, bool, Holds);

enum Holds {
    Node,
    Time,
    Digits(RangeInclusive<usize>),
    Word(&'static [&'static str]),
    Integer(RangeInclusive<u64>),
    Containers,
}

/// The most bytes that a container can tell.
const MOST_BYTES: u64 = 1_000_000_000_000;

const U32: RangeInclusive<u64> = 0..=u32::MAX as u64;

const RECORD: [Field; 11] = [
    Field("node", true, Holds::Node),
    Field("charging_id", true, Holds::Integer(0..=u64::MAX)),
    Field("record_sequence", false, Holds::Integer(U32)),
    Field("opened_at", true, Holds::Time),
    Field("imsi", true, Holds::Digits(6..=15)),
    Field("imei", false, Holds::Digits(14..=16)),
    Field("rat", false, Holds::Word(&["2G", "3G", "4G", "5G"])),
    Field("serving_plmn", false, Holds::Digits(5..=6)),
    Field(
        "counter",
        false,
        Holds::Word(&["delta", "cumulative32", "cumulative64"]),
    ),
    Field("node_sequence", false, Holds::Integer(0..=u64::MAX / 2)),
    Field("containers", true, Holds::Containers),
];

fn container(most_bytes: u64) -> [Field; 7] {
    [
        Field("rating_group", true, Holds::Integer(U32)),
        Field("service_id", false, Holds::Integer(U32)),
        Field("sequence", false, Holds::Integer(1..=u64::from(u32::MAX))),
        Field("first_usage_at", true, Holds::Time),
        Field("last_usage_at", true, Holds::Time),
        Field("uplink_bytes", true, Holds::Integer(0..=most_bytes)),
        Field("downlink_bytes", true, Holds::Integer(0..=most_bytes)),
    ]
}

/// The record in a message, or why there is none.
pub(crate) fn decode(message: &[u8]) -> Result<Record, Reason> {
    if message.len() > 1 << 20 {
        return Err("too_large");
    }
    let Some(Json::Object(fields)) = json::parse(message) else {
        return Err("malformed_json");
    };
    if get(&fields, "quiet_until").is_some() {
        judge(&fields, &[Field("quiet_until", true, Holds::Time)], 0)?;
        return Err(QUIET);
    }
    let most_bytes = if text(&fields, "counter") == Some("cumulative32") {
        u64::from(u32::MAX)
    } else {
        MOST_BYTES
    };
    judge(&fields, &RECORD, most_bytes)?;
    read(&fields).ok_or("malformed_json")
}

/// Why a message is rejected, in the word of docs/feeds.md; `None` for a record, and for a quiet message.
pub fn why_rejected(message: &[u8]) -> Option<&'static str> {
    decode(message).err().filter(|reason| *reason != QUIET)
}

/// The first fault of an object: its fields as they stand in the text, then what is missing, then times in the wrong
/// order.
fn judge(fields: &[(String, Json)], known: &[Field], most_bytes: u64) -> Result<(), Reason> {
    for (place, (name, value)) in fields.iter().enumerate() {
        if get(&fields[..place], name).is_some() {
            return Err("malformed_json");
        }
        let known = known.iter().find(|Field(known, ..)| known == name);
        let Field(_, needed, holds) = known.ok_or("unknown_field")?;
        match value {
            Json::Null if *needed => return Err("missing_field"),
            Json::Null => {}
            value => judge_value(value, holds, most_bytes)?,
        }
    }
    let mut needed = known.iter().filter(|Field(_, needed, _)| *needed);
    if needed.any(|Field(name, ..)| get(fields, name).is_none()) {
        return Err("missing_field");
    }
    match (
        time(fields, "first_usage_at"),
        time(fields, "last_usage_at"),
    ) {
        (Some(first), Some(last)) if last < first => Err("bad_time"),
        _ => Ok(()),
    }
}

fn judge_value(value: &Json, holds: &Holds, most_bytes: u64) -> Result<(), Reason> {
    let (fine, reason) = match (holds, value) {
        (Holds::Node, Json::Text(text)) => {
            let graphic = text.bytes().all(|byte| byte.is_ascii_graphic());
            (graphic && (1..=20).contains(&text.len()), "out_of_range")
        }
        (Holds::Time, Json::Text(text)) => (instant(text).is_some(), "bad_time"),
        (Holds::Digits(lengths), Json::Text(text)) => {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            (digits && lengths.contains(&text.len()), "bad_identifier")
        }
        (Holds::Word(words), Json::Text(text)) => {
            (words.contains(&text.as_str()), "bad_identifier")
        }
        (Holds::Integer(range), Json::Number(number)) => {
            let fine = number.parse().is_ok_and(|number| range.contains(&number));
            (fine, "out_of_range")
        }
        (Holds::Containers, Json::List(containers)) => {
            if !(1..=1000).contains(&containers.len()) {
                return Err("out_of_range");
            }
            for value in containers {
                let Json::Object(fields) = value else {
                    return Err("wrong_type");
                };
                judge(fields, &container(most_bytes), most_bytes)?;
            }
            (true, "")
        }
        _ => (false, "wrong_type"),
    };
    if fine { Ok(()) } else { Err(reason) }
}

/// What a sound record says.
fn read(fields: &[(String, Json)]) -> Option<Record> {
    let Json::List(list) = get(fields, "containers")? else {
        return None;
    };
    let mut containers = Vec::new();
    for (place, container) in (1..).zip(list) {
        let Json::Object(fields) = container else {
            return None;
        };
        let u32_of = |name: &str| number(fields, name).map(u32::try_from);
        containers.push(Container {
            rating_group: u32_of("rating_group")?.ok()?,
            service_id: u32_of("service_id").unwrap_or(Ok(0)).ok()?,
            sequence: u32_of("sequence").unwrap_or(Ok(place)).ok()?,
            start: time(fields, "first_usage_at")?,
            end: time(fields, "last_usage_at")?,
            up: number(fields, "uplink_bytes")?,
            down: number(fields, "downlink_bytes")?,
        });
    }
    Some(Record {
        node: text(fields, "node")?.to_owned(),
        charging_id: number(fields, "charging_id")?,
        record_sequence: u32::try_from(number(fields, "record_sequence").unwrap_or(0)).ok()?,
        opened_at: time(fields, "opened_at")?,
        imsi: text(fields, "imsi")?.to_owned(),
        imei: text(fields, "imei").map(str::to_owned),
        counter: text(fields, "counter").and_then(|word| match word {
            "delta" => Some(Counter::Delta),
            "cumulative32" => Some(Counter::Cumulative32),
            "cumulative64" => Some(Counter::Cumulative64),
            _ => None,
        }),
        containers,
    })
}

fn get<'a>(fields: &'a [(String, Json)], name: &str) -> Option<&'a Json> {
    let named = fields.iter().find(|(known, _)| known == name);
    named.map(|(_, value)| value)
}

fn text<'a>(fields: &'a [(String, Json)], name: &str) -> Option<&'a str> {
    match get(fields, name)? {
        Json::Text(text) => Some(text),
        _ => None,
    }
}

fn time(fields: &[(String, Json)], name: &str) -> Option<i64> {
    instant(text(fields, name)?)
}

fn number(fields: &[(String, Json)], name: &str) -> Option<u64> {
    match get(fields, name)? {
        Json::Number(number) => number.parse().ok(),
        _ => None,
    }
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
        for (from, to, reason) in [
            ("}]}", "}]", "malformed_json"),
            (r#""node": "pgw-1","#, "", "missing_field"),
            (r#""pgw-1""#, "null", "missing_field"),
            (r#""rat": "4G""#, r#""rot": "4G""#, "unknown_field"),
            ("4G", "6G", "bad_identifier"),
            ("90412", r#""90412""#, "wrong_type"),
            ("8801200", "-1", "out_of_range"),
            ("8801200", "1.0", "out_of_range"),
            ("8801200", "1000000000001", "out_of_range"),
            ("08:14:59Z", "07:14:59Z", "bad_time"),
            ("08:14:59Z", "08:00:03.999Z", "bad_time"),
            ("2026-02-10T08:00:00Z", "2026-02-30T08:00:00Z", "bad_time"),
            ("2026-02-10T08:00:00Z", "2026-02-10 08:00:00Z", "bad_time"),
            ("001012120000412", "00101", "bad_identifier"),
            (
                r#""node": "pgw-1","#,
                r#""node": "pgw-1", "node": "pgw-1","#,
                "malformed_json",
            ),
            (r#""rat""#, r#""quiet_until""#, "unknown_field"),
            // Of two faults the first in the text; what is missing comes behind what is there, container by container.
            (
                r#""imsi": "001012120000412", "#,
                r#""x": 1, "#,
                "unknown_field",
            ),
            (
                r#""rating_group": 4101, "service_id": 11"#,
                r#""service_id": "x""#,
                "wrong_type",
            ),
        ] {
            let message = RECORD.replacen(from, to, 1);
            assert_ne!(message, RECORD, "{from}");
            assert_eq!(decode(message.as_bytes()), Err(reason), "{from} -> {to}");
        }
        let large = RECORD.to_owned() + &" ".repeat(1 << 20);
        assert_eq!(decode(large.as_bytes()), Err("too_large"));
        assert_eq!(
            decode(br#"{"quiet_until": "2026-03-11T00:15:00Z"}"#),
            Err(QUIET)
        );
        assert_eq!(decode(br#"{"quiet_until": "soon"}"#), Err("bad_time"));
    }
}
