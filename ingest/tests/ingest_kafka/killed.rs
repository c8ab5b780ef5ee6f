use hissa_core::sim::SimId;
use hissa_links::{topics, whole};

use crate::carrier::{Carrier, MORNING_MS, enrolment, record};
use crate::log;
use crate::service::{Service, config, feed, is_finished, source, stored};

const RECORDS: u64 = 150_000;

/// Rows and blocks that stand in `hissa.usage`, as offsets.
fn written(carrier: &Carrier) -> i64 {
    whole::read(&carrier.link, "test", topics::USAGE, |_| {})
        .unwrap()
        .values()
        .sum()
}

/// Ingest is ended without warning whenever some more entries were written, whatever it was doing then.
#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_it_loses_nothing_and_its_books_are_right() {
    let carrier = Carrier::start().await;
    carrier.make_topic("cdr", 1).await;
    for number in 0..30u8 {
        let entered_at_ms = MORNING_MS + i64::from(number) * 5_000_000;
        carrier.enter(entered_at_ms, enrolment(SimId([number * 8; 16])));
    }
    for number in 0..RECORDS {
        let at_ms = MORNING_MS + i64::try_from(number).unwrap() * 1_000;
        let payload = match number % 1_000 {
            999 => "{".to_owned(),
            _ => record(number, number % 5_000),
        };
        carrier.deliver("cdr", 0, at_ms, payload.as_bytes());
    }
    let quiet = br#"{"quiet_until":"2026-02-12T09:00:00Z"}"#;
    carrier.deliver("cdr", 0, MORNING_MS + 150_000_000, quiet);
    carrier.flush();

    let mut lives = 0;
    while !is_finished(&carrier) && lives < 6 {
        let mut service = Service::start(config(&carrier, feed("cdr", true)));
        let before = written(&carrier);
        service
            .until("something is written", || written(&carrier) > before)
            .await;
        service.kill().await;
        lives += 1;
    }
    let mut service = Service::start(config(&carrier, feed("cdr", true)));
    service
        .until("the end of the feed", || is_finished(&carrier))
        .await;
    service.stop().await;

    let stored = stored(&carrier).remove(&source(0)).unwrap();
    assert_eq!(
        (stored.position, stored.registry_revision),
        (RECORDS + 1, 30)
    );
    assert_eq!(
        (stored.received.records, stored.received.rejected),
        (RECORDS, RECORDS / 1_000)
    );
    let mut counted = Vec::new();
    for (partition, entries) in log::read(&carrier).iter().enumerate() {
        let rows = log::apply(entries);
        let bytes: u64 = rows.iter().map(|row| row.bytes()).sum();
        let book = stored.books[partition];
        assert_eq!((book.rows, book.bytes), (rows.len() as u64, bytes));
        counted.extend(rows.iter().map(|row| row.source_offset.get()));
    }
    counted.sort_unstable();
    assert!(
        counted.into_iter().eq(0..RECORDS),
        "each record once, and none missing"
    );
    carrier.kafka.stop().unwrap();
}
