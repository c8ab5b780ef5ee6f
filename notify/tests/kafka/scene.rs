//! A Kafka with alerts and a directory in it, a receiver, and a service that can be started and stopped.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use hissa_core::alert::{AlertChange, Change, Conflict, Quota, Subject, Tablet};
use hissa_core::sim::{FeedId, Partitions, SimId};
use hissa_links::kafka::KafkaLink;
use hissa_links::stop::Stop;
use hissa_links::topics::{self, ALERTS, DIRECTORY};
use hissa_notify::config::WebhookConfig;
use hissa_notify::receiver::{Receiver, Tally};
use hissa_notify::webhook::create_secret;
use hissa_notify::{Config, run};
use hissa_stack::kafka::{Kafka, KafkaOptions};
use hissa_stack::{Report, folders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio::task::JoinHandle;

const PARTITIONS: Partitions = Partitions::SMALL;

/// A change of a SIM's alert.
pub fn change(sim: u8, what: Change, revision: u32) -> AlertChange {
    let sim = SimId([sim; 16]);
    AlertChange {
        generation: 1,
        partition: sim.partition(PARTITIONS),
        id: format!("SimExhausted/{sim}/2026-02-01"),
        revision,
        change: what,
        at_ms: 1_771_000_000_000,
        on: "2026-02-13".parse().unwrap(),
        offset: 1,
        policy_version: "p1".into(),
        catalogue_version: "c1".into(),
        rule: String::new(),
        cause: None,
        subject: Subject::SimExhausted(Quota {
            tablet: Tablet {
                sim,
                cohort: "pilote-rural".into(),
                school: "ecole".into(),
            },
            allowance: "education".into(),
            cycle: "2026-02-01".parse().unwrap(),
            limit_bytes: 20_000_000_000,
            granted_bytes: 0,
            used_bytes: 20_000_000_100,
            resets_at_ms: Some(1_772_323_200_000),
            resets_on: "2026-03-01".parse().ok(),
            runs_out_on: None,
            state: "throttle".into(),
        }),
    }
}

/// A change of an alert about a feed, of a partition.
pub fn conflict(what: Change, revision: u32) -> AlertChange {
    AlertChange {
        id: "RecordConflict/pgw-1/0/1771000000000".into(),
        partition: 0,
        subject: Subject::RecordConflict(Conflict {
            feed: FeedId::parse("pgw-1").unwrap(),
            hour_at_ms: 1_771_000_000_000,
            records: revision.into(),
        }),
        ..change(0, what, revision)
    }
}

pub struct Scene {
    _kafka: Kafka,
    producer: FutureProducer,
    pub receiver: Receiver,
    config: Config,
    _folder: tempfile::TempDir,
}

impl Scene {
    pub async fn set() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let options = KafkaOptions {
            folder: folder.path().join("kafka"),
            cache: folders::cache().unwrap(),
            port: None,
        };
        let report = Report::to(|progress| eprintln!("{progress}"));
        let kafka = tokio::task::spawn_blocking(move || Kafka::launch(&options, &report));
        let kafka = kafka.await.unwrap().unwrap();
        let link = KafkaLink::to(&kafka.bootstrap());
        topics::ensure(&link, PARTITIONS).await.unwrap();
        let secret = folder.path().join("secret");
        create_secret(&secret).unwrap();
        let receiver = Receiver::start(([127, 0, 0, 1], 0).into(), &secret, Stop::new())
            .await
            .unwrap();
        let mut webhook = WebhookConfig::to(receiver.url(), secret);
        (webhook.retry_first_ms, webhook.retry_most_ms) = (20, 200);
        Scene {
            producer: link.gapless("test").unwrap().create().unwrap(),
            config: Config {
                kafka: link,
                listen: ([127, 0, 0, 1], 0).into(),
                group: "hissa-notify".into(),
                webhook,
                link: "https://hissa.example/alertes/{alert}".into(),
            },
            receiver,
            _kafka: kafka,
            _folder: folder,
        }
    }

    pub fn start(&self) -> Service {
        let (stop, config) = (
            Stop::new(),
            Config {
                listen: free_port(),
                ..self.config.clone()
            },
        );
        Service {
            listen: config.listen,
            stop: stop.clone(),
            task: tokio::spawn(run(config, stop)),
            receiver: self.receiver.clone(),
        }
    }

    pub async fn enter(&self, change: &AlertChange) {
        let payload = serde_json::to_string(change).unwrap();
        let record = FutureRecord::to(ALERTS)
            .partition(change.partition.into())
            .key(&change.id)
            .payload(&payload);
        self.producer
            .send(record, Duration::from_secs(10))
            .await
            .unwrap();
    }

    pub async fn tag(&self, sim: u8, tag: &str) {
        let key = format!("sim/{}", SimId([sim; 16]));
        let payload = format!(r#"{{"asset_tag":"{tag}","school_name_fr":"École (fictif)"}}"#);
        let record = FutureRecord::to(DIRECTORY).key(&key).payload(&payload);
        self.producer
            .send(record, Duration::from_secs(10))
            .await
            .unwrap();
    }
}

/// A service that runs.
pub struct Service {
    listen: SocketAddr,
    stop: Stop,
    pub task: JoinHandle<anyhow::Result<()>>,
    pub receiver: Receiver,
}

impl Service {
    /// Waits until what came is as wished, or the service ends.
    pub async fn brings(&mut self, wished: impl FnMut(&Tally) -> bool) -> Tally {
        tokio::select! {
            tally = self.receiver.until(wished) => tally,
            ended = &mut self.task => panic!("the service ended: {ended:?}"),
        }
    }

    /// Waits until the metrics count so many of a result.
    pub async fn counts(&self, result: &str, least: u64) {
        let url = format!("http://{}/metrics", self.listen);
        let name = format!(
            r#"hissa_notifications_total{{alert="SimExhausted",channel="webhook",result="{result}"}} "#
        );
        loop {
            let text = reqwest::get(&url).await.unwrap().text().await.unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix(&name));
            if line.unwrap().parse::<u64>().unwrap() >= least {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn stops(self) {
        self.stop.request();
        self.task.await.unwrap().unwrap();
    }
}

fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
