//! The services: `up`, `ingest`, `aggregate`, `notify`. Configuration is read and checked before anything is opened.

use std::path::Path;

use hissa_links::stop::Stop;
use hissa_links::topics;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::args::Command;
use crate::config::deployment::Deployment;
use crate::config::feed::{FeedConfig, Start};
use crate::config::load::{self, ConfigError};
use crate::console::Console;
use crate::exit::Exit;

/// A service of Hissa.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Ingest,
    Aggregate,
    Notify,
}

/// The services that a command asks for; none for other commands.
pub fn of(command: &Command) -> Option<&'static [Service]> {
    match command {
        Command::Up => Some(&[Service::Ingest, Service::Aggregate, Service::Notify]),
        Command::Ingest => Some(&[Service::Ingest]),
        Command::Aggregate => Some(&[Service::Aggregate]),
        Command::Notify => Some(&[Service::Notify]),
        _ => None,
    }
}

/// What a service is started with.
enum Prepared {
    Ingest(hissa_ingest::Config),
    Aggregate(hissa_aggregator::Config),
    Notify(hissa_notify::Config),
}

/// Runs them until SIGINT or SIGTERM, or until one of them fails.
///
/// # Errors
/// The configuration is not usable, or a service failed: the first one's reason.
pub async fn run(
    services: &[Service],
    config: Option<&Path>,
    console: &Console,
) -> anyhow::Result<Exit> {
    let deployment = load::deployment(config)?;
    let mut prepared = Vec::new();
    for service in services {
        // Together with the others, a notify without a receiver is left out rather than in the way.
        if services.len() > 1 && *service == Service::Notify && deployment.notify.webhook.is_none()
        {
            console
                .remark("no [notify] webhook: alerts wait in hissa.alerts, and nobody gets them");
            continue;
        }
        prepared.push(prepare(*service, &deployment)?);
    }
    let stop = Stop::on_signals()?;
    topics::ensure(&deployment.kafka, deployment.partitions).await?;
    let mut running = JoinSet::new();
    for service in prepared {
        // A thread each: what keeps one busy does not keep another waiting.
        let (runtime, stop) = (Handle::current(), stop.clone());
        running.spawn_blocking(move || runtime.block_on(start(service, stop)));
    }
    let mut outcome = Ok(Exit::Fine);
    while let Some(ended) = running.join_next().await {
        // Whatever the reason: half a deployment is none.
        stop.request();
        let ended = ended.unwrap_or_else(|why| Err(why.into()));
        if outcome.is_ok() {
            outcome = ended.map(|()| Exit::Fine);
        }
    }
    outcome
}

fn prepare(service: Service, deployment: &Deployment) -> Result<Prepared, ConfigError> {
    match service {
        Service::Ingest => ingest(deployment).map(Prepared::Ingest),
        Service::Aggregate => Ok(Prepared::Aggregate(aggregator(deployment))),
        Service::Notify => notify(deployment).map(Prepared::Notify),
    }
}

async fn start(service: Prepared, stop: Stop) -> anyhow::Result<()> {
    match service {
        Prepared::Ingest(config) => hissa_ingest::run(config, stop).await,
        Prepared::Aggregate(config) => hissa_aggregator::run(config, stop).await,
        Prepared::Notify(config) => hissa_notify::run(config, stop).await,
    }
}

fn ingest(deployment: &Deployment) -> Result<hissa_ingest::Config, ConfigError> {
    let programme = load::programme(&deployment.programme)?;
    if programme.feeds.is_empty() {
        return Err(ConfigError::Incomplete(format!(
            "{} names no feed: add a [[feed]], or there is nothing to read",
            deployment.programme.display()
        )));
    }
    Ok(hissa_ingest::Config {
        kafka: deployment.kafka.clone(),
        carrier_kafka: Some(deployment.carrier.clone()),
        partitions: deployment.partitions,
        key_file: deployment.key_file.clone(),
        listen: deployment.ingest.listen,
        feeds: programme.feeds.iter().map(feed).collect(),
    })
}

fn feed(feed: &FeedConfig) -> hissa_ingest::config::Feed {
    hissa_ingest::config::Feed {
        id: feed.id,
        topic: feed.topic.clone(),
        played: feed.played,
        epoch: feed.epoch,
        start: match feed.start {
            Start::Earliest => hissa_ingest::config::Start::Earliest,
            Start::Latest => hissa_ingest::config::Start::Latest,
            Start::At(at_ms) => hissa_ingest::config::Start::At(at_ms),
        },
    }
}

fn aggregator(deployment: &Deployment) -> hissa_aggregator::Config {
    hissa_aggregator::Config {
        listen: deployment.aggregator.listen,
        partitions: deployment.partitions,
        generation: deployment.generation,
        snapshot_every_ms: deployment.aggregator.snapshot_every_ms,
        ..hissa_aggregator::Config::new(
            deployment.kafka.clone(),
            deployment.clickhouse.clone(),
            deployment.key_file.clone(),
            deployment.state_dir.join("snapshots"),
        )
    }
}

fn notify(deployment: &Deployment) -> Result<hissa_notify::Config, ConfigError> {
    let Some(webhook) = &deployment.notify.webhook else {
        return Err(ConfigError::Incomplete(
            "[notify] names no webhook: add `webhook = { url = \"https://…\", secret_file = \"…\" }` and `link`".into(),
        ));
    };
    Ok(hissa_notify::Config {
        kafka: deployment.kafka.clone(),
        listen: deployment.notify.listen,
        group: "hissa-notify".into(),
        webhook: hissa_notify::config::WebhookConfig::to(&webhook.url, &webhook.secret_file),
        link: deployment.notify.link.clone(),
    })
}
