//! The aggregator as a service: everything is checked before a shard is opened, and ends in the reverse order.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::Context as _;
use hissa_core::shard::{LOGIC, ShardConfig};
use hissa_links::health::Health;
use hissa_links::stop::Stop;
use hissa_links::topics::{self, USAGE};
use hissa_links::{http, key};
use rdkafka::consumer::Consumer as _;

use crate::clickhouse::{Sink, migrate};
use crate::config::Config;
use crate::consume::{self, PollLoop, UsageConsumer};
use crate::emit::Emitter;
use crate::fatal::Fatal;
use crate::fleet::Fleet;
use crate::metrics::Metrics;
use crate::shards::{Crew, LogEnds, Tools};
use crate::snapshots::SnapshotStore;
use crate::worker::WorkerConfig;

/// How long Kafka may take to say where a log begins and ends.
const LOG_ENDS_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs until asked to stop, or until something fails that only a restart can mend.
///
/// # Errors
/// At the start: a [`LinkError`](hissa_links::LinkError) (key, port, Kafka or ClickHouse), or a schema that is newer
/// than this binary. Later: an undelivered decision, an offset that is not in the log, a consumer that failed. A shard
/// that halts, and rows that ClickHouse refuses, do not end the process: `/livez` and the log tell of them.
pub async fn run(config: Config, stop: Stop) -> anyhow::Result<()> {
    let metrics = Arc::new(Metrics::new().context("the metrics cannot be set up")?);
    let health = Health::new();
    let key = key::load(&config.key_file)?;
    let address = http::serve(
        config.listen,
        metrics.registry.clone(),
        health.clone(),
        stop.clone(),
    )
    .await?;
    let kafka_part = health.part("kafka");
    let clickhouse_part = health.part("clickhouse");
    topics::ensure(&config.kafka, config.partitions).await?;
    config.clickhouse.answers().await?;
    let clickhouse = config.clickhouse.client()?;
    let schema = migrate(&clickhouse).await?;
    tracing::info!(%address, schema, "the aggregator starts");

    let fatal = Fatal::default();
    let fleet = Fleet::new(metrics.clone(), health.part("shards"));
    let emitter = Emitter::new(&config.kafka, key, metrics.clone(), fatal.clone())?;
    let (sink, deliveries) = tokio::sync::mpsc::unbounded_channel();
    let sink_task =
        tokio::spawn(Sink::new(clickhouse, metrics.clone(), clickhouse_part).run(deliveries));
    let consumer = consume::consumer(&config.kafka, &config.group, fleet.clone(), fatal.clone())?;
    let (to_consumer, from_shards) = channel();
    let tools = Tools {
        worker: worker_config(&config),
        store: SnapshotStore::new(&config.snapshots, config.generation, LOGIC),
        log_ends: log_ends(consumer.clone()),
        emitter: emitter.clone(),
        sink,
        metrics,
        fleet: fleet.clone(),
        fatal: fatal.clone(),
        stop: stop.clone(),
        consumer: to_consumer,
    };
    let crew = Crew::start(threads(&config), &tools).context("no thread for the shards")?;
    drop(tools);
    let poll_loop = PollLoop {
        consumer,
        crew,
        from_shards,
        fleet,
        part: kafka_part,
        stop,
        fatal: fatal.clone(),
        drain_within: Duration::from_millis(config.drain_ms),
    };
    // The poll loop blocks: it has a thread of its own, whose end is the end of the service.
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("poll".into())
        .spawn(move || {
            poll_loop.run();
            // Nobody waits any more where the runtime was dropped.
            let _ = ended.send(());
        })
        .context("no thread for the consumer")?;
    if end.await.is_err() {
        fatal.report(anyhow::anyhow!("the poll thread ended in a panic"));
    }
    // What drained is written; what did not is written again after the next start.
    sink_task.abort();
    match fatal.reason() {
        Some(why) => Err(anyhow::anyhow!("{why:#}")),
        None if config.drain_ms == 0 => Ok(()),
        None => {
            tokio::task::spawn_blocking(move || {
                emitter.flush(Duration::from_millis(config.drain_ms));
            })
            .await?;
            Ok(())
        }
    }
}

fn worker_config(config: &Config) -> WorkerConfig {
    WorkerConfig {
        batch_rows: config.batch_rows.max(1),
        flush_every_ms: config.flush_every_ms,
        snapshot_every_ms: config.snapshot_every_ms,
        // Each shard thread sets the partition.
        ..WorkerConfig::new(ShardConfig::new(
            config.generation,
            0,
            config.partitions.count(),
        ))
    }
}

fn threads(config: &Config) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    config
        .threads
        .unwrap_or(cores)
        .min(usize::from(config.partitions.count()))
}

fn log_ends(consumer: Arc<UsageConsumer>) -> Arc<LogEnds> {
    Arc::new(move |partition| {
        let (start, end) = consumer.fetch_watermarks(USAGE, partition.into(), LOG_ENDS_TIMEOUT)?;
        // Kafka's offsets begin at 0.
        Ok((
            u64::try_from(start).unwrap_or(0),
            u64::try_from(end).unwrap_or(0),
        ))
    })
}
