//! What happens to a worker, and what it wants done: values, without a type of Kafka or ClickHouse.

use hissa_core::alert::AlertChange;
use hissa_core::decision::Decision;
use hissa_core::facts::{Fact, Flag};
use hissa_core::shard::{Discrepancy, Shard, Tallies};
use hissa_core::sim::FeedId;
use jiff::civil::Date;

/// An entry as it came from the log, not decoded yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    pub offset: u64,
    /// The headers `hissa-entry` and `hissa-version`; empty where they are absent.
    pub kind: Vec<u8>,
    pub version: Vec<u8>,
    pub payload: Vec<u8>,
    /// When the broker appended it (UTC milliseconds): for latency metrics, and for nothing else.
    pub appended_at_ms: i64,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The newest valid snapshot was read (or there is none), and the log was asked for its ends: the offset of its
    /// first entry, and the one behind its last.
    Restored {
        shard: Option<Box<Shard>>,
        log_start: u64,
        log_end: u64,
    },
    /// The next entry of the log.
    Entry(LogEntry),
    /// The broker has acknowledged so many decisions and alert changes since the worker began: in order, without gaps.
    BrokerAcked { decisions: u64, alerts: u64 },
    /// ClickHouse has acknowledged all batches up to this one.
    RowsWritten { batch: u64 },
    /// ClickHouse refuses rows in a way that does not heal by itself: no batch will be written any more.
    RowsFailed { why: String },
    /// The snapshot at this offset is on disk.
    SnapshotStored { offset: u64 },
    /// The snapshot at this offset could not be stored.
    SnapshotFailed { offset: u64, why: String },
    /// Time has passed.
    Tick,
    /// Finish what is under way, store a snapshot, and say so.
    Drain,
}

/// What is to be done, in this order.
#[derive(Clone, Debug)]
pub enum Command {
    /// Read the log from this offset on.
    Consume { from: u64 },
    /// Send a decision, at once.
    SendDecision {
        decision: Box<Decision>,
        /// Of the entry that caused it.
        appended_at_ms: i64,
    },
    /// Send a change of an alert, at once.
    SendAlert(Box<AlertChange>),
    /// Write rows, and keep them until ClickHouse has acknowledged them. Batches count from 1.
    WriteRows {
        batch: u64,
        facts: Vec<Fact>,
        freshness: Option<Freshness>,
    },
    /// Store the state as it was at this offset: all that it caused is acknowledged.
    StoreSnapshot { offset: u64, bytes: Vec<u8> },
    /// Outcomes of an entry, for metrics.
    Tally(Tallies),
    /// Rows of an entry with something to be said about them, for metrics; left out where there are none.
    TallyFlags(Vec<FlagTally>),
    /// The books do not balance: somebody must be told.
    Report(Box<Discrepancy>),
    /// The shard has stopped, and reads no further; a person has to look.
    Halt { why: String },
    /// All is done that can be done: the shard may be dropped.
    Drained { stored: Stored },
}

/// Rows of a feed with a flag, as one entry brought them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagTally {
    pub feed: FeedId,
    pub flag: Flag,
    pub records: u64,
    pub bytes: u64,
}

impl FlagTally {
    /// Sums of what is said of single rows, with their bytes; takes it away.
    pub(super) fn sums(flags: &mut Vec<(FeedId, Flag, u64)>) -> Vec<FlagTally> {
        let mut sums: Vec<FlagTally> = Vec::new();
        for (feed, flag, bytes) in flags.drain(..) {
            // Feeds are few, and flags six.
            match sums.iter_mut().find(|s| s.feed == feed && s.flag == flag) {
                Some(sum) => {
                    sum.records += 1;
                    sum.bytes += bytes;
                }
                None => sums.push(FlagTally {
                    feed,
                    flag,
                    records: 1,
                    bytes,
                }),
            }
        }
        sums
    }
}

/// How a drain ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// The state is on disk, as of its last entry.
    Yes,
    /// There was no entry yet.
    Nothing,
    /// It is not; the entries since the last snapshot will be replayed.
    No { why: String },
}

/// Up to where the rows of a partition are in ClickHouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    pub offset: u64,
    pub clock_ms: i64,
    pub open_booked_day: Date,
}
