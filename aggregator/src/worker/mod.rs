//! The logic around a shard: a state machine, `step(event, now) → commands`, deterministic, without I/O.
//!
//! Its rules:
//!
//! - decisions and alert changes are sent at once, whatever ClickHouse does;
//! - rows are taken from the shard by number and by time, and while too many batches are under way they stay in the
//!   shard, where rows of one key melt into one;
//! - a snapshot taken at an offset is stored only when broker and ClickHouse have acknowledged all that was caused at
//!   or before it; so after a crash the entries behind it cause again what may have been lost;
//! - `freshness` is written after the rows that it speaks of are acknowledged;
//! - what cannot be applied halts the shard; nothing is skipped.
//!
//! # Who drives it
//!
//! The threads of `shards` do, with Kafka, ClickHouse and a disk behind them; `tests/worker` and
//! `tests/simulate` do without. Whoever does keeps to this:
//!
//! - [`Worker::new`], then [`Event::Restored`] first; every other event may come at any time after it;
//! - entries come in the order of the log, from the offset of [`Command::Consume`] on; one that came already is left
//!   out, a missing one halts;
//! - commands are carried out in their order; [`Event::BrokerAcked`] counts, [`Event::RowsWritten`] names the last batch
//!   of an unbroken series, and neither tells of more than was commanded (the worker panics then);
//! - `now_ms` is a clock that never goes back, with any beginning; [`Event::Tick`] comes every now and then;
//! - a crash is to drop the worker, and to make a new one from the last snapshot that was stored
//!   (`Shard::restore`). What it commands again bears the same numbers, revisions and versions.

mod acks;
mod event;
mod pace;
mod rows;
mod storing;

use hissa_core::shard::{Effects, Shard, SimCounts};
use hissa_core::wire;

pub use event::{Command, Event, FlagTally, Freshness, LogEntry, Stored};
pub use pace::WorkerConfig;

use acks::Acks;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Restoring,
    Running,
    Draining,
    Drained,
    Halted,
}

/// What can be told of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The id of the programme, once the registry has told it.
    pub programme: Option<String>,
    pub applied_offset: Option<u64>,
    pub clock_ms: Option<i64>,
    pub facts_pending: usize,
    pub sims: SimCounts,
}

/// One shard, and what is under way for it.
#[derive(Debug)]
pub struct Worker {
    config: WorkerConfig,
    phase: Phase,
    shard: Shard,
    effects: Effects,
    acks: Acks,
    /// The next entry to apply.
    next_offset: u64,
    /// The offset of the newest snapshot on disk.
    stored: Option<u64>,
    /// The offset of the snapshot that is being written to disk.
    storing: Option<u64>,
    flush_at_ms: u64,
    snapshot_at_ms: u64,
    /// Why no row is written any more.
    rows_stopped: Option<String>,
    /// Why the last snapshot was not stored.
    snapshot_failed: Option<String>,
}

impl Worker {
    /// A worker that waits for its snapshot.
    pub fn new(config: WorkerConfig) -> Worker {
        Worker {
            config,
            phase: Phase::Restoring,
            shard: Shard::new(config.shard),
            effects: Effects::default(),
            acks: Acks::default(),
            next_offset: 0,
            stored: None,
            storing: None,
            flush_at_ms: 0,
            snapshot_at_ms: 0,
            rows_stopped: None,
            snapshot_failed: None,
        }
    }

    /// Takes note of an event, and says what is to be done now.
    pub fn step(&mut self, event: Event, now_ms: u64) -> Vec<Command> {
        let mut commands = Vec::new();
        match event {
            Event::Restored {
                shard,
                log_start,
                log_end,
            } => self.restored(shard, log_start, log_end, now_ms, &mut commands),
            Event::Entry(entry) => self.entry(&entry, &mut commands),
            Event::BrokerAcked { decisions, alerts } => self.acks.broker(decisions, alerts),
            Event::RowsWritten { batch } => self.acks.rows(batch),
            Event::RowsFailed { why } => self.rows_stopped = Some(why),
            Event::SnapshotStored { offset } => {
                self.storing = None;
                self.stored = self.stored.max(Some(offset));
                self.snapshot_failed = None;
            }
            Event::SnapshotFailed { offset, why } => {
                self.storing = None;
                self.snapshot_failed = Some(format!("the snapshot at offset {offset}: {why}"));
            }
            Event::Tick => {}
            Event::Drain => match self.phase {
                Phase::Running => {
                    self.phase = Phase::Draining;
                    // A failure of before may be over: it is tried once more.
                    self.snapshot_failed = None;
                }
                Phase::Restoring => self.drained(Stored::Nothing, &mut commands),
                Phase::Halted => self.drained(halted(), &mut commands),
                Phase::Draining | Phase::Drained => {}
            },
        }
        if matches!(self.phase, Phase::Running | Phase::Draining) {
            self.take_snapshot(now_ms, &mut commands);
            self.flush(now_ms, &mut commands);
            if let Some((offset, bytes)) = self.acks.release() {
                self.storing = Some(offset);
                commands.push(Command::StoreSnapshot { offset, bytes });
            }
            self.finish_drain(&mut commands);
        }
        commands
    }

