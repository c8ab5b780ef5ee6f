//! Ingest as a task of the test.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::sim::{FeedId, Partitions};
use hissa_core::usage::Source;
use hissa_ingest::Config;
use hissa_ingest::config::{Feed, Start};
use hissa_ingest::position::{self, Stored};
use hissa_links::stop::Stop;
use hissa_links::{key, topics, whole};
use rdkafka::message::Message as _;
use tokio::task::JoinHandle;

use crate::carrier::{Carrier, PATIENCE};

const KEY: [u8; 16] = [7; 16];

pub fn pseudonyms() -> Pseudonymizer {
    Pseudonymizer::new(KEY)
}

/// What ingest is told in these tests.
pub fn config(carrier: &Carrier, feed: Feed) -> Config {
    let key_file = carrier.folder.path().join("key");
    if !key_file.exists() {
        key::create(&key_file, KEY).unwrap();
    }
    Config {
        kafka: carrier.link.clone(),
        carrier_kafka: None,
        partitions: Partitions::SMALL,
        key_file,
        listen: SocketAddr::from(([127, 0, 0, 1], hissa_stack::ports::free().unwrap())),
        feeds: vec![feed],
    }
}

pub fn feed(topic: &str, played: bool) -> Feed {
    Feed {
        id: FeedId::parse("pgw").unwrap(),
        topic: topic.into(),
        played,
        epoch: 0,
        start: Start::Earliest,
    }
}

pub fn source(partition: u32) -> Source {
    Source {
        feed: FeedId::parse("pgw").unwrap(),
        epoch: 0,
        partition,
    }
}

/// A running ingest.
pub struct Service {
    pub stop: Stop,
    pub task: JoinHandle<anyhow::Result<()>>,
    pub listen: SocketAddr,
}

impl Service {
    pub fn start(config: Config) -> Service {
        let stop = Stop::new();
        let listen = config.listen;
        let task = tokio::spawn(hissa_ingest::run(config, stop.clone()));
        Service { stop, task, listen }
    }

    /// Waits until something is so; fails with ingest's own error where it ends before.
    pub async fn until(&mut self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = std::time::Instant::now();
        while !tokio::task::block_in_place(&mut is_so) {
            if self.task.is_finished() {
                panic!("ingest ended before {what}: {:?}", (&mut self.task).await);
            }
            assert!(begun.elapsed() < PATIENCE, "waiting for {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop(self) {
        self.stop.request();
        self.task.await.unwrap().unwrap();
    }

    /// Waits until it ends by itself; its error.
    pub async fn ends(self) -> String {
        let ended = tokio::time::timeout(PATIENCE, self.task).await.unwrap();
        ended.unwrap().unwrap_err().to_string()
    }

    /// Ends it without a chance to finish anything.
    pub async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.is_err_and(|error| error.is_cancelled()));
    }
}

/// The answer of its port.
pub fn get(listen: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(listen).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: ingest\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// What is stored of every source.
pub fn stored(carrier: &Carrier) -> BTreeMap<Source, Stored> {
    let mut stored = BTreeMap::new();
    whole::read(&carrier.link, "test", topics::INGEST, |message| {
        let key = std::str::from_utf8(message.key().unwrap()).unwrap();
        let value = serde_json::from_slice(message.payload().unwrap()).unwrap();
        stored.insert(position::source(key).unwrap(), value);
    })
    .unwrap();
    stored
}

/// Whether a played feed is over.
pub fn is_finished(carrier: &Carrier) -> bool {
    stored(carrier)
        .get(&source(0))
        .is_some_and(|stored| stored.finished)
}
