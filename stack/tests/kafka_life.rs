//! Kafka as a child: it starts, it keeps what it acknowledged, it ends with us.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hissa_stack::child::TiedChild;
use hissa_stack::kafka::{Kafka, KafkaOptions, probe};
use hissa_stack::{Progress, Report, StackError, folders};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

const PATIENCE: Duration = Duration::from_secs(30);

fn options(folder: &Path) -> KafkaOptions {
    KafkaOptions { folder: folder.join("kafka"), cache: folders::cache().unwrap(), port: None }
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
        producer.send(BaseRecord::<(), _>::to(topic).payload(&payload)).map_err(|(error, _)| error).unwrap();
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
    while read.len() < count {
        let message = consumer.poll(PATIENCE).expect("a message within the patience").unwrap();
        read.push(message.payload().unwrap().to_vec());
    }
    read
}

fn numbered(range: std::ops::Range<u32>) -> Vec<Vec<u8>> {
    range.map(|number| format!("message {number}").into_bytes()).collect()
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
    let kafka = Kafka::launch(&KafkaOptions { port: Some(port), ..options }, &report()).unwrap();
    assert_eq!(kafka.port(), port);
    assert_eq!(consume(&kafka, "kept", 200), numbered(0..200));
    kafka.stop().unwrap();
}
