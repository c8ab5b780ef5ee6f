//! One thread of shards: turns messages into events of its workers, and carries out what they command.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::{Archived, FromShard, Hosts, ToShard, Tools};
use crate::clickhouse::{Answer, Batch, Delivery, Owner};
use crate::emit::BrokerCounts;
use crate::restore;
use crate::wall_clock;
use crate::worker::{Command, Event, LogEntry, Worker};

/// Between looks at the broker's counts and at the time.
const TICK_MS: u64 = 20;

/// Between updates of metrics.
const STATUS_MS: u64 = 500;

/// A worker in its thread.
pub(super) struct Host {
    worker: Worker,
    counts: Arc<BrokerCounts>,
    seen_counts: (u64, u64),
    appended_at_ms: Option<i64>,
}

/// The thread's own state.
pub(super) struct ShardThread {
    tools: Tools,
    hosts: Hosts,
    archive: Sender<Archived>,
    backlog_bytes: Arc<AtomicUsize>,
    /// This thread's own inbox, for those who answer.
    answers: Sender<ToShard>,
    rows_answer: Arc<dyn Fn(Answer) + Send + Sync>,
}

/// What an entry weighs in the backlog: its payload, and something for itself.
pub(super) fn weight(entry: &LogEntry) -> usize {
    entry.payload.len() + 200
}

impl ShardThread {
    pub fn new(
        tools: Tools,
        answers: Sender<ToShard>,
        archive: Sender<Archived>,
        backlog_bytes: Arc<AtomicUsize>,
    ) -> ShardThread {
        let inbox = answers.clone();
        ShardThread {
            tools,
            hosts: Hosts::new(),
            archive,
            backlog_bytes,
            answers,
            rows_answer: Arc::new(move |answer| {
                // The thread may have ended meanwhile.
                let _ = inbox.send(ToShard::Rows(answer));
            }),
        }
    }

    /// Works until told to leave.
    pub fn run(mut self, inbox: &Receiver<ToShard>) {
        let (mut tick_at, mut status_at) = (0, 0);
        loop {
            match inbox.recv_timeout(Duration::from_millis(TICK_MS)) {
                Ok(ToShard::Leave) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(message) => self.hear(message),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now_ms = wall_clock::steady_ms();
            if now_ms >= tick_at {
                tick_at = now_ms + TICK_MS;
                self.tick();
            }
            if now_ms >= status_at {
                status_at = now_ms + STATUS_MS;
                self.tell_status();
            }
        }
        self.tell_status();
    }

    fn hear(&mut self, message: ToShard) {
        match message {
            ToShard::Open { partition } => self.open(partition),
            ToShard::Entry { partition, entry } => {
                let weight = weight(&entry);
                if let Some(host) = self.hosts.get_mut(&partition) {
                    host.appended_at_ms = Some(entry.appended_at_ms);
                }
                self.step(partition, Event::Entry(entry));
                self.backlog_bytes.fetch_sub(weight, Ordering::AcqRel);
            }
            ToShard::Rows(Answer::Written { partition, batch }) => {
                self.step(partition, Event::RowsWritten { batch });
            }
            ToShard::Rows(Answer::Refused { partition, why }) => {
                self.step(partition, Event::RowsFailed { why });
            }
            ToShard::Snapshot {
                partition,
                offset,
                failed,
            } => {
                let event = match failed {
                    None => {
                        // The consumer may have ended meanwhile.
                        let _ = self
                            .tools
                            .consumer
                            .send(FromShard::Stored { partition, offset });
                        Event::SnapshotStored { offset }
                    }
                    Some(why) => Event::SnapshotFailed { offset, why },
                };
                self.step(partition, event);
            }
            ToShard::Drain => {
                for partition in self.partitions() {
                    self.step(partition, Event::Drain);
                }
            }
            ToShard::Leave => {}
        }
    }

    /// A shard that is still in memory goes on; another one is restored.
    fn open(&mut self, partition: u16) {
        if let Some(host) = self.hosts.get(&partition) {
            let answer = match host.worker.next_offset() {
                Some(from) => FromShard::Opened { partition, from },
                None => FromShard::Halted { partition },
            };
            // The consumer may have ended meanwhile.
            let _ = self.tools.consumer.send(answer);
            return;
        }
        let mut config = self.tools.worker;
        config.shard.partition = partition;
        self.hosts.insert(
            partition,
            Host {
                worker: Worker::new(config),
                counts: Arc::default(),
                seen_counts: (0, 0),
                appended_at_ms: None,
            },
        );
        let shard = match restore::newest(&self.tools.store, config.shard) {
            Ok(shard) => shard,
            Err(why) => return self.halt(partition, why.to_string()),
        };
        let Some((log_start, log_end)) = self.log_ends(partition) else {
            return;
        };
        tracing::info!(
            partition,
            snapshot = shard.as_ref().and_then(|shard| shard.applied_offset()),
            log_end,
            "restored"
        );
        self.step(
            partition,
            Event::Restored {
                shard,
                log_start,
                log_end,
            },
        );
    }

    /// Asks until Kafka answers, or the process ends.
    fn log_ends(&self, partition: u16) -> Option<(u64, u64)> {
        while !self.tools.fatal.is_reported() && !self.tools.stop.requested() {
            match (self.tools.log_ends)(partition) {
                Ok(ends) => return Some(ends),
                Err(why) => {
                    tracing::warn!(partition, %why, "Kafka did not say where the log begins and ends; asking again");
                    std::thread::sleep(Duration::from_millis(200));
                }
            }
        }
        None
    }

    fn tick(&mut self) {
        for partition in self.partitions() {
            let Some(host) = self.hosts.get_mut(&partition) else {
                continue;
            };
            let counts = host.counts.now();
            if counts != host.seen_counts {
                host.seen_counts = counts;
                let (decisions, alerts) = counts;
                self.step(partition, Event::BrokerAcked { decisions, alerts });
            }
            self.step(partition, Event::Tick);
        }
    }

    fn tell_status(&self) {
        for (partition, host) in &self.hosts {
            self.tools
                .fleet
                .update(*partition, host.worker.status(), host.appended_at_ms);
        }
    }

    fn partitions(&self) -> Vec<u16> {
        self.hosts.keys().copied().collect()
    }

    fn halt(&mut self, partition: u16, why: String) {
        if let Some(host) = self.hosts.get_mut(&partition) {
            let commands = host.worker.halt(why);
            self.carry_out(partition, commands);
        }
    }

    /// A panic in a shard is deterministic: it stops that shard alone.
    fn step(&mut self, partition: u16, event: Event) {
        let Some(host) = self.hosts.get_mut(&partition) else {
            return;
        };
        let now_ms = wall_clock::steady_ms();
        // The worker is not used again after a panic, but for `halt`, which does not look at the shard.
        let stepped = catch_unwind(AssertUnwindSafe(|| host.worker.step(event, now_ms)));
        match stepped {
            Ok(commands) => self.carry_out(partition, commands),
            Err(panic) => {
                let text = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| panic.downcast_ref::<&str>().copied())
                    .unwrap_or("no message");
                self.halt(
                    partition,
                    format!("a fault of Hissa's own, which will come again at this entry: {text}"),
                );
            }
        }
    }

