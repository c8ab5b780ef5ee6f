//! The service: one loop that reads, delivers, and commits.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use hissa_links::health::{Health, Part};
use hissa_links::http;
use hissa_links::stop::Stop;
use hissa_links::topics::{ALERTS, DIRECTORY};
use rdkafka::consumer::CommitMode;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use crate::Config;
use crate::desk::{Delivery, Desk, News};
use crate::directory::Directory;
use crate::ends::Ends;
use crate::log::{AlertLog, Entry, Rebalance};
use crate::message::Writer;
use crate::metrics::{Metrics, Outcome};
use crate::webhook::{Verdict, Webhook};

/// How long Kafka may take to answer at the start.
const KAFKA_ANSWERS: Duration = Duration::from_secs(15);
/// How often offsets are committed, and the age of the oldest change is looked at.
const TICK: Duration = Duration::from_millis(250);
/// With more changes open, nothing is fetched until half of them are done.
const OPEN_MAX: usize = 1_000;
/// How long deliveries under way are waited for when the service stops; what is cut off is sent again at the start.
const DRAIN: Duration = Duration::from_secs(5);

/// Runs the service until asked to stop.
///
/// # Errors
/// The configuration or the secret is not usable, a port is taken, Kafka does not answer at the start, or the log holds
/// what this version cannot read. A receiver that does not answer is no error.
pub async fn run(config: Config, stop: Stop) -> anyhow::Result<()> {
    let faults = config.faults();
    if !faults.is_empty() {
        let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
        bail!("{}", lines.join("\n"));
    }
    let registry = prometheus::Registry::new();
    let post = Post {
        webhook: Webhook::new(&config.webhook)?,
        writer: Writer::new(&config.link).context("reading the texts")?,
        metrics: Metrics::new(&registry)?,
    };
    let health = Health::new();
    let (directory_part, alerts_part) = (health.part("directory"), health.part("alerts"));
    let address = http::serve(config.listen, registry, health, stop.clone()).await?;
    tracing::info!(%address, "notify serves /metrics, /livez and /readyz");
    config
        .kafka
        .answers("starting notify", KAFKA_ANSWERS)
        .await?;

    let ends = Ends::new(&config.kafka)?;
    // The topics may be created by a service that starts later.
    tokio::select! {
        () = stop.wait() => return Ok(()),
        () = topics_exist(&ends, &directory_part) => {}
    }
    directory_part.waiting("reading to its end");
    let directory = tokio::select! {
        () = stop.wait() => return Ok(()),
        directory = Directory::open(&config.kafka, ends.clone(), stop.clone()) => directory?,
    };
    directory_part.ready();
    let (log, rebalances) = AlertLog::open(&config.kafka, &config.group)?;
    alerts_part.waiting("joining the group");
    let round = Round {
        log,
        desk: Desk::new(config.webhook.concurrency_max),
        post: Arc::new(post),
        directory,
        ends,
        deliveries: JoinSet::new(),
        part: alerts_part,
        fetching: true,
    };
    round.go(rebalances, stop).await
}

