//! The service on a real Kafka: every alert change arrives once by its id, whatever happens to receiver and service.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use hissa_core::alert::{AlertChange, Change, Conflict, Quota, Subject, Tablet};
use hissa_core::sim::{FeedId, Partitions, SimId};
use hissa_links::kafka::KafkaLink;
use hissa_links::stop::Stop;
use hissa_links::topics::{self, ALERTS, DIRECTORY};
use hissa_notify::config::WebhookConfig;
use hissa_notify::receiver::{Answer, Receiver, Tally};
use hissa_notify::webhook::create_secret;
use hissa_notify::{Config, run};
use hissa_stack::kafka::{Kafka, KafkaOptions};
use hissa_stack::{Report, folders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio::task::JoinHandle;

const SIMS: u8 = 60;
const PARTITIONS: Partitions = Partitions::SMALL;

fn change(sim: u8, what: Change, revision: u32) -> AlertChange {
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
            resets_at_ms: 1_772_323_200_000,
            resets_on: "2026-03-01".parse().unwrap(),
            runs_out_on: None,
            state: "throttle".into(),
        }),
    }
}

/// A change of an alert about a feed, of a partition.
fn conflict(what: Change, revision: u32) -> AlertChange {
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

struct Scene {
    _kafka: Kafka,
    producer: FutureProducer,
    receiver: Receiver,
    config: Config,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn set() -> Scene {
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

    fn start(&self) -> Service {
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

    async fn enter(&self, change: &AlertChange) {
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

    async fn tag(&self, sim: u8, tag: &str) {
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
struct Service {
    listen: SocketAddr,
    stop: Stop,
    task: JoinHandle<anyhow::Result<()>>,
    receiver: Receiver,
}

impl Service {
    /// Waits until what came is as wished, or the service ends.
    async fn brings(&mut self, wished: impl FnMut(&Tally) -> bool) -> Tally {
        tokio::select! {
            tally = self.receiver.until(wished) => tally,
            ended = &mut self.task => panic!("the service ended: {ended:?}"),
        }
    }

    /// Waits until the metrics count so many of a result.
    async fn counts(&self, result: &str, least: u64) {
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

    async fn stops(self) {
        self.stop.request();
        self.task.await.unwrap().unwrap();
    }
}

fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_arrives_once_by_its_id() {
    let scene = Scene::set().await;
    scene.tag(1, "T-0001").await;
    for sim in 0..SIMS {
        scene.enter(&change(sim, Change::Fire, 1)).await;
    }

    // The receiver is ill at first; what it turned away comes when it is well.
    scene.receiver.answer(Answer::TurnAway {
        status: 500,
        retry_after_seconds: None,
    });
    let mut service = scene.start();
    service.brings(|tally| tally.turned_away >= 30).await;
    scene.receiver.answer(Answer::Take);
    let tally = service.brings(|tally| tally.fired == u64::from(SIMS)).await;
    assert_eq!(tally.repeated, 0);
    service.stops().await;

    // A second life: everything that was delivered is known, an owner that was paused repeats itself, and says `fire`
    // behind the `resolve`.
    for sim in 0..SIMS {
        scene.enter(&change(sim, Change::Fire, 1)).await;
        scene.enter(&change(sim, Change::Resolve, 2)).await;
        scene.enter(&change(sim, Change::Fire, 1)).await;
    }
    scene.tag(2, "T-0002").await;
    let mut service = scene.start();
    let tally = service
        .brings(|tally| tally.resolved == u64::from(SIMS))
        .await;
    assert_eq!((tally.fired, tally.repeated), (u64::from(SIMS), 0));
    // A change behind all the others says that they were read.
    scene.enter(&change(SIMS, Change::Fire, 1)).await;
    service
        .brings(|tally| tally.fired == u64::from(SIMS) + 1)
        .await;
    service.counts("outdated", 2 * u64::from(SIMS)).await;
    service.stops().await;
    let tally = scene.receiver.tally();
    assert_eq!(
        (tally.fired, tally.resolved),
        (u64::from(SIMS) + 1, u64::from(SIMS))
    );
    assert_eq!((tally.repeated, tally.invalid), (0, 0));

    // What people read: a tag where one is known, never a pseudonym.
    let messages = scene.receiver.messages(0);
    let texts: Vec<&str> = messages
        .iter()
        .map(|m| m.body.data.text.fr.as_str())
        .collect();
    let starts = |start: &str| texts.iter().filter(|text| text.starts_with(start)).count();
    assert_eq!(
        (starts("Tablette T-0001 : "), starts("Tablette T-0002 : ")),
        (2, 1)
    );
    assert_eq!(starts("Une tablette sans étiquette : "), texts.len() - 3);
    for message in &messages {
        let all = format!("{message:?}");
        let pseudonym = |sim: u8| all.contains(&SimId([sim; 16]).to_string());
        assert!(!(0..=SIMS).any(pseudonym), "{all}");
    }
    // The fire of an alert came before its resolve.
    for (place, message) in messages.iter().enumerate() {
        let data = &message.body.data;
        let earlier = messages[..place].iter().any(|m| {
            m.body.data.alert_id == data.alert_id && m.body.data.revision + 1 == data.revision
        });
        assert!(data.revision == 1 || earlier, "{message:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_when_the_service_died_comes_under_the_same_id() {
    let scene = Scene::set().await;
    for sim in 0..SIMS {
        scene.enter(&change(sim, Change::Fire, 1)).await;
    }
    for _ in 0..3 {
        let mut service = scene.start();
        let before = scene.receiver.tally();
        let came = |tally: &Tally| tally.fired + tally.repeated > before.fired + before.repeated;
        service.brings(came).await;
        // As if killed: nothing is drained, and nothing more is committed.
        service.task.abort();
        let _ = service.task.await;
    }
    let mut service = scene.start();
    let tally = service.brings(|tally| tally.fired == u64::from(SIMS)).await;
    assert_eq!((tally.resolved, tally.invalid), (0, 0));
    service.stops().await;
    assert_eq!(scene.receiver.messages(0).len(), usize::from(SIMS));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_refused_is_set_aside_and_the_others_arrive() {
    let scene = Scene::set().await;
    scene.receiver.answer(Answer::TurnAway {
        status: 410,
        retry_after_seconds: None,
    });
    scene.enter(&change(1, Change::Fire, 1)).await;
    let mut service = scene.start();
    service.brings(|tally| tally.turned_away == 1).await;
    service.counts("refused", 1).await;
    scene.receiver.answer(Answer::Take);
    scene.enter(&change(1, Change::Resolve, 2)).await;
    scene.enter(&change(2, Change::Fire, 1)).await;
    let all = |tally: &Tally| tally.fired == 1 && tally.resolved == 1;
    service.brings(all).await;
    service.stops().await;
    assert_eq!(scene.receiver.tally().turned_away, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_delivered_and_one_that_is_outdated_is_not() {
    let scene = Scene::set().await;
    scene.enter(&conflict(Change::Fire, 1)).await;
    scene.enter(&conflict(Change::Update, 2)).await;
    // An owner that was paused repeats itself.
    scene.enter(&conflict(Change::Fire, 1)).await;
    scene.enter(&conflict(Change::Update, 2)).await;
    scene.enter(&conflict(Change::Update, 3)).await;
    let mut service = scene.start();
    let tally = service.brings(|tally| tally.updated == 2).await;
    assert_eq!((tally.fired, tally.resolved, tally.repeated), (1, 0, 0));
    service.stops().await;
    let messages = scene.receiver.messages(0);
    let said: Vec<(u32, &str)> = messages
        .iter()
        .map(|m| (m.body.data.revision, m.body.data.text.fr.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (
                1,
                "1 enregistrement du flux pgw-1 : même identité, contenu différent ; mis de côté, non compté."
            ),
            (
                2,
                "2 enregistrements du flux pgw-1 : même identité, contenu différent ; mis de côté, non comptés."
            ),
            (
                3,
                "3 enregistrements du flux pgw-1 : même identité, contenu différent ; mis de côté, non comptés."
            ),
        ]
    );
    let id = &messages[0].body.data.alert_id;
    assert!(messages.iter().all(|m| m.body.data.alert_id == *id));
}
