//! Kafka as a child: it starts, it keeps what it acknowledged, it ends with us.

#![allow(clippy::print_stderr, clippy::unwrap_used)]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use hissa_stack::kafka::{Kafka, KafkaOptions, probe};
use hissa_stack::{Report, StackError, folders};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

const PATIENCE: Duration = Duration::from_secs(30);

fn options(folder: &Path) -> KafkaOptions {
    KafkaOptions {
        folder: folder.join("kafka"),
        cache: folders::cache().unwrap(),
        port: None,
    }
}

fn report() -> Report {
    Report::to(|progress| eprintln!("{progress}"))
}

fn client(kafka: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.bootstrap());
    config
}

fn make_topic(kafka: &Kafka, name: &str, settings: &[(&str, &str)]) {
    let admin: AdminClient<DefaultClientContext> = client(kafka).create().unwrap();
    let mut topic = NewTopic::new(name, 1, TopicReplication::Fixed(1));
    for (key, value) in settings {
        topic = topic.set(key, value);
    }
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    let made = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(admin.create_topics([&topic], &options))
        .unwrap();
    assert_eq!(made, [Ok(name.to_owned())]);
}

fn produce(kafka: &Kafka, topic: &str, payloads: impl IntoIterator<Item = Vec<u8>>) {
    let producer: BaseProducer = client(kafka)
        .set("enable.idempotence", "true")
        .set("message.max.bytes", "10000000")
        .create()
        .unwrap();
    for payload in payloads {
        producer
            .send(BaseRecord::<(), _>::to(topic).payload(&payload))
            .map_err(|(error, _)| error)
            .unwrap();
    }
    producer.flush(PATIENCE).unwrap();
}

/// Reads `count` messages of the topic from its beginning, as a group.
fn consume(kafka: &Kafka, topic: &str, count: usize) -> Vec<Vec<u8>> {
    let consumer: BaseConsumer = client(kafka)
        .set("group.id", "readers")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let mut read = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while read.len() < count {
        // `None` is also what a rebalance looks like from here.
        match consumer.poll(Duration::from_millis(100)) {
            Some(message) => read.push(message.unwrap().payload().unwrap().to_vec()),
            None => assert!(
                Instant::now() < deadline,
                "{} of {count} messages came",
                read.len()
            ),
        }
    }
    read
}

fn numbered(range: std::ops::Range<u32>) -> Vec<Vec<u8>> {
    range
        .map(|number| format!("message {number}").into_bytes())
        .collect()
}

#[test]
fn acknowledged_messages_survive_a_kill_and_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let kafka = Kafka::launch(&options, &report()).unwrap();
    make_topic(&kafka, "kept", &[("flush.messages", "1")]);
    produce(&kafka, "kept", numbered(0..100));
    assert_eq!(consume(&kafka, "kept", 100), numbered(0..100));

    kafka.kill().unwrap();
    let kafka = Kafka::launch(&options, &report()).unwrap();
    produce(&kafka, "kept", numbered(100..200));
    assert_eq!(consume(&kafka, "kept", 200), numbered(0..200));

    // In good order, and on the same port this time.
    let port = kafka.port();
    kafka.stop().unwrap();
    let kafka = Kafka::launch(
        &KafkaOptions {
            port: Some(port),
            ..options
        },
        &report(),
    )
    .unwrap();
    assert_eq!(kafka.port(), port);
    assert_eq!(consume(&kafka, "kept", 200), numbered(0..200));
    kafka.stop().unwrap();
}

#[test]
fn large_messages_from_several_producers_at_once_fit_the_small_heap() {
    const BYTES: usize = 5_000_000;
    let folder = tempfile::tempdir().unwrap();
    let mut kafka = Kafka::launch(&options(folder.path()), &report()).unwrap();
    make_topic(&kafka, "large", &[("max.message.bytes", "10485760")]);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| produce(&kafka, "large", (0..10).map(|fill| vec![fill; BYTES])));
        }
    });
    let read = consume(&kafka, "large", 40);
    assert!(read.iter().all(|payload| payload.len() == BYTES));
    kafka.check().unwrap();
    kafka.stop().unwrap();
}

#[test]
fn a_topic_nobody_made_is_an_error_and_not_a_new_topic() {
    let folder = tempfile::tempdir().unwrap();
    let kafka = Kafka::launch(&options(folder.path()), &report()).unwrap();
    let asker: BaseConsumer = client(&kafka).create().unwrap();
    for _ in 0..2 {
        let topics = asker.fetch_metadata(Some("misspelt"), PATIENCE).unwrap();
        assert!(topics.topics()[0].error().is_some());
    }
    kafka.stop().unwrap();
}

#[test]
fn a_port_in_use_is_said_in_one_sentence_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let other = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = other.local_addr().unwrap().port();
    let refused = Kafka::launch(
        &KafkaOptions {
            port: Some(port),
            ..options(folder.path())
        },
        &report(),
    )
    .unwrap_err();
    assert!(matches!(
        refused,
        StackError::PortInUse { what: "Kafka", .. }
    ));
    assert_eq!(
        refused.to_string(),
        format!(
            "Kafka cannot use port {port} of 127.0.0.1: another process listens there. \
             Stop it (`ss -ltnp 'sport = :{port}'` names it), or choose another port."
        )
    );
}

#[test]
fn a_broker_that_cannot_start_shows_the_end_of_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    Kafka::launch(&options, &report()).unwrap().stop().unwrap();
    let identity = options.folder.join("storage/meta.properties");
    fs::write(
        &identity,
        fs::read_to_string(&identity)
            .unwrap()
            .replace("node.id=1", "node.id=7"),
    )
    .unwrap();

    let died = Kafka::launch(&options, &report()).unwrap_err();
    assert!(
        matches!(died, StackError::Died { what: "Kafka", .. }),
        "{died}"
    );
    let said = died.to_string();
    assert!(
        said.contains("Stored node id 7 doesn't match previous node id 1"),
        "{said}"
    );
    assert!(said.contains("choose a new data folder"), "{said}");
}

#[test]
fn nobody_home_is_an_answer_too() {
    let said = probe::answers("127.0.0.1:9", Duration::from_millis(300)).unwrap_err();
    assert!(!said.is_empty());
}
