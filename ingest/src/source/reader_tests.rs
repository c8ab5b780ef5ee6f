use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use hissa_core::outcome::RejectReason;
use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::sim::{FeedId, Imei, Imsi};
use sha2::{Digest as _, Sha256};

use super::reader::{Expected, Incoming, Reader};
use crate::admit::{Admission, TOLERANCE_MS};
use crate::config::{Feed, Start};
use crate::halt::Halt;

const NOW_MS: i64 = 1_770_714_000_000;

fn reader(played: bool, expected: &[(u32, u64, &str)]) -> Reader {
    let feed = Feed {
        id: FeedId::parse("pgw").unwrap(),
        topic: "cdr".into(),
        played,
        epoch: 2,
        start: Start::Earliest,
    };
    let tolerance = Arc::new(AtomicU32::new(TOLERANCE_MS));
    let admission = Admission::new(feed.id, played, tolerance, None);
    let expected: BTreeMap<_, _> = expected
        .iter()
        .map(|(partition, offset, message)| {
            let sha256 = hex::encode(Sha256::digest(message));
            let offset = *offset;
            (*partition, Expected { offset, sha256 })
        })
        .collect();
    Reader::new(feed, Pseudonymizer::new([7; 16]), admission, expected)
}

/// A record of two containers.
const RECORD: &str = r#"{"node":"pgw-1","charging_id":1,"opened_at":"2026-02-10T08:00:00Z","imsi":"001012120000412",
    "imei":"352099120004127","rat":"4G","serving_plmn":"00101","containers":[
    {"rating_group":4101,"service_id":11,"first_usage_at":"2026-02-10T08:00:00Z","last_usage_at":"2026-02-10T08:10:00Z","uplink_bytes":1,"downlink_bytes":2},
    {"rating_group":4102,"sequence":9,"first_usage_at":"2026-02-10T08:00:00Z","last_usage_at":"2026-02-10T08:20:00Z","uplink_bytes":3,"downlink_bytes":4}]}"#;

fn message(partition: u32, offset: u64, delivered_at_ms: i64, payload: &str) -> Incoming<'_> {
    Incoming {
        partition,
        offset,
        delivered_at_ms: Some(delivered_at_ms),
        payload: payload.as_bytes(),
    }
}

#[test]
fn a_record_becomes_a_row_a_container_under_pseudonyms() {
    let mut reader = reader(false, &[]);
    reader.take(message(3, 40, NOW_MS, RECORD), NOW_MS).unwrap();
    let batch = reader.finish();
    let key = Pseudonymizer::new([7; 16]);
    let sim = key.sim(&Imsi::parse("001012120000412").unwrap());
    let device = key.device(&Imei::parse("352099120004127").unwrap());
    assert_eq!(batch.rows.len(), 2);
    for (place, row) in batch.rows.iter().enumerate() {
        assert!(!row.is_stub());
        assert_eq!((row.sim(), row.device()), (sim, Some(device)));
        assert_eq!(row.position().row as usize, place);
        assert_eq!(row.source().unwrap().epoch, 2);
        assert_eq!(
            (row.source_offset.get(), row.source_partition.get()),
            (40, 3)
        );
        assert_eq!(row.delivered_at_ms.get(), NOW_MS);
        assert_eq!(
            (row.device_tac.get(), row.serving_plmn.get(), row.rat),
            (35_209_912, 200_101, 4)
        );
        assert_eq!(row.node().unwrap().as_str(), "pgw-1");
    }
    let [first, second] = batch.rows[..] else {
        panic!()
    };
    assert_eq!(
        (
            first.container_sequence.get(),
            second.container_sequence.get()
        ),
        (1, 9)
    );
    assert_eq!((first.service_id.get(), second.service_id.get()), (11, 0));
    assert_eq!((first.bytes(), second.bytes()), (3, 7));
    assert_eq!(first.ended_at_ms.get(), 1_770_711_000_000);
    let [reached] = &batch.reached[..] else {
        panic!()
    };
    assert_eq!((reached.position, reached.records), (41, 1));
    assert_eq!(reached.sha256[..], Sha256::digest(RECORD)[..]);
    assert!(reader.is_empty());
}

#[test]
fn a_container_without_bytes_is_a_row_as_well() {
    let mut reader = reader(false, &[]);
    let text = RECORD
        .replace("\"uplink_bytes\":1,", "\"uplink_bytes\":0,")
        .replace("\"downlink_bytes\":2}", "\"downlink_bytes\":0}");
    reader.take(message(3, 40, NOW_MS, &text), NOW_MS).unwrap();
    let rows = reader.finish().rows;
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.position().row, row.bytes()))
        .collect();
    assert_eq!(told, [(0, 0), (1, 7)]);
}

#[test]
fn a_records_counter_stands_in_its_rows_and_its_number_beside_them() {
    let mut reader = reader(false, &[]);
    let with = RECORD.replace(
        "\"rat\"",
        "\"counter\":\"cumulative32\",\"node_sequence\":77,\"rat\"",
    );
    for (offset, record) in [(4, RECORD), (5, &with)] {
        reader
            .take(message(3, offset, NOW_MS, record), NOW_MS)
            .unwrap();
    }
    let batch = reader.finish();
    let counters: Vec<_> = batch.rows.iter().map(|row| row.counter).collect();
    assert_eq!(counters, [0, 0, 2, 2]);
    let [numbered] = batch.numbered[..] else {
        panic!("{:?}", batch.numbered)
    };
    assert_eq!((numbered.offset, numbered.number), (5, 77));
    assert_eq!(numbered.source, batch.rows[0].source().unwrap());
    assert_eq!(numbered.node, batch.rows[0].node().unwrap());
    assert_eq!(numbered.delivered_at_ms, NOW_MS);
}