async fn topics_exist(ends: &Ends, part: &Part) {
    for topic in [DIRECTORY, ALERTS] {
        part.waiting(format!("topic {topic} does not exist yet"));
        while !ends.exists(topic).await {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

/// What deliveries share.
struct Post {
    webhook: Webhook,
    writer: Writer,
    metrics: Metrics,
}

struct Round {
    log: AlertLog,
    desk: Desk,
    post: Arc<Post>,
    directory: Directory,
    ends: Ends,
    deliveries: JoinSet<anyhow::Result<Delivery>>,
    part: Part,
    fetching: bool,
}

impl Round {
    async fn go(
        mut self,
        mut rebalances: UnboundedReceiver<Rebalance>,
        stop: Stop,
    ) -> anyhow::Result<()> {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                () = stop.wait() => break,
                Some(rebalance) = rebalances.recv() => self.rebalance(rebalance).await?,
                entry = self.log.next() => {
                    // The very poll that brought the entry may have brought its partition.
                    while let Ok(rebalance) = rebalances.try_recv() {
                        self.rebalance(rebalance).await?;
                    }
                    if let Some(entry) = entry? {
                        self.take(entry);
                    }
                }
                Some(done) = self.deliveries.join_next() => self.desk.finish(&done??),
                _ = tick.tick() => self.look(CommitMode::Async),
            }
            self.set_out();
            self.balance();
        }
        self.drain().await
    }

    async fn rebalance(&mut self, rebalance: Rebalance) -> anyhow::Result<()> {
        match rebalance {
            Rebalance::Assigned(partitions) => {
                for (partition, committed) in self.log.committed(&partitions, &self.ends).await? {
                    self.desk.assign(partition, committed);
                }
                // An assignment begins with everything fetched.
                self.fetching = true;
                self.part.ready();
                tracing::info!(partitions = partitions.len(), "reading {ALERTS}");
            }
            Rebalance::Revoked(partitions) => {
                for partition in partitions {
                    self.desk.revoke(partition);
                }
                self.part.waiting("for the group to assign partitions");
            }
        }
        Ok(())
    }

    fn take(&mut self, entry: Entry) {
        let kind = entry.change.subject.kind();
        let news = self.desk.read(
            entry.partition,
            entry.offset,
            entry.appended_at_ms,
            entry.change,
        );
        if news == News::Outdated {
            self.post.metrics.count(kind, Outcome::Outdated);
        }
    }

    /// Starts what may go.
    fn set_out(&mut self) {
        while let Some(delivery) = self.desk.start() {
            let (post, directory) = (Arc::clone(&self.post), self.directory.clone());
            self.deliveries.spawn(async move {
                post.deliver(&delivery, &directory).await?;
                Ok(delivery)
            });
        }
    }

    /// Fetches no more than can be kept.
    fn balance(&mut self) {
        let open = self.desk.open();
        let fetch = if self.fetching {
            open < OPEN_MAX
        } else {
            open < OPEN_MAX / 2
        };
        if fetch != self.fetching {
            self.log.fetch(fetch);
            self.fetching = fetch;
        }
    }

    fn look(&mut self, mode: CommitMode) {
        let advanced = self.desk.commit();
        if !advanced.is_empty() {
            self.log.commit(&advanced, mode);
        }
        let age_ms = self.desk.oldest_ms().map(|oldest| now_ms() - oldest);
        self.post.metrics.oldest(age_ms);
    }

    async fn drain(mut self) -> anyhow::Result<()> {
        let under_way = async {
            while let Some(done) = self.deliveries.join_next().await {
                self.desk.finish(&done??);
            }
            Ok(())
        };
        let drained = tokio::time::timeout(DRAIN, under_way).await;
        self.deliveries.abort_all();
        self.look(CommitMode::Sync);
        let left = self.desk.open();
        if left > 0 {
            tracing::warn!(
                left,
                "stopped with alert changes that are not delivered; the next start sends them"
            );
        }
        drained.unwrap_or(Ok(()))
    }
}

impl Post {
    async fn deliver(&self, delivery: &Delivery, directory: &Directory) -> anyhow::Result<()> {
        let change = &delivery.change;
        let kind = change.subject.kind();
        let entry = match change.subject.tablet() {
            Some(tablet) => directory.entry(tablet.sim).await,
            None => None,
        };
        let message = self.writer.write(change, entry.as_ref())?;
        let failed = |_: &_| self.metrics.count(kind, Outcome::Failed);
        match self.webhook.deliver(&message, failed).await {
            Verdict::Taken => self.metrics.count(kind, Outcome::Delivered),
            Verdict::Refused(status) => {
                self.metrics.count(kind, Outcome::Refused);
                tracing::error!(
                    alert = kind.as_str(),
                    id = message.id,
                    status,
                    "the receiver refused a message for good; it is set aside"
                );
            }
        }
        Ok(())
    }
}

fn now_ms() -> i64 {
    // A clock before 1970 makes every age 0, and nothing else of it.
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
