use std::time::{SystemTime, UNIX_EPOCH};

use hissa_core::sim::SimId;
use hissa_ingest::config::Start;
use hissa_links::LinkError;
use hissa_links::kafka::KafkaLink;

use crate::carrier::{Carrier, enrolment, record};
use crate::log::{self, Owned};
use crate::service::{Service, config, feed, get, source, stored};

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_feed_is_read_as_it_comes_and_its_clock_goes_on_in_silence() {
    let carrier = Carrier::start().await;
    carrier.make_topic("cdr", 2).await;
    carrier.enter(now_ms(), enrolment(SimId([1; 16])));
    // What lies there already is not wanted.
    carrier.deliver("cdr", 0, now_ms(), record(0, 1).as_bytes());
    carrier.flush();
    let mut from_now = feed("cdr", false);
    from_now.start = Start::Latest;
    let mut service = Service::start(config(&carrier, from_now));
    let position = |partition| {
        stored(&carrier)
            .get(&source(partition))
            .map_or(0, |s| s.position)
    };
    service
        .until("the beginning is known", || position(0) == 1)
        .await;

    let begun_ms = now_ms();
    carrier.deliver("cdr", 0, begun_ms, record(1, 1).as_bytes());
    carrier.deliver("cdr", 1, begun_ms, record(2, 2).as_bytes());
    carrier.enter(begun_ms, enrolment(SimId([2; 16])));
    carrier.flush();
    service
        .until("both records are read", || {
            position(0) == 2 && position(1) == 1
        })
        .await;
    let revision = || stored(&carrier).values().map(|s| s.registry_revision).max();
    service
        .until("both commands are copied", || revision() == Some(2))
        .await;
    let clock_ms = || {
        stored(&carrier)
            .values()
            .map(|s| s.clock_ms)
            .min()
            .flatten()
    };
    service
        .until("a quiet second passes", || clock_ms() > Some(begun_ms))
        .await;

    // A delivery time of 2036 halts the feed; what stands before it is published and stored.
    carrier.deliver("cdr", 1, begun_ms, record(3, 3).as_bytes());
    carrier.deliver("cdr", 1, 2_082_758_400_000, record(4, 4).as_bytes());
    carrier.flush();
    let told = service.ends().await;
    for part in [
        "feed pgw is halted",
        "topic cdr, partition 1, offset 2",
        "2036-01-01",
        "clock",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(position(1), 2);

    let entries = log::read(&carrier);
    let rows = entries.iter().flatten().filter_map(|entry| match entry {
        Owned::Rows(rows) => Some(rows),
        Owned::Block(_) | Owned::Progress(_) => None,
    });
    let mut charging_ids: Vec<_> = rows.flatten().map(|row| row.charging_id.get()).collect();
    charging_ids.sort_unstable();
    assert_eq!(charging_ids, [1, 2, 3]);
    carrier.kafka.stop().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_told_in_one_sentence_with_its_remedy() {
    let carrier = Carrier::start().await;
    let sound = config(&carrier, feed("no-such-topic", false));
    let told = Service::start(sound.clone()).ends().await;
    assert!(
        told.contains("there is no topic no-such-topic")
            && told.contains("correct the feed's `topic`"),
        "{told}"
    );

    carrier.make_topic("wide", 2).await;
    let told = Service::start(config(&carrier, feed("wide", true)))
        .ends()
        .await;
    assert!(
        told.contains("topic wide has 2 partitions") && told.contains("one partition"),
        "{told}"
    );

    let mut no_key = sound.clone();
    no_key.key_file = carrier.folder.path().join("no-key");
    let told = Service::start(no_key).ends().await;
    assert!(told.contains("pseudonym key"), "{told}");

    let mut silent = sound;
    silent.carrier_kafka = Some(KafkaLink::to("127.0.0.1:1"));
    let error = hissa_ingest::run(silent, hissa_links::stop::Stop::new())
        .await
        .unwrap_err();
    assert!(error.downcast_ref::<LinkError>().is_some());
    assert!(
        error.to_string().contains("127.0.0.1:1 did not answer"),
        "{error}"
    );
    carrier.kafka.stop().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_and_comes_back_is_waited_for() {
    let carrier = Carrier::start().await;
    carrier.make_topic("cdr", 1).await;
    carrier.deliver("cdr", 0, now_ms(), record(0, 1).as_bytes());
    carrier.flush();
    let mut service = Service::start(config(&carrier, feed("cdr", false)));
    let first = || stored(&carrier).values().any(|s| s.received.records == 1);
    service.until("the first record is published", first).await;

    let carrier = tokio::task::block_in_place(|| carrier.killed_and_back());
    carrier.deliver("cdr", 0, now_ms(), record(1, 1).as_bytes());
    carrier.enter(now_ms(), enrolment(SimId([2; 16])));
    carrier.flush();
    let second = || {
        let stored = stored(&carrier);
        stored
            .values()
            .any(|s| s.received.records == 2 && s.registry_revision == 1)
    };
    service
        .until("the second record is published", second)
        .await;
    let listen = service.listen;
    let ready = || get(listen, "/readyz").starts_with("HTTP/1.1 200");
    service.until("ingest is ready", ready).await;
    service.stop().await;
    carrier.kafka.stop().unwrap();
}
