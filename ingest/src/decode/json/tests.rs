use hissa_core::outcome::RejectReason::*;
use hissa_core::registry::Counter;
use hissa_core::sim::{Imei, Imsi, NodeId};
use proptest::prelude::*;

use super::*;
use crate::decode::{Container, Record};

const SOUND: &str = r#"{
  "node": "pgw-1",
  "charging_id": 90412,
  "record_sequence": 3,
  "opened_at": "2026-02-10T08:00:00Z",
  "imsi": "001012120000412",
  "imei": "3520991200041207",
  "rat": "4G",
  "serving_plmn": "00101",
  "counter": "cumulative64",
  "node_sequence": 77120,
  "containers": [
    { "rating_group": 4101, "service_id": 11, "sequence": 1,
      "first_usage_at": "2026-02-10T08:00:04Z", "last_usage_at": "2026-02-10T08:14:59Z",
      "uplink_bytes": 120034, "downlink_bytes": 8801200 }
  ]
}"#;

fn record(payload: &str) -> Record {
    match decode(payload.as_bytes()) {
        Ok(Message::Record(record)) => record,
        other => panic!("{payload}: {other:?}"),
    }
}

fn fault(payload: &[u8]) -> Fault {
    match decode(payload) {
        Err(fault) => fault,
        other => panic!("{}: {other:?}", String::from_utf8_lossy(payload)),
    }
}

#[test]
fn the_record_of_the_feeds_page_is_read() {
    let expected = Record {
        node: NodeId::parse("pgw-1").unwrap(),
        charging_id: 90_412,
        record_sequence: 3,
        opened_at_ms: 1_770_710_400_000,
        imsi: Imsi::parse("001012120000412").unwrap(),
        imei: Some(Imei::parse("35209912000412").unwrap()),
        rat: 4,
        serving_plmn: 2_00101,
        counter: Some(Counter::Cumulative64),
        node_sequence: Some(77_120),
        containers: vec![Container {
            rating_group: 4_101,
            service_id: 11,
            sequence: 1,
            first_usage_at_ms: 1_770_710_404_000,
            last_usage_at_ms: 1_770_711_299_000,
            uplink_bytes: 120_034,
            downlink_bytes: 8_801_200,
        }],
    };
    assert_eq!(record(SOUND), expected);
}

#[test]
fn what_may_be_left_out_has_its_default() {
    let bare = r#"{"node":"n","charging_id":18446744073709551615,"opened_at":"2026-02-10T08:00:00Z","imsi":"001010",
        "imei":null,"counter":null,"node_sequence":null,"containers":[
        {"rating_group":0,"first_usage_at":"2026-02-10T08:00:00Z","last_usage_at":"2026-02-10T08:00:00Z","uplink_bytes":0,"downlink_bytes":1000000000000},
        {"rating_group":4294967295,"first_usage_at":"2026-02-10T09:00:00.5+01:00","last_usage_at":"2026-02-10T08:00:00.501Z","uplink_bytes":0,"downlink_bytes":0}]}"#;
    let record = record(bare);
    assert_eq!(record.charging_id, u64::MAX);
    assert_eq!(
        (record.record_sequence, record.rat, record.serving_plmn),
        (0, 0, 0)
    );
    assert_eq!(record.imei, None);
    assert_eq!((record.counter, record.node_sequence), (None, None));
    let sequences: Vec<_> = record.containers.iter().map(|c| c.sequence).collect();
    assert_eq!(sequences, [1, 2]);
    assert_eq!(record.containers[0].downlink_bytes, 1_000_000_000_000);
}

