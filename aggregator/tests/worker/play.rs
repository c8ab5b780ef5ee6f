//! A worker whose commands are words, and the clock that it is told.

use hissa_aggregator::worker::{Command, Event, FlagTally, LogEntry, Worker, WorkerConfig};
use hissa_core::shard::{Shard, ShardConfig};
use hissa_core::sim::{Partitions, SimId};

use crate::scene::sims;

pub const FLUSH: u64 = 1_000;
pub const SNAPSHOT: u64 = 60_000;

pub fn config() -> WorkerConfig {
    WorkerConfig {
        shard: ShardConfig::new(1, 0, 1),
        batch_rows: 8,
        batches_max: 2,
        flush_every_ms: FLUSH,
        snapshot_every_ms: SNAPSHOT,
    }
}

pub fn tablets(count: u64) -> Vec<SimId> {
    sims(count, Partitions::try_from(1).unwrap()).remove(0)
}

/// A worker and its commands in short form: one word each.
pub struct Play {
    pub worker: Worker,
    pub now_ms: u64,
    pub sent: (u64, u64),
    pub batches: u64,
    pub rows: usize,
    pub snapshots: Vec<(u64, Vec<u8>)>,
    pub flags: Vec<FlagTally>,
}

impl Play {
    pub fn new() -> Play {
        Play {
            worker: Worker::new(config()),
            now_ms: 0,
            sent: (0, 0),
            batches: 0,
            rows: 0,
            snapshots: Vec::new(),
            flags: Vec::new(),
        }
    }

    /// From the start of an empty log.
    pub fn begun() -> Play {
        let mut play = Play::new();
        assert_eq!(play.restored(None, 0, 0), ["consume 0"]);
        play
    }

    pub fn restored(&mut self, shard: Option<Shard>, log_start: u64, log_end: u64) -> Vec<String> {
        self.step(Event::Restored {
            shard: shard.map(Box::new),
            log_start,
            log_end,
        })
    }

    pub fn step(&mut self, event: Event) -> Vec<String> {
        let commands = self.worker.step(event, self.now_ms);
        commands
            .into_iter()
            .filter_map(|command| self.note(command))
            .collect()
    }

    pub fn note(&mut self, command: Command) -> Option<String> {
        Some(match command {
            Command::Consume { from } => format!("consume {from}"),
            Command::SendDecision { decision, .. } => {
                self.sent.0 += 1;
                format!("decision {}", decision.number)
            }
            Command::SendAlert(alert) => {
                self.sent.1 += 1;
                format!("alert {:?}", alert.subject.kind())
            }
            Command::WriteRows {
                batch,
                facts,
                freshness,
            } => {
                self.batches = batch;
                self.rows += facts.len();
                match freshness {
                    Some(fresh) => {
                        format!(
                            "write {batch}: {} rows, fresh {}",
                            facts.len(),
                            fresh.offset
                        )
                    }
                    None => format!("write {batch}: {} rows", facts.len()),
                }
            }
            Command::StoreSnapshot { offset, bytes } => {
                self.snapshots.push((offset, bytes));
                format!("store {offset}")
            }
            Command::Tally(_) => return None,
            Command::TallyFlags(flags) => {
                self.flags.extend(flags);
                return None;
            }
            Command::Report(found) => format!("report {}", found.through),
            Command::Halt { why } => format!("halt: {why}"),
            Command::Drained { stored } => format!("drained: {stored:?}"),
        })
    }

    pub fn entry(&mut self, entry: LogEntry) -> Vec<String> {
        self.step(Event::Entry(entry))
    }

    pub fn tick(&mut self, after_ms: u64) -> Vec<String> {
        self.now_ms += after_ms;
        self.step(Event::Tick)
    }

    pub fn broker_acks_all(&mut self) -> Vec<String> {
        let (decisions, alerts) = self.sent;
        self.step(Event::BrokerAcked { decisions, alerts })
    }

    pub fn rows_written(&mut self, batch: u64) -> Vec<String> {
        self.step(Event::RowsWritten { batch })
    }
}
