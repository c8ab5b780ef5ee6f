//! The carrier's side, and the operator's: topics, records, commands.

use std::time::Duration;

use hissa_core::registry::{Command, Enrolment, Entered, Place};
use hissa_core::sim::{Partitions, SimId};
use hissa_links::kafka::KafkaLink;
use hissa_links::topics;
use hissa_stack::kafka::{Kafka, KafkaOptions};
use hissa_stack::{Report, folders};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

pub const PATIENCE: Duration = Duration::from_secs(60);
/// 2026-02-10T08:00:00Z.
pub const MORNING_MS: i64 = 1_770_710_400_000;

/// A broker of one's own, and the folder that it lives in.
pub struct Carrier {
    pub kafka: Kafka,
    pub link: KafkaLink,
    pub folder: tempfile::TempDir,
    producer: BaseProducer,
}

impl Carrier {
    /// With the topics of Hissa.
    pub async fn start() -> Carrier {
        let folder = tempfile::tempdir().unwrap();
        let options = KafkaOptions {
            folder: folder.path().join("kafka"),
            cache: folders::cache().unwrap(),
            port: None,
        };
        let kafka = Kafka::launch(&options, &Report::silent()).unwrap();
        let link = KafkaLink::to(&kafka.bootstrap());
        topics::ensure(&link, Partitions::SMALL).await.unwrap();
        let mut config = link.client("carrier").unwrap();
        config.set("message.max.bytes", "10000000");
        let producer = config.create().unwrap();
        Carrier {
            kafka,
            link,
            folder,
            producer,
        }
    }

    /// Kills the broker (`kill -9`) and starts it again in the same place.
    pub fn killed_and_back(self) -> Carrier {
        let options = KafkaOptions {
            folder: self.folder.path().join("kafka"),
            cache: folders::cache().unwrap(),
            port: Some(self.kafka.port()),
        };
        self.kafka.kill().unwrap();
        let kafka = Kafka::launch(&options, &Report::silent()).unwrap();
        Carrier { kafka, ..self }
    }

    /// Makes a topic as a carrier does: stamps of the writer, messages of up to 10 MB, kept however old.
    pub async fn make_topic(&self, name: &str, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> =
            self.link.client("admin").unwrap().create().unwrap();
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1))
            .set("message.timestamp.type", "CreateTime")
            .set("max.message.bytes", "10000000")
            .set("retention.ms", "-1");
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        let made = admin.create_topics([&topic], &options).await.unwrap();
        assert_eq!(made, [Ok(name.to_owned())]);
    }

    pub async fn delete_topic(&self, name: &str) {
        let admin: AdminClient<DefaultClientContext> =
            self.link.client("admin").unwrap().create().unwrap();
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        admin.delete_topics(&[name], &options).await.unwrap();
    }

    pub fn deliver(&self, topic: &str, partition: i32, delivered_at_ms: i64, payload: &[u8]) {
        let mut record = BaseRecord::<(), [u8]>::to(topic)
            .partition(partition)
            .timestamp(delivered_at_ms)
            .payload(payload);
        while let Err((error, back)) = self.producer.send(record) {
            let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
            assert_eq!(error, full);
            self.producer.poll(Duration::from_millis(10));
            record = back;
        }
    }

    pub fn enter(&self, entered_at_ms: i64, command: Command) {
        let entered = Entered {
            entered_at_ms,
            command,
        };
        let payload = serde_json::to_vec(&entered).unwrap();
        self.deliver(topics::REGISTRY, 0, entered_at_ms, &payload);
    }

    pub fn flush(&self) {
        self.producer.flush(PATIENCE).unwrap();
    }
}

/// The IMSI of a test's SIM.
pub fn imsi(sim: u64) -> String {
    format!("00101{sim:010}")
}

/// A record with one container; everything in it follows from its number.
pub fn record(number: u64, sim: u64) -> String {
    let minute = number % 60;
    format!(
        r#"{{"node":"pgw-{}","charging_id":{number},"record_sequence":1,"opened_at":"2026-02-10T07:{minute:02}:00Z","imsi":"{}","imei":"3520991200041207","rat":"4G","serving_plmn":"00101","containers":[{{"rating_group":4101,"service_id":11,"sequence":1,"first_usage_at":"2026-02-10T07:{minute:02}:04Z","last_usage_at":"2026-02-10T07:{minute:02}:59Z","uplink_bytes":{number},"downlink_bytes":8801200}}]}}"#,
        number % 3,
        imsi(sim),
    )
}

pub fn enrolment(sim: SimId) -> Command {
    Command::Enrol(Enrolment {
        sim,
        device: None,
        device_tac: 0,
        cohort: "pilote".into(),
        valid_from: jiff::civil::date(2026, 2, 1),
        valid_until: None,
        place: Place::default(),
    })
}