#[test]
fn what_is_no_record_is_one_stub_with_its_reason_and_the_feed_goes_on() {
    let mut reader = reader(false, &[]);
    let large = "x".repeat(5_000_000);
    for (offset, payload, reason) in [
        (0, "{", RejectReason::MalformedJson),
        (1, large.as_str(), RejectReason::TooLarge),
        (2, "", RejectReason::MalformedJson),
        (3, r#"{"node":"n"}"#, RejectReason::MissingField),
    ] {
        reader
            .take(message(0, offset, NOW_MS, payload), NOW_MS)
            .unwrap();
        let batch = reader.finish();
        assert_eq!(batch.rows.len(), 1);
        assert!(batch.rows[0].is_stub());
        assert_eq!(batch.rows[0].reject_reason, reason.code());
        assert_eq!(
            (batch.rejected[0].reason, batch.rejected[0].offset),
            (reason, offset)
        );
        assert_eq!(
            batch.rejected[0].sha256,
            hex::encode(Sha256::digest(payload))
        );
        assert_eq!(batch.reached[0].records, 1);
    }
    reader.take(message(0, 4, NOW_MS, RECORD), NOW_MS).unwrap();
    assert_eq!(reader.finish().rows.len(), 2);
}

#[test]
fn a_quiet_message_ends_the_batch_and_is_no_record() {
    let mut reader = reader(true, &[]);
    reader.take(message(0, 0, NOW_MS, RECORD), NOW_MS).unwrap();
    let quiet = r#"{"quiet_until":"2026-02-10T09:00:01Z"}"#;
    reader.take(message(0, 1, NOW_MS, quiet), NOW_MS).unwrap();
    assert!(reader.is_full());
    let batch = reader.finish();
    assert_eq!(
        batch.quiet.map(|quiet| quiet.until_ms),
        Some(1_770_714_001_000)
    );
    assert_eq!(
        (batch.rows.len(), batch.records(), batch.reached[0].position),
        (2, 1, 2)
    );
    let early = reader.take(message(0, 2, NOW_MS + 999, RECORD), NOW_MS);
    assert!(matches!(early, Err(Halt::Falls { .. })), "{early:?}");
}

#[test]
fn a_halt_keeps_what_stood_before_it() {
    let year_2036 = 2_082_758_400_000;
    let quiet = r#"{"quiet_until":"2036-01-01T00:00:00Z"}"#;
    let untimed = Incoming {
        delivered_at_ms: None,
        ..message(0, 1, 0, RECORD)
    };
    for ahead in [
        message(0, 1, year_2036, RECORD),
        message(0, 1, NOW_MS, quiet),
        untimed,
    ] {
        let mut reader = reader(true, &[]);
        reader.take(message(0, 0, NOW_MS, RECORD), NOW_MS).unwrap();
        reader.take(ahead, NOW_MS).unwrap_err();
        let batch = reader.finish();
        assert_eq!(
            (batch.rows.len(), batch.reached[0].position, batch.quiet),
            (2, 1, None)
        );
    }
}

#[test]
fn rows_that_are_mostly_ahead_are_not_published() {
    let mut reader = reader(false, &[]);
    // Delivered seven hours before the usage ends.
    let early_ms = NOW_MS - 7 * 3_600_000;
    let mut halted = None;
    for offset in 0..400 {
        if let Err(halt) = reader.take(message(0, offset, early_ms, RECORD), NOW_MS) {
            halted = Some(halt);
            break;
        }
    }
    assert!(
        matches!(halted, Some(Halt::MostlyAhead { ahead: 502, .. })),
        "{halted:?}"
    );
    assert!(reader.is_empty() && reader.finish().rows.is_empty());
}

#[test]
fn the_record_at_which_ingest_stood_must_be_found_again() {
    let stood = [(0, 7, RECORD)];
    let mut found = reader(false, &stood);
    found.take(message(0, 7, NOW_MS, RECORD), NOW_MS).unwrap();
    assert!(found.is_empty(), "it was published before");
    found.take(message(0, 8, NOW_MS, RECORD), NOW_MS).unwrap();
    assert_eq!(found.finish().reached[0].position, 9);

    for (offset, payload, told) in [
        (7, "{}", "another record"),
        (8, RECORD, "no record at this offset"),
    ] {
        let halt = reader(false, &stood).take(message(0, offset, NOW_MS, payload), NOW_MS);
        let halt = halt.unwrap_err().to_string();
        assert!(
            halt.contains(told) && halt.contains("raise the feed's `epoch`"),
            "{halt}"
        );
        assert!(halt.contains("topic cdr, partition 0, offset 7"), "{halt}");
    }
    assert!(reader(false, &stood).at_end(0).is_err());
    assert_eq!(reader(false, &stood).at_end(1), Ok(()));
    assert_eq!(found.at_end(0), Ok(()));
}

#[test]
fn a_batch_is_full_by_rows() {
    let mut reader = reader(false, &[]);
    let mut offset = 0;
    while !reader.is_full() {
        reader
            .take(message(0, offset, NOW_MS, RECORD), NOW_MS)
            .unwrap();
        offset += 1;
    }
    assert_eq!(reader.finish().rows.len(), super::reader::BATCH_ROWS_MAX);
}
