//! A real Kafka and a real ClickHouse, with an aggregator that can be started, stopped and dropped.

// Each test file uses its own part of the house.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hissa_aggregator::Config;
use hissa_aggregator::worker::LogEntry;
use hissa_core::alert::AlertChange;
use hissa_core::decision::Decision;
use hissa_core::sim::Partitions;
use hissa_core::wire::{HEADER_ENTRY, HEADER_VERSION};
use hissa_links::clickhouse::ClickHouseLink;
use hissa_links::kafka::KafkaLink;
use hissa_links::stop::Stop;
use hissa_links::topics;
use hissa_stack::clickhouse::launch::{ClickHouse, ClickHouseOptions};
use hissa_stack::download::chdb;
use hissa_stack::kafka::{Kafka, KafkaOptions};
use hissa_stack::{Report, folders};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Header, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;

use crate::scene::KEY;

const PATIENCE: Duration = Duration::from_secs(90);

/// The machine is small: one house at a time.
static STREET: Mutex<()> = Mutex::const_new(());

/// Kafka, ClickHouse, a key, and folders.
pub struct House {
    _kafka: Kafka,
    clickhouse: Option<ClickHouse>,
    clickhouse_options: ClickHouseOptions,
    pub config: Config,
    folder: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

/// An aggregator that runs.
pub struct Running {
    stop: Stop,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Asks it to stop, and waits.
    pub async fn stop(self) {
        self.stop.request();
        self.task.await.unwrap().unwrap();
    }

    /// How it ended by itself.
    pub async fn end(self) -> anyhow::Result<()> {
        self.task.await.unwrap()
    }
}

impl House {
    pub async fn build(partitions: Partitions) -> House {
        hissa_links::logging::start(true);
        let alone = STREET.lock().await;
        let folder = tempfile::tempdir().unwrap();
        let cache = folders::cache().unwrap();
        let options = KafkaOptions {
            folder: folder.path().join("kafka"),
            cache: cache.clone(),
            port: None,
        };
        let kafka = Kafka::launch(&options, &Report::silent()).unwrap();
        let lib = ClickHouseOptions::library_override()
            .unwrap_or_else(|| chdb::fetch(&cache, &Report::silent()).unwrap());
        // The port must stay the same when ClickHouse is started again.
        let port = TcpListener::bind(("127.0.0.1", 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let clickhouse_options = ClickHouseOptions {
            data_dir: folder.path().join("clickhouse"),
            port: Some(port),
            lib,
            binary: ClickHouseOptions::beside_this_program().unwrap(),
            users: Vec::new(),
            memory_per_query_mib: None,
        };
        let clickhouse =
            ClickHouse::launch_blocking(&clickhouse_options, &Report::silent()).unwrap();
        let key_file = folder.path().join("key");
        hissa_links::key::create(&key_file, KEY).unwrap();
        let link = KafkaLink::to(&kafka.bootstrap());
        let clickhouse_link = ClickHouseLink {
            url: clickhouse.url().into(),
            user: "default".into(),
            password_file: None,
            database: "hissa".into(),
        };
        topics::ensure(&link, partitions).await.unwrap();
        let mut config = Config::new(
            link,
            clickhouse_link,
            key_file,
            folder.path().join("snapshots"),
        );
        config.partitions = partitions;
        config.flush_every_ms = 200;
        House {
            _kafka: kafka,
            clickhouse: Some(clickhouse),
            clickhouse_options,
            config,
            folder,
            _alone: alone,
        }
    }

    pub fn snapshots(&self) -> PathBuf {
        self.folder.path().join("snapshots")
    }

    pub fn start(&self) -> Running {
        self.start_with(self.config.clone())
    }

    pub fn start_with(&self, config: Config) -> Running {
        let stop = Stop::new();
        let task = tokio::spawn(hissa_aggregator::run(config, stop.clone()));
        Running { stop, task }
    }

    pub fn kill_clickhouse(&mut self) {
        self.clickhouse.take().unwrap().kill().unwrap();
    }

    pub fn start_clickhouse(&mut self) {
        let again = ClickHouse::launch_blocking(&self.clickhouse_options, &Report::silent());
        self.clickhouse = Some(again.unwrap());
    }

    pub fn client(&self) -> clickhouse::Client {
        self.config.clickhouse.client().unwrap()
    }

    /// Writes the entries into a partition of `hissa.usage`, as ingest would.
    pub fn publish(&self, partition: u16, entries: &[LogEntry]) {
        let config = self.config.kafka.gapless("test").unwrap();
        let producer: BaseProducer = config.create().unwrap();
        for entry in entries {
            let header = |key, value| Header {
                key,
                value: Some(value),
            };
            let headers = OwnedHeaders::new()
                .insert(header(HEADER_ENTRY, &entry.kind))
                .insert(header(HEADER_VERSION, &entry.version));
            let mut record = BaseRecord::<(), [u8], ()>::to(topics::USAGE)
                .partition(partition.into())
                .payload(&entry.payload)
                .headers(headers);
            while let Err((_, again)) = producer.send(record) {
                producer.poll(Duration::from_millis(10));
                record = again;
            }
        }
        producer.flush(PATIENCE).unwrap();
    }

    /// All values of a topic, partition by partition.
    fn read<T: serde::de::DeserializeOwned>(&self, topic: &str) -> Vec<T> {
        let config = self.config.kafka.consumer("test", None).unwrap();
        let consumer: BaseConsumer = config.create().unwrap();
        let mut values = Vec::new();
        for partition in self.config.partitions.numbers() {
            let (start, end) = consumer
                .fetch_watermarks(topic, partition.into(), PATIENCE)
                .unwrap();
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(topic, partition.into(), Offset::Offset(start))
                .unwrap();
            consumer.assign(&list).unwrap();
            let mut next = start;
            while next < end {
                let message = consumer.poll(PATIENCE).unwrap().unwrap();
                values.push(serde_json::from_slice(message.payload().unwrap()).unwrap());
                next = message.offset() + 1;
            }
        }
        values
    }

    /// All decisions ever sent, repetitions too, with the carrier's IMSI.
    pub fn decisions(&self) -> Vec<(Decision, String)> {
        #[derive(serde::Deserialize)]
        struct Order {
            #[serde(flatten)]
            decision: Decision,
            imsi: String,
        }
        let orders: Vec<Order> = self.read(topics::DECISIONS);
        orders
            .into_iter()
            .map(|order| (order.decision, order.imsi))
            .collect()
    }

    /// All changes of alerts ever sent, repetitions too.
    pub fn alerts(&self) -> Vec<AlertChange> {
        self.read(topics::ALERTS)
    }

    /// Waits until the rows of all partitions are written up to these offsets.
    pub async fn fresh(&self, offsets: &BTreeMap<u16, u64>) {
        let deadline = Instant::now() + PATIENCE;
        while !self.is_fresh(offsets).await {
            assert!(Instant::now() < deadline, "short of {offsets:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether the rows of all partitions are written up to these offsets.
    pub async fn is_fresh(&self, offsets: &BTreeMap<u16, u64>) -> bool {
        let found = self
            .client()
            .query("SELECT partition, max(`offset`) FROM hissa.freshness GROUP BY partition")
            .fetch_all::<(u16, u64)>()
            .await
            // Not there yet, or away.
            .unwrap_or_default();
        let found: BTreeMap<u16, u64> = found.into_iter().collect();
        offsets
            .iter()
            .all(|(partition, offset)| found.get(partition) >= Some(offset))
    }

    pub fn clickhouse_pid(&self) -> u32 {
        self.clickhouse.as_ref().map_or(0, ClickHouse::pid)
    }
}
