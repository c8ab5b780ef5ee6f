//! How fast ingest is on this machine: `cargo run --release -p hissa-ingest --example rates [records]`.
//!
//! Of CPU time, not of the clock: first the decoder alone, then records to rows, then (of the clock) the whole
//! service from a topic that holds the records already to frames that Kafka has acknowledged; warm-up left out.

#![allow(clippy::print_stdout, clippy::expect_used, clippy::unwrap_used)]

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::sim::{FeedId, Partitions};
use hissa_core::usage::Source;
use hissa_ingest::config::{Config, Feed, Start};
use hissa_ingest::decode::{Message, json};
use hissa_ingest::position::Stored;
use hissa_ingest::rows;
use hissa_links::kafka::KafkaLink;
use hissa_links::{key, stop::Stop, topics, whole};
use hissa_stack::kafka::{Kafka, KafkaOptions};
use hissa_stack::{Report, folders};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

const MORNING_MS: i64 = 1_770_710_400_000;

fn record(number: u64) -> String {
    let minute = number % 60;
    format!(
        r#"{{"node":"pgw-{}","charging_id":{number},"opened_at":"2026-02-10T07:{minute:02}:00Z","imsi":"00101{:010}","imei":"3520991200041207","rat":"4G","serving_plmn":"00101","containers":[{{"rating_group":4101,"service_id":11,"sequence":1,"first_usage_at":"2026-02-10T07:{minute:02}:04Z","last_usage_at":"2026-02-10T07:{minute:02}:59Z","uplink_bytes":{number},"downlink_bytes":8801200}}]}}"#,
        number % 3,
        number.wrapping_mul(2_654_435_761) % 1_000_000,
    )
}

fn decoder() {
    let records: Vec<String> = (0..20_000).map(record).collect();
    let bytes: usize = records.iter().map(String::len).sum();
    println!("a record has {} bytes on average", bytes / records.len());
    let pseudonyms = Pseudonymizer::new([7; 16]);
    let source = Source {
        feed: FeedId::parse("pgw").expect("a sound id"),
        epoch: 0,
        partition: 0,
    };
    for pass in ["warm-up", "measured"] {
        let cpu = cpu_seconds();
        for _ in 0..50 {
            for record in &records {
                black_box(json::decode(black_box(record.as_bytes()))).expect("a sound record");
            }
        }
        // A million records: microseconds a record are seconds.
        let decode = cpu_seconds() - cpu;
        println!("{pass}: decode {:.0} ns a record", decode * 1e3);
        let cpu = cpu_seconds();
        let mut out = Vec::with_capacity(records.len());
        for _ in 0..50 {
            out.clear();
            for record in &records {
                if let Ok(Message::Record(record)) = json::decode(record.as_bytes()) {
                    rows::append(&mut out, &record, source, 0, MORNING_MS, &pseudonyms);
                }
            }
            black_box(&out);
        }
        let whole = cpu_seconds() - cpu;
        println!(
            "{pass}: decode, pseudonymise and lay out {:.0} ns a record",
            whole * 1e3
        );
    }
}

fn stored(link: &KafkaLink) -> Option<Stored> {
    let mut last = None;
    whole::read(link, "rates", topics::INGEST, |message| {
        last = message
            .payload()
            .and_then(|payload| serde_json::from_slice(payload).ok());
    })
    .expect("Kafka answers");
    last
}

/// CPU seconds of this process so far.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(11)
        .take(2);
    // Ticks of a hundredth of a second, everywhere on Linux.
    fields
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let records: u64 = std::env::args()
        .nth(1)
        .map_or(Ok(1_500_000), |text| text.parse())?;
    decoder();

    let folder = tempfile::tempdir()?;
    let options = KafkaOptions {
        folder: folder.path().join("kafka"),
        cache: folders::cache()?,
        port: None,
    };
    let kafka = Kafka::launch(&options, &Report::silent())?;
    let link = KafkaLink::to(&kafka.bootstrap());
    topics::ensure(&link, Partitions::SMALL).await?;
    let admin: AdminClient<DefaultClientContext> = link.client("admin")?.create()?;
    let topic = NewTopic::new("cdr", 1, TopicReplication::Fixed(1)).set("retention.ms", "-1");
    admin.create_topics([&topic], &AdminOptions::new()).await?;
    let producer: BaseProducer = link
        .client("carrier")?
        .set("compression.type", "lz4")
        .create()?;
    for number in 0..records {
        let payload = record(number);
        let at_ms = MORNING_MS + i64::try_from(number)?;
        let mut record = BaseRecord::<(), str>::to("cdr")
            .partition(0)
            .timestamp(at_ms)
            .payload(&payload);
        while let Err((error, back)) = producer.send(record) {
            assert_eq!(
                error,
                KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)
            );
            producer.poll(Duration::from_millis(10));
            record = back;
        }
    }
    producer.flush(Duration::from_secs(60))?;

    let key_file = folder.path().join("key");
    key::create(&key_file, [7; 16])?;
    let config = Config {
        kafka: link.clone(),
        carrier_kafka: None,
        partitions: Partitions::SMALL,
        key_file,
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        feeds: vec![Feed {
            id: FeedId::parse("pgw")?,
            topic: "cdr".into(),
            played: true,
            epoch: 0,
            start: Start::Earliest,
        }],
    };
    let stop = Stop::new();
    let task = tokio::spawn(hissa_ingest::run(config, stop.clone()));
    // The first position stored ends the warm-up.
    let warm = loop {
        assert!(!task.is_finished(), "ingest ended: {:?}", task.await);
        if let Some(stored) = stored(&link).filter(|stored| stored.position > 0) {
            break stored.position;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    let mut position = warm;
    while position < records {
        assert!(!task.is_finished(), "ingest ended: {:?}", task.await);
        tokio::time::sleep(Duration::from_millis(50)).await;
        position = stored(&link).map_or(position, |stored| stored.position);
    }
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let rows = records - warm;
    println!(
        "{rows} rows in {seconds:.2} s: {:.0} rows/s",
        rows as f64 / seconds
    );
    println!(
        "{:.2} CPU seconds of ingest per million rows",
        cpu / rows as f64 * 1e6
    );
    stop.request();
    task.await??;
    kafka.stop()?;
    Ok(())
}
