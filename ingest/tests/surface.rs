//! What other crates drive without Kafka: a message decoded, a batch read, published, and its position stored.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::sim::{FeedId, Partitions};
use hissa_core::usage::Source;
use hissa_core::wire::Kind;
use hissa_ingest::admit::{Admission, TOLERANCE_MS};
use hissa_ingest::config::{Feed, Start};
use hissa_ingest::decode::{Message, json};
use hissa_ingest::position::Stored;
use hissa_ingest::publish::{Command, Event, Payload, Publisher};
use hissa_ingest::source::batch::Batch;
use hissa_ingest::source::reader::{Incoming, Reader};

const MORNING_MS: i64 = 1_770_710_400_000;
const RECORD: &str = r#"{"node":"pgw-1","charging_id":1,"opened_at":"2026-02-10T07:00:00Z","imsi":"001012120000412","containers":[
    {"rating_group":4101,"first_usage_at":"2026-02-10T07:00:00Z","last_usage_at":"2026-02-10T07:10:00Z","uplink_bytes":1,"downlink_bytes":2}]}"#;

fn feed() -> Feed {
    Feed {
        id: FeedId::parse("pgw").unwrap(),
        topic: "cdr".into(),
        played: true,
        epoch: 0,
        start: Start::Earliest,
    }
}

/// The batch of these messages, delivered a second apart.
fn read(messages: &[&str]) -> Batch {
    let tolerance = Arc::new(AtomicU32::new(TOLERANCE_MS));
    let admission = Admission::new(feed().id, true, tolerance, None);
    let key = Pseudonymizer::new([7; 16]);
    let mut reader = Reader::new(feed(), key, admission, BTreeMap::new());
    for (offset, message) in (0u32..).zip(messages) {
        let delivered_at_ms = MORNING_MS + i64::from(offset) * 1_000;
        let incoming = Incoming {
            partition: 0,
            offset: offset.into(),
            delivered_at_ms: Some(delivered_at_ms),
            payload: message.as_bytes(),
        };
        reader.take(incoming, delivered_at_ms).unwrap();
    }
    reader.finish()
}

#[test]
fn messages_become_frames_and_a_stored_position_without_kafka() {
    assert!(matches!(
        json::decode(RECORD.as_bytes()),
        Ok(Message::Record(_))
    ));
    let source = Source {
        feed: feed().id,
        epoch: 0,
        partition: 0,
    };
    let mut publisher = Publisher::new(Partitions::SMALL, true, [(source, Stored::default())], 0);
    let mut commands = Vec::new();
    let registry = Event::Registry {
        revisions: Vec::new(),
        whole_at_ms: Some(0),
    };
    publisher.step(registry, &mut commands);
    assert!(publisher.takes_batches(MORNING_MS));
    publisher.step(
        Event::Batch(read(&[RECORD, "no record", RECORD])),
        &mut commands,
    );

    let mut rows = 0;
    for command in &commands {
        match command {
            Command::Entry {
                kind: Kind::Rows,
                payload: Payload::Rows(frame),
                ..
            } => rows += frame.len(),
            Command::Entry { payload, .. } => assert!(!payload.bytes().is_empty()),
            Command::Rejected { rejected, .. } => assert_eq!(rejected.offset, 1),
            Command::Store { .. } => panic!("stored before it is acknowledged"),
        }
    }
    assert_eq!(rows, 3);
    let mut stored = Vec::new();
    for ticket in commands.iter().filter_map(Command::ticket) {
        publisher.step(Event::Acked { ticket }, &mut stored);
    }
    let [Command::Store { stored, .. }] = &stored[..] else {
        panic!("{stored:?}")
    };
    assert_eq!((stored.position, stored.received.records), (3, 3));
    assert!(publisher.is_settled());
}