#[test]
fn a_counter_says_how_large_its_readings_may_be_wherever_it_stands() {
    let in_front = |counter: &str, bytes: u64| {
        SOUND
            .replace("\"cumulative64\"", counter)
            .replace("8801200", &bytes.to_string())
    };
    let behind = |counter: &str, bytes: u64| {
        let line = format!("  \"counter\": {counter},\n");
        let sound = in_front(counter, bytes).replace(&line, "");
        let end = sound.len() - "\n}".len();
        format!("{},\"counter\": {counter}\n}}", &sound[..end])
    };
    let small = u64::from(u32::MAX);
    let large = 1_000_000_000_000;
    for (word, counter, most) in [
        ("\"delta\"", Some(Counter::Delta), large),
        ("\"cumulative32\"", Some(Counter::Cumulative32), small),
        ("\"cumulative64\"", Some(Counter::Cumulative64), large),
        ("null", None, large),
    ] {
        for written in [&in_front as &dyn Fn(&str, u64) -> String, &behind] {
            let read = record(&written(word, most));
            assert_eq!(read.counter, counter);
            assert_eq!(read.containers[0].downlink_bytes, most);
            let fault = fault(written(word, most + 1).as_bytes());
            assert_eq!(
                (fault.reason, fault.field.as_str()),
                (OutOfRange, "containers[0].downlink_bytes"),
                "{word}"
            );
            assert_eq!(fault.expected, format!("an integer from 0 to {most}"));
        }
    }
}

#[test]
fn escapes_and_fields_in_any_order_are_json_too() {
    let swapped = SOUND
        .replace("\"pgw-1\"", "\"\\u0070gw-1\"")
        .replace("\"imsi\"", "\"i\\u006dsi\"");
    assert_eq!(record(&swapped), record(SOUND));
}

#[test]
fn every_fault_is_told_with_field_and_place_and_without_its_value() {
    let lines = include_str!("faults.tsv").lines();
    for line in lines.filter(|line| !line.starts_with('#')) {
        let [found, replacement, reason, field, at] = line.split('\t').collect::<Vec<_>>()[..]
        else {
            panic!("{line}");
        };
        let written = |text: &str| text.replace("<newline>", "\n").replace("<tab>", "\t");
        let payload = SOUND.replacen(&written(found), &written(replacement), 1);
        assert_ne!(payload, SOUND, "{found}");
        let fault = fault(payload.as_bytes());
        let told = (
            fault.reason.as_str(),
            fault.field.as_str(),
            fault.at.as_str(),
        );
        assert_eq!(told, (reason, field, at), "{line}: {fault:?}");
        assert!(!fault.expected.is_empty());
        let text = format!("{} {} {}", fault.field, fault.at, fault.expected);
        assert!(!text.contains("2120000412"), "{text}");
    }
}

#[test]
fn messages_that_are_no_object_are_malformed() {
    for payload in [
        "",
        " ",
        "null",
        "5",
        "\"x\"",
        "[]",
        "tru",
        "{",
        "{}}",
        "\u{feff}{}",
    ] {
        assert_eq!(
            fault(payload.as_bytes()).reason,
            MalformedJson,
            "{payload:?}"
        );
    }
    let list = r#"["pgw-1",90412,3,"2026-02-10T08:00:00Z","001012120000412",null,null,null,[]]"#;
    assert_eq!(fault(list.as_bytes()).expected, "a JSON object");
    assert_eq!(fault(b"{}").reason, MissingField);
    let deep = "[".repeat(1_000_000);
    assert_eq!(fault(deep.as_bytes()).reason, MalformedJson);
}