    /// Stops the shard for a reason from outside: its thread caught a panic.
    pub fn halt(&mut self, why: String) -> Vec<Command> {
        let mut commands = Vec::new();
        self.halted(why, &mut commands);
        commands
    }

    /// Where to read on; none while the worker restores, or after it stopped.
    pub fn next_offset(&self) -> Option<u64> {
        (self.phase == Phase::Running).then_some(self.next_offset)
    }

    /// For metrics.
    pub fn status(&self) -> Status {
        Status {
            programme: self.shard.programme().map(str::to_owned),
            applied_offset: self.shard.applied_offset(),
            clock_ms: self.shard.clock_ms(),
            facts_pending: self.shard.facts_pending(),
            sims: self.shard.sims(),
        }
    }

    fn restored(
        &mut self,
        shard: Option<Box<Shard>>,
        log_start: u64,
        log_end: u64,
        now_ms: u64,
        commands: &mut Vec<Command>,
    ) {
        if self.phase != Phase::Restoring {
            return;
        }
        if let Some(shard) = shard {
            self.shard = *shard;
        }
        self.stored = self.shard.applied_offset();
        self.next_offset = self.stored.map_or(0, |applied| applied + 1);
        let partition = self.config.shard.partition;
        if self.next_offset < log_start {
            let have = match self.stored {
                None => "there is no snapshot".to_owned(),
                Some(stored) => format!("the newest valid snapshot is at offset {stored}"),
            };
            return self.halted(
                format!(
                    "hissa.usage[{partition}] begins at offset {log_start}, and {have}: what lies between is gone; bring back a newer snapshot"
                ),
                commands,
            );
        }
        if self.next_offset > log_end {
            return self.halted(
                format!(
                    "hissa.usage[{partition}] ends at offset {log_end}, and the newest snapshot is of a later entry (next: {}): the topic was made anew; use the snapshots' folder that belongs to it, or an empty one",
                    self.next_offset
                ),
                commands,
            );
        }
        self.phase = Phase::Running;
        self.flush_at_ms = self.next_flush(now_ms);
        // The first snapshots of the shards are spread over the second half of the interval, for each takes its thread
        // some time.
        let every = self.config.snapshot_every_ms;
        self.snapshot_at_ms = now_ms + every / 2 + every / 32 * u64::from(partition % 16);
        // A snapshot is proof that all rows before it are written.
        self.mark();
        commands.push(Command::Consume {
            from: self.next_offset,
        });
    }

    fn entry(&mut self, entry: &LogEntry, commands: &mut Vec<Command>) {
        // An entry may come again after the consumer moved; it is behind us then. While draining, entries are left
        // for the next owner.
        if self.phase != Phase::Running || entry.offset < self.next_offset {
            return;
        }
        if entry.offset > self.next_offset {
            return self.halted(
                format!(
                    "hissa.usage goes on at offset {}, where {} was expected: entries are missing",
                    entry.offset, self.next_offset
                ),
                commands,
            );
        }
        let decoded = match wire::decode(&entry.kind, &entry.version, &entry.payload) {
            Ok(decoded) => decoded,
            Err(why) => return self.halted(format!("at offset {}: {why}", entry.offset), commands),
        };
        self.effects.clear();
        let applied = self.shard.apply(&decoded, entry.offset, &mut self.effects);
        if let Err(halt) = applied {
            return self.halted(halt.to_string(), commands);
        }
        self.next_offset = entry.offset + 1;
        self.send(entry.appended_at_ms, commands);
    }

    fn send(&mut self, appended_at_ms: i64, commands: &mut Vec<Command>) {
        for decision in self.effects.decisions.drain(..) {
            self.acks.sent.decisions += 1;
            commands.push(Command::SendDecision {
                decision: Box::new(decision),
                appended_at_ms,
            });
        }
        for alert in self.effects.alerts.drain(..) {
            self.acks.sent.alerts += 1;
            commands.push(Command::SendAlert(Box::new(alert)));
        }
        for discrepancy in self.effects.discrepancies.drain(..) {
            commands.push(Command::Report(Box::new(discrepancy)));
        }
        commands.push(Command::Tally(std::mem::take(&mut self.effects.tallies)));
        let flags = FlagTally::sums(&mut self.effects.flags);
        if !flags.is_empty() {
            commands.push(Command::TallyFlags(flags));
        }
    }

    fn halted(&mut self, why: String, commands: &mut Vec<Command>) {
        self.phase = Phase::Halted;
        commands.push(Command::Halt { why });
    }
}

fn halted() -> Stored {
    Stored::No {
        why: "the shard has halted".into(),
    }
}