    fn carry_out(&mut self, partition: u16, commands: Vec<Command>) {
        let Some(host) = self.hosts.get(&partition) else {
            return;
        };
        let tools = &self.tools;
        for command in commands {
            match command {
                Command::Consume { from } => {
                    // The consumer may have ended meanwhile, here and below.
                    let _ = tools.consumer.send(FromShard::Opened { partition, from });
                }
                Command::SendDecision {
                    decision,
                    appended_at_ms,
                } => {
                    let sent = tools
                        .emitter
                        .decision(&decision, appended_at_ms, &host.counts);
                    if let Err(why) = sent {
                        tools.fatal.report(why.into());
                    }
                }
                Command::SendAlert(alert) => {
                    if let Err(why) = tools.emitter.alert(&alert, &host.counts) {
                        tools.fatal.report(why.into());
                    }
                }
                Command::WriteRows {
                    batch,
                    facts,
                    freshness,
                } => {
                    let owner = Owner {
                        generation: tools.worker.shard.generation,
                        partition,
                    };
                    // The sink ends after the shards.
                    let _ = tools.sink.send(Delivery {
                        partition,
                        batch,
                        rows: Batch::encode(owner, &facts, freshness.as_ref()),
                        answer: self.rows_answer.clone(),
                    });
                }
                Command::StoreSnapshot { offset, bytes } => {
                    // The archive ends after the shards.
                    let _ = self.archive.send(Archived {
                        partition,
                        offset,
                        bytes,
                        answer: self.answers.clone(),
                    });
                }
                Command::Tally(tallies) => tools.metrics.tally(&tallies),
                Command::TallyFlags(tallies) => {
                    for tally in tallies {
                        tools.metrics.flagged(tally);
                    }
                }
                Command::Report(found) => {
                    tracing::error!(partition, ?found, "the books do not balance");
                    tools.metrics.discrepancy(&found);
                }
                Command::Halt { why } => {
                    tracing::error!(partition, %why, "the shard has halted");
                    tools.fleet.halted(partition, &why);
                    let _ = tools.consumer.send(FromShard::Halted { partition });
                }
                Command::Drained { stored } => {
                    let _ = tools
                        .consumer
                        .send(FromShard::Drained { partition, stored });
                }
            }
        }
    }
}
