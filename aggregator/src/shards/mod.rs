//! The threads of the shards: each shard has one owner, each owner one inbox.
//!
//! Inboxes have no bound of their own; the consumer looks at how many bytes wait and pauses partitions
//! ([`Crew::backlog`]). So an answer of ClickHouse or of the disk is never held up behind a full queue.

mod thread;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use hissa_links::stop::Stop;
use tokio::sync::mpsc::UnboundedSender;

use crate::clickhouse::{Answer, Delivery};
use crate::emit::Emitter;
use crate::fatal::Fatal;
use crate::fleet::Fleet;
use crate::metrics::Metrics;
use crate::snapshots::SnapshotStore;
use crate::worker::{LogEntry, Stored, WorkerConfig};

/// What a shard's thread is told.
pub enum ToShard {
    /// The partition is ours: restore its shard, or go on with it, and say where to read from.
    Open { partition: u16 },
    /// The next entry.
    Entry { partition: u16, entry: LogEntry },
    /// ClickHouse has answered.
    Rows(Answer),
    /// The disk has answered.
    Snapshot {
        partition: u16,
        offset: u64,
        failed: Option<String>,
    },
    /// Finish what is under way.
    Drain,
    /// End at once.
    Leave,
}

/// What a shard's thread tells the consumer.
#[derive(Debug)]
pub enum FromShard {
    Opened { partition: u16, from: u64 },
    Halted { partition: u16 },
    Stored { partition: u16, offset: u64 },
    Drained { partition: u16, stored: Stored },
}

/// Asks for the ends of a partition's log: the offset of the first entry, and the one behind the last.
pub type LogEnds = dyn Fn(u16) -> Result<(u64, u64), rdkafka::error::KafkaError> + Send + Sync;

/// A snapshot on its way to the disk.
struct Archived {
    partition: u16,
    offset: u64,
    bytes: Vec<u8>,
    answer: Sender<ToShard>,
}

/// What every shard thread works with.
#[derive(Clone)]
pub struct Tools {
    /// A worker's configuration, with the partition still to be set.
    pub worker: WorkerConfig,
    pub store: SnapshotStore,
    pub log_ends: Arc<LogEnds>,
    pub emitter: Emitter,
    pub sink: UnboundedSender<Delivery>,
    pub metrics: Arc<Metrics>,
    pub fleet: Fleet,
    pub fatal: Fatal,
    pub stop: Stop,
    pub consumer: Sender<FromShard>,
}

/// The shard threads, and the one that writes snapshots.
pub struct Crew {
    hands: Vec<Hand>,
    archive: Option<JoinHandle<()>>,
    emitter: Emitter,
}

struct Hand {
    inbox: Sender<ToShard>,
    backlog_bytes: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Crew {
    /// Starts `threads` threads; partition p belongs to number p mod `threads`.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn start(threads: usize, tools: &Tools) -> io::Result<Crew> {
        let (archive_sender, archived) = channel();
        let (store, fleet) = (tools.store.clone(), tools.fleet.clone());
        let archive = std::thread::Builder::new()
            .name("snapshots".into())
            .spawn(move || archive(&store, &fleet, &archived))?;
        let hands = (0..threads.max(1)).map(|number| {
            let (sender, inbox) = channel();
            let backlog_bytes = Arc::new(AtomicUsize::new(0));
            let thread = thread::ShardThread::new(
                tools.clone(),
                sender.clone(),
                archive_sender.clone(),
                backlog_bytes.clone(),
            );
            let thread = std::thread::Builder::new()
                .name(format!("shards-{number}"))
                .spawn(move || thread.run(&inbox))?;
            Ok(Hand {
                inbox: sender,
                backlog_bytes,
                thread: Some(thread),
            })
        });
        Ok(Crew {
            hands: hands.collect::<io::Result<_>>()?,
            archive: Some(archive),
            emitter: tools.emitter.clone(),
        })
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.hands.len()
    }

    /// The number of the thread that owns a partition.
    pub fn owner(&self, partition: u16) -> usize {
        usize::from(partition) % self.hands.len()
    }

    /// Bytes of entries that wait for a thread.
    pub fn backlog(&self, thread: usize) -> usize {
        self.hands
            .get(thread)
            .map_or(0, |hand| hand.backlog_bytes.load(Ordering::Acquire))
    }

    /// Opens a partition.
    pub fn open(&self, partition: u16) {
        self.tell(partition, ToShard::Open { partition });
    }

    /// Hands over an entry.
    pub fn entry(&self, partition: u16, entry: LogEntry) {
        if let Some(hand) = self.hands.get(self.owner(partition)) {
            hand.backlog_bytes
                .fetch_add(thread::weight(&entry), Ordering::AcqRel);
        }
        self.tell(partition, ToShard::Entry { partition, entry });
    }

    /// Drains all shards.
    pub fn drain(&self) {
        for hand in &self.hands {
            // A thread that is gone has nothing to drain.
            let _ = hand.inbox.send(ToShard::Drain);
        }
    }

    /// Ends all threads and waits for them.
    pub fn leave(mut self) {
        // A thread may wait for a broker that is away.
        self.emitter.abandon();
        for hand in &mut self.hands {
            // A thread that is gone need not be told.
            let _ = hand.inbox.send(ToShard::Leave);
        }
        for hand in &mut self.hands {
            join(hand.thread.take());
        }
        // The senders to it ended with the threads.
        join(self.archive.take());
    }

    fn tell(&self, partition: u16, message: ToShard) {
        if let Some(hand) = self.hands.get(self.owner(partition)) {
            // Only a panic of the thread's own loop closes its inbox, and that ends the process.
            let _ = hand.inbox.send(message);
        }
    }
}

fn join(thread: Option<JoinHandle<()>>) {
    if let Some(thread) = thread
        && thread.join().is_err()
    {
        tracing::error!("a thread of the shards ended in a panic");
    }
}

/// Writes snapshots to the disk, one at a time: a flush of the disk must not delay a decision.
fn archive(store: &SnapshotStore, fleet: &Fleet, archived: &Receiver<Archived>) {
    for job in archived {
        let failed = store
            .store(job.partition, job.offset, &job.bytes)
            .map(|()| fleet.stored(job.partition))
            .err()
            .map(|why| why.to_string());
        if let Some(why) = &failed {
            tracing::warn!(partition = job.partition, offset = job.offset, %why, "a snapshot was not stored; the next one is tried at its time");
        }
        // The shard may have ended meanwhile.
        let _ = job.answer.send(ToShard::Snapshot {
            partition: job.partition,
            offset: job.offset,
            failed,
        });
    }
}

/// Workers by partition.
type Hosts = BTreeMap<u16, thread::Host>;
