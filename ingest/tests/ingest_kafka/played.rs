use hissa_core::outcome::RejectReason;
use hissa_core::registry::{Command, Counter, Feed};
use hissa_core::sim::{FeedId, Imsi, Partitions, SimId};
use hissa_ingest::reject::Rejected;
use hissa_links::{topics, whole};
use rdkafka::message::Message as _;

use crate::carrier::{Carrier, MORNING_MS, enrolment, imsi, record};
use crate::log::{self, Owned};
use crate::service::{Service, config, feed, get, is_finished, pseudonyms, source, stored};

fn sim(number: u64) -> SimId {
    pseudonyms().sim(&Imsi::parse(&imsi(number)).unwrap())
}

/// A record of a node that numbers its own.
fn numbered(number: u64, node_sequence: u64) -> String {
    let sequence = format!("\"node_sequence\":{node_sequence},\"rat\"");
    record(number, number % 100).replace("\"rat\"", &sequence)
}

/// 3,000 records, one a second, of 100 SIMs; two of them poison; one SIM is enrolled on the way.
#[tokio::test(flavor = "multi_thread")]
async fn a_played_feed_becomes_blocks_frames_and_progress_in_its_own_time() {
    let carrier = Carrier::start().await;
    carrier.make_topic("cdr", 1).await;
    let of_feed = Feed {
        id: FeedId::parse("pgw").unwrap(),
        future_tolerance_ms: 300_000,
        counter: Counter::Delta,
    };
    let enrolled_at_ms = MORNING_MS + 1_500_000;
    carrier.enter(MORNING_MS - 1, Command::Feed(of_feed));
    carrier.enter(enrolled_at_ms, enrolment(sim(42)));
    carrier.enter(i64::MAX / 2, enrolment(sim(43)));
    let large = vec![b' '; 5_000_000];
    for number in 0..3_000u64 {
        let at_ms = MORNING_MS + i64::try_from(number).unwrap() * 1_000;
        match number {
            700 => carrier.deliver(
                "cdr",
                0,
                at_ms,
                br#"{"node":"pgw-1","imsi":"001010000000007"#,
            ),
            1_400 => carrier.deliver("cdr", 0, at_ms, &large),
            // The node pgw-2 numbers its records from 0 on; two of them wrongly.
            11 | 2_000 => carrier.deliver("cdr", 0, at_ms, numbered(number, 8).as_bytes()),
            _ if number % 3 == 2 => {
                carrier.deliver("cdr", 0, at_ms, numbered(number, number / 3).as_bytes());
            }
            _ => carrier.deliver("cdr", 0, at_ms, record(number, number % 100).as_bytes()),
        }
    }
    let quiet = br#"{"quiet_until":"2026-02-10T10:00:00Z"}"#;
    carrier.deliver("cdr", 0, MORNING_MS + 3_000_000, quiet);
    carrier.flush();

    let mut service = Service::start(config(&carrier, feed("cdr", true)));
    service
        .until("the end of the feed", || is_finished(&carrier))
        .await;
    assert!(
        get(service.listen, "/readyz").starts_with("HTTP/1.1 200"),
        "{}",
        get(service.listen, "/readyz")
    );
    let metrics = get(service.listen, "/metrics");
    for line in [
        "hissa_received_records_total{feed=\"pgw\"} 3000",
        "hissa_rejected_records_total{feed=\"pgw\",reason=\"malformed_json\"} 1",
        "hissa_rejected_records_total{feed=\"pgw\",reason=\"too_large\"} 1",
        "hissa_rejected_records_total{feed=\"pgw\",reason=\"bad_time\"} 0",
        "hissa_in_flight_records{feed=\"pgw\"} 0",
        // 8 stands for 3 and for 666; the record with 466 could not be decoded.
        "hissa_feed_repeated_sequences_total{feed=\"pgw\"} 2",
        "hissa_feed_sequence_holes{feed=\"pgw\"} 3",
        "hissa_feed_missing_sequences_total{feed=\"pgw\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    service.stop().await;

    let entries = log::read(&carrier);
    let mut rows = 0;
    for (partition, entries) in (0u16..).zip(&entries) {
        let counted = log::apply(entries);
        rows += counted.len();
        for row in &counted {
            let number = row.source_offset.get();
            assert_eq!(
                row.delivered_at_ms.get(),
                MORNING_MS + i64::try_from(number).unwrap() * 1_000
            );
            if row.is_stub() {
                assert!(partition == 0 && (number == 700 || number == 1_400));
            } else {
                assert_eq!(row.sim(), sim(number % 100));
                assert_eq!(row.sim().partition(Partitions::SMALL), partition);
                assert_eq!(
                    (row.uplink_bytes.get(), row.charging_id.get()),
                    (number, number)
                );
            }
        }
        let [Owned::Progress(heard), Owned::Block(first), ..] = &entries[..] else {
            panic!("no heard hour in front, or no block behind it")
        };
        assert_eq!(heard.as_of_ms, MORNING_MS - 1);
        assert_eq!(heard.sources[0].heard, [MORNING_MS / 3_600_000]);
        assert_eq!(
            (first.from_rev, first.to_rev, first.commands.len()),
            (0, 1, 1)
        );
        let Some(Owned::Progress(last)) = entries.last() else {
            panic!("no Progress behind")
        };
        assert_eq!(last.as_of_ms, MORNING_MS + 7_200_000);
        assert_eq!(last.sources[0].through, 3_001);
        enrolled_in_time(partition, entries, enrolled_at_ms);
    }
    assert_eq!(rows, 3_000);

    let stored = stored(&carrier).remove(&source(0)).unwrap();
    assert_eq!((stored.position, stored.registry_revision), (3_001, 2));
    assert_eq!(
        (
            stored.received.records,
            stored.received.rows,
            stored.received.rejected
        ),
        (3_000, 3_000, 2)
    );
    let mut rejected = Vec::new();
    whole::read(&carrier.link, "test", topics::REJECTED, |message| {
        let text = std::str::from_utf8(message.payload().unwrap()).unwrap();
        assert!(!text.contains("0000007"), "{text}");
        let value: Rejected = serde_json::from_str(text).unwrap();
        rejected.push((value.offset, value.reason, value.at));
    })
    .unwrap();
    let too_large = (1_400, RejectReason::TooLarge, "5000000 bytes".to_owned());
    assert_eq!(rejected[0].1, RejectReason::MalformedJson);
    assert_eq!(rejected[1..], [too_large]);
    carrier.kafka.stop().unwrap();
}

/// The command of SIM 42 stands in its partition alone, behind what was delivered before it and before the rest.
fn enrolled_in_time(partition: u16, entries: &[Owned], enrolled_at_ms: i64) {
    let mut enrolled = false;
    for entry in entries {
        match entry {
            Owned::Rows(rows) => {
                for row in rows {
                    assert_eq!(row.delivered_at_ms.get() >= enrolled_at_ms, enrolled);
                }
            }
            Owned::Block(block) if block.from_rev == 1 => {
                enrolled = true;
                let ours = sim(42).partition(Partitions::SMALL) == partition;
                assert_eq!((block.to_rev, block.commands.len()), (2, usize::from(ours)));
            }
            Owned::Block(_) | Owned::Progress(_) => {}
        }
    }
    assert!(enrolled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_anew_halts_the_feed_until_the_epoch_is_raised() {
    let carrier = Carrier::start().await;
    let quiet = br#"{"quiet_until":"2026-02-10T10:00:00Z"}"#;
    let write = |numbers: std::ops::Range<u64>| {
        for number in numbers {
            carrier.deliver("cdr", 0, MORNING_MS, record(number, 1).as_bytes());
        }
        carrier.deliver("cdr", 0, MORNING_MS, quiet);
        carrier.flush();
    };
    carrier.make_topic("cdr", 1).await;
    write(0..50);
    let mut service = Service::start(config(&carrier, feed("cdr", true)));
    service
        .until("the end of the feed", || is_finished(&carrier))
        .await;
    service.stop().await;

    // Other records under the same offsets, and more of them.
    carrier.delete_topic("cdr").await;
    remake(&carrier).await;
    write(1_000..1_101);
    let told = Service::start(config(&carrier, feed("cdr", true)))
        .ends()
        .await;
    assert!(told.contains("topic cdr, partition 0, offset 50"), "{told}");
    assert!(
        told.contains("made anew") && told.contains("`epoch`"),
        "{told}"
    );

    let mut raised = feed("cdr", true);
    raised.epoch = 1;
    let again = hissa_core::usage::Source {
        epoch: 1,
        ..source(0)
    };
    let mut service = Service::start(config(&carrier, raised));
    service
        .until("the end of the new feed", || {
            stored(&carrier)
                .get(&again)
                .is_some_and(|s| s.position == 102)
        })
        .await;
    service.stop().await;
    carrier.kafka.stop().unwrap();
}

/// A topic that is being deleted cannot be made at once.
async fn remake(carrier: &Carrier) {
    use rdkafka::consumer::{BaseConsumer, Consumer as _};
    let asking: BaseConsumer = carrier.link.client("asking").unwrap().create().unwrap();
    let exists = || {
        let all = asking
            .fetch_metadata(None, crate::carrier::PATIENCE)
            .unwrap();
        all.topics().iter().any(|topic| topic.name() == "cdr")
    };
    while tokio::task::block_in_place(exists) {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    carrier.make_topic("cdr", 1).await;
}