#[test]
fn a_record_cut_short_anywhere_is_malformed() {
    for length in 0..SOUND.len() {
        assert_eq!(
            fault(&SOUND.as_bytes()[..length]).reason,
            MalformedJson,
            "{length}"
        );
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_malformed() {
    let mut payload = SOUND.as_bytes().to_vec();
    let place = SOUND.find("pgw").unwrap();
    payload[place] = 0xff;
    let fault = fault(&payload);
    assert_eq!(
        (fault.reason, fault.at.as_str()),
        (MalformedJson, "line 2, column 12")
    );
}

#[test]
fn containers_are_objects_one_to_a_thousand() {
    let start = SOUND.find("    { \"rating").unwrap();
    let end = SOUND.find("\n  ]").unwrap();
    let container = &SOUND[start..end];
    let with = |containers: &str| format!("{}{containers}{}", &SOUND[..start], &SOUND[end..]);
    assert_eq!(fault(with("").as_bytes()).reason, OutOfRange);
    assert_eq!(
        record(&with(&vec![container; 1_000].join(",")))
            .containers
            .len(),
        1_000
    );
    let many = fault(with(&vec![container; 1_001].join(",")).as_bytes());
    assert_eq!(
        (many.reason, many.field.as_str()),
        (OutOfRange, "containers")
    );
    let list = "[4101,11,1,\"2026-02-10T08:00:04Z\",\"2026-02-10T08:14:59Z\",1,2]";
    let second = fault(with(&format!("{container},{list}")).as_bytes());
    assert_eq!(
        (second.reason, second.field.as_str()),
        (WrongType, "containers[1]")
    );
}

#[test]
fn a_message_beyond_one_mebibyte_is_not_even_read() {
    let space = " ".repeat(MESSAGE_BYTES_MAX - SOUND.len());
    assert_eq!(record(&format!("{SOUND}{space}")), record(SOUND));
    let fault = fault(format!("{SOUND}{space} ").as_bytes());
    assert_eq!(
        (fault.reason, fault.at.as_str()),
        (TooLarge, "1048577 bytes")
    );
}

#[test]
fn a_quiet_message_is_understood_strictly() {
    let quiet = decode(br#" { "quiet_until" : "2026-03-11T00:15:00Z" } "#);
    let until_ms = 1_773_188_100_000;
    assert_eq!(quiet, Ok(Message::Quiet { until_ms }));
    for (payload, reason, field) in [
        (
            r#"{"quiet_until":"2026-02-30T00:15:00Z"}"#,
            BadTime,
            "quiet_until",
        ),
        (r#"{"quiet_until":1773188100000}"#, WrongType, "quiet_until"),
        (r#"{"quiet_until":null}"#, MissingField, "quiet_until"),
        (
            r#"{"quiet_until":"2026-03-11T00:15:00Z","node":"pgw-1"}"#,
            UnknownField,
            "node",
        ),
        (
            r#"{"quiet_until":"2026-03-11T00:15:00Z","quiet_until":"2026-03-11T00:15:00Z"}"#,
            MalformedJson,
            "quiet_until",
        ),
        (
            r#"{"Quiet_until":"2026-03-11T00:15:00Z"}"#,
            UnknownField,
            "Quiet_until",
        ),
        (r#"["2026-03-11T00:15:00Z"]"#, MalformedJson, ""),
    ] {
        let fault = fault(payload.as_bytes());
        assert_eq!(
            (fault.reason, fault.field.as_str()),
            (reason, field),
            "{payload}"
        );
    }
}

/// What mutations write into a sound record: what matters to JSON and to the rules.
const PIECES: &[&str] = &[
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "-",
    "0",
    "1",
    "9",
    ".",
    "e",
    "null",
    "true",
    " ",
    "\n",
    "\\",
    "\\n",
    "é",
    "\u{1}",
    "Z",
    "T",
    "\"sequence\":2,",
    "\"imsi\"",
    "18446744073709551616",
    "2026-02-30T08:00:00Z",
    "60",
    "\"counter\":\"cumulative32\",",
    "4294967296",
    "\"node_sequence\":9,",
    "32",
];

proptest! {
    #[test]
    fn both_readers_agree_on_every_mutation(
        edits in prop::collection::vec((0..SOUND.len(), 0usize..6, prop::sample::select(PIECES)), 1..4),
    ) {
        let mut payload = SOUND.as_bytes().to_vec();
        for (at, removed, piece) in edits {
            let at = at.min(payload.len());
            let end = (at + removed).min(payload.len());
            payload.splice(at..end, piece.bytes());
        }
        if let Err(fault) = decode(&payload) {
            // The one answer of the slow reader that says it found nothing to complain of.
            prop_assert_ne!(fault.expected, "a record as the feed's page describes it");
        } else {
            prop_assert!(explain::explain(&payload).is_err_and(|fault| fault.expected
                == "a record as the feed's page describes it"));
        }
    }
}
