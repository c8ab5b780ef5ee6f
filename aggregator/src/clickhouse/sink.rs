//! The one task that writes to ClickHouse: the rows of all shards share its inserts.
//!
//! It owns the rows until they are acknowledged, and sends the same bytes again when an insert fails: rows are absolute
//! and versioned, so that a second arrival changes nothing. It never loses a row, and never delays anything but itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use bytes::Bytes;
use clickhouse::Client;
use clickhouse::error::Error;
use hissa_links::health::Part;
use tokio::sync::mpsc::UnboundedReceiver;

use super::batch::{Batch, opening};
use super::fault::Fault;
use super::tables::Table;
use crate::metrics::Metrics;

/// A batch on its way. The channel has no bound of its own: each worker has few batches under way.
pub struct Delivery {
    pub partition: u16,
    pub batch: u64,
    pub rows: Batch,
    /// Where the answer goes.
    pub answer: Arc<dyn Fn(Answer) + Send + Sync>,
}

/// What became of the rows of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All batches up to this one are in ClickHouse.
    Written { partition: u16, batch: u64 },
    /// No row will be written any more.
    Refused { partition: u16, why: String },
}

/// Rows of a round, at the most (more only when one batch has more): some 50 MB.
const ROUND_ROWS: usize = 400_000;

/// Workers hand over their batches at the same instants; a round waits so long for all of them.
const LINGER: Duration = Duration::from_millis(40);

/// An insert that takes longer has failed, as far as we know.
const INSERT_TIMEOUT: Duration = Duration::from_secs(60);

/// The sink.
pub struct Sink {
    client: Client,
    metrics: Arc<Metrics>,
    part: Part,
}

impl Sink {
    /// A sink that reports its health to `part`.
    pub fn new(client: Client, metrics: Arc<Metrics>, part: Part) -> Sink {
        part.ready();
        Sink {
            client,
            metrics,
            part,
        }
    }

    /// Writes what comes, until nobody can send any more.
    pub async fn run(self, mut deliveries: UnboundedReceiver<Delivery>) {
        let mut refused = None;
        while let Some(first) = deliveries.recv().await {
            let round = self.gather(first, &mut deliveries).await;
            if refused.is_none() {
                refused = self.write(&round).await.err();
            }
            for delivery in &round {
                self.count(delivery, -1);
            }
            // A worker's batches are in order, so its last one speaks for all.
            let newest: BTreeMap<u16, &Delivery> = round
                .iter()
                .map(|delivery| (delivery.partition, delivery))
                .collect();
            for (partition, delivery) in newest {
                (delivery.answer)(match &refused {
                    None => Answer::Written {
                        partition,
                        batch: delivery.batch,
                    },
                    Some(why) => Answer::Refused {
                        partition,
                        why: why.clone(),
                    },
                });
            }
        }
    }

    async fn gather(
        &self,
        first: Delivery,
        deliveries: &mut UnboundedReceiver<Delivery>,
    ) -> Vec<Delivery> {
        let mut rows = first.rows.count();
        self.count(&first, 1);
        let mut round = vec![first];
        let until = tokio::time::Instant::now() + LINGER;
        while rows < ROUND_ROWS {
            match tokio::time::timeout_at(until, deliveries.recv()).await {
                Ok(Some(next)) => {
                    rows += next.rows.count();
                    self.count(&next, 1);
                    round.push(next);
                }
                Ok(None) | Err(_) => break,
            }
        }
        round
    }

    fn count(&self, delivery: &Delivery, sign: i64) {
        for table in Table::ALL {
            let rows = delivery.rows.rows(table).count;
            if rows > 0 {
                self.metrics
                    .dirty_rows
                    .with_label_values(&[table.name()])
                    .add(sign * i64::try_from(rows).unwrap_or(0));
            }
        }
    }

    /// One insert a table. Fails only when no further try would help.
    async fn write(&self, round: &[Delivery]) -> Result<(), String> {
        for table in Table::ALL {
            let (sql, header) = opening(table);
            let parts: Vec<Bytes> = std::iter::once(header)
                .chain(
                    round
                        .iter()
                        .map(|delivery| &delivery.rows.rows(table).bytes)
                        .cloned(),
                )
                .filter(|bytes| !bytes.is_empty())
                .collect();
            if parts.len() > 1 {
                self.persist(table, &sql, &parts).await?;
            }
        }
        self.part.ready();
        Ok(())
    }

    /// Tries until it succeeds, or until trying is pointless.
    async fn persist(&self, table: Table, sql: &str, parts: &[Bytes]) -> Result<(), String> {
        let mut delays = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(5))
            .without_max_times()
            .with_jitter()
            .build();
        loop {
            let began = Instant::now();
            let Err(error) = self.insert(sql, parts).await else {
                self.metrics
                    .insert_duration
                    .with_label_values(&[table.name()])
                    .observe(began.elapsed().as_secs_f64());
                return Ok(());
            };
            let fault = Fault::of(&error);
            let error = with_sources(&error);
            self.metrics.insert_failed(table, fault);
            if fault == Fault::Lasting {
                let why = format!(
                    "ClickHouse refuses rows of hissa.{}: {error}; set the schema, the user or its rights right and start the aggregator again (decisions go on meanwhile)",
                    table.name()
                );
                tracing::error!("{why}");
                self.part.failed(&why);
                return Err(why);
            }
            let why = format!("rows of hissa.{} wait: {error}", table.name());
            tracing::warn!("ClickHouse: {why}");
            self.part.waiting(why);
            // Without a limit of times there is always a next delay.
            tokio::time::sleep(delays.next().unwrap_or(Duration::from_secs(5))).await;
        }
    }

    async fn insert(&self, sql: &str, parts: &[Bytes]) -> Result<(), Error> {
        let mut insert = self
            .client
            .insert_formatted_with(sql)
            .with_timeouts(Some(INSERT_TIMEOUT), Some(INSERT_TIMEOUT));
        for part in parts {
            insert.send(part.clone()).await?;
        }
        insert.end().await
    }
}

/// An error and what lies behind it: "network error" alone does not say which.
fn with_sources(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(behind) = source {
        let behind_text = behind.to_string();
        // Some errors repeat what lies behind them.
        if !text.ends_with(&behind_text) {
            text = format!("{text}: {behind_text}");
        }
        source = behind.source();
    }
    text
}
