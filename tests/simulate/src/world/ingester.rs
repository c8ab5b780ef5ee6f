//! A process of ingest: its readers, its publisher, and its producer's queues.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hissa_core::registry::{self, Revision};
use hissa_core::sim::FeedId;
use hissa_core::usage::Source;
use hissa_ingest::admit::{Admission, TOLERANCE_MS};
use hissa_ingest::config::{Feed, Start};
use hissa_ingest::position::Stored;
use hissa_ingest::publish::{Command, Event, Payload, Publisher};
use hissa_ingest::source::reader::{Expected, Incoming, Reader};

use super::Surroundings;
use super::ghosts::Message;
use super::life::Life;
use crate::dice::Dice;
use crate::panics;

/// A process of ingest.
pub struct Ingester {
    pub life: Life,
    publisher: Publisher,
    feeds: Vec<Reading>,
    tolerances: BTreeMap<FeedId, Arc<AtomicU32>>,
    registry_next: usize,
    /// The producer's queues: one a partition of `hissa.usage`, then `hissa.rejected` and `hissa.ingest`.
    lanes: Vec<VecDeque<Message>>,
    /// Acknowledgements on their way: when they come, and whose they are.
    acks: VecDeque<(u32, u64)>,
    loses_ack: bool,
    batch_max: usize,
}

/// A feed as this process reads it.
struct Reading {
    reader: Reader,
    /// Of each of its topics: its place, and the next offset.
    topics: Vec<(usize, usize)>,
}

impl Ingester {
    /// Starts one, from `hissa.ingest` as it stood `back` writes ago.
    pub fn start(around: &mut Surroundings<'_>, number: u64, back: u32) -> Ingester {
        let shape = &around.scenario.shape;
        let known = around.log.positions(back);
        let revision = known
            .values()
            .map(|stored| stored.registry_revision)
            .max()
            .unwrap_or(0);
        let mut tolerances = BTreeMap::new();
        let mut feeds = Vec::new();
        let mut sources = BTreeMap::new();
        for feed in &shape.feeds {
            let tolerance = Arc::new(AtomicU32::new(TOLERANCE_MS));
            tolerances.insert(feed.id, tolerance.clone());
            feeds.push(reading(around, feed.id, &known, tolerance, &mut sources));
        }
        let positions: Vec<(Source, Stored)> = sources.into_iter().collect();
        let batch_max = *around.dice(number).pick(&[2, 20, 80, 400, 3_000]);
        Ingester {
            life: Life::new(number),
            publisher: Publisher::new(shape.partitions, shape.played, positions, revision),
            feeds,
            tolerances,
            registry_next: usize::try_from(revision).unwrap_or(usize::MAX),
            lanes: vec![VecDeque::new(); usize::from(shape.partitions.count()) + 2],
            acks: VecDeque::new(),
            loses_ack: false,
            batch_max,
        }
    }

    /// The next acknowledgement is lost; the process ends at a step.
    pub fn lose_ack(&mut self, ends_at: u32) {
        self.loses_ack = true;
        self.life.die_at(ends_at);
    }

    /// Nothing happens to it any more; one that waits for a lost acknowledgement ends now.
    pub fn heal(&mut self, step: u32) {
        self.life.heal(step);
        self.batch_max = 400;
    }

    /// Works for a step.
    pub fn step(&mut self, around: &mut Surroundings<'_>) {
        if self.life.is_asleep(around.step) || around.troubles.closed {
            return;
        }
        let mut dice = around.dice(self.life.number);
        while let Some((_, ticket)) = self.acks.pop_front_if(|(due, _)| *due <= around.step) {
            self.event(Event::Acked { ticket }, around);
        }
        self.read_registry(around);
        let now_ms = around.now_ms + around.troubles.clock_ms(around.step);
        for _ in 0..dice.count(0, 4) {
            if !self.publisher.takes_batches(now_ms) {
                break;
            }
            let feed = dice.place(self.feeds.len());
            self.read(feed, now_ms, around, &mut dice);
            if dice.permille(500) {
                self.deliver(around, &mut dice);
            }
        }
        if !around.scenario.shape.played && dice.permille(600) {
            self.at_end(now_ms, around);
        }
        self.deliver(around, &mut dice);
    }

    /// Whether all is published and acknowledged.
    pub fn is_done(&self, around: &Surroundings<'_>) -> bool {
        let topics = &around.scenario.topics;
        let mut reached = self.feeds.iter().flat_map(|feed| &feed.topics);
        reached.all(|(topic, next)| *next == topics[*topic].messages.len())
            && self.registry_next == around.registry.len()
            && self.publisher.is_settled()
            && self.lanes.iter().all(VecDeque::is_empty)
    }

    /// For those who ask why nothing rests.
    pub fn told(&self, around: &Surroundings<'_>) -> String {
        let next: Vec<_> = self.feeds.iter().flat_map(|feed| &feed.topics).collect();
        let (settled, waiting) = (
            self.publisher.is_settled(),
            self.lanes.iter().map(VecDeque::len).sum::<usize>(),
        );
        format!(
            "ingester at {next:?}, settled {settled}, waiting {waiting}, done {}",
            self.is_done(around)
        )
    }

    /// Its end: some of what it had sent arrives later.
    pub fn die(self, around: &mut Surroundings<'_>) {
        let mut dice = around.dice(self.life.number ^ 0xdead);
        let step = around.step;
        for lane in self.lanes {
            around.ghosts.leave(lane, step, &mut dice);
        }
        if !self.life.is_extra() {
            around
                .troubles
                .next_ingester_at(step + dice.below(3) as u32);
        }
    }

    fn read_registry(&mut self, around: &mut Surroundings<'_>) {
        if around.troubles.registry_is_silent(around.step) {
            return;
        }
        let (told, played, now_ms) = (
            &around.scenario.registry,
            around.scenario.shape.played,
            around.now_ms,
        );
        let end = match played {
            true => told.len(),
            false => told.partition_point(|command| command.arrives_at_ms <= now_ms),
        };
        let revisions: Vec<Revision> = (self.registry_next..end)
            .map(|rev| Revision {
                rev: rev as u64,
                entered: around.registry[rev].clone(),
            })
            .collect();
        for revision in &revisions {
            if let registry::Command::Feed(feed) = &revision.entered.command
                && let Some(tolerance_ms) = self.tolerances.get(&feed.id)
            {
                tolerance_ms.store(feed.future_tolerance_ms, Ordering::Relaxed);
            }
        }
        self.registry_next = self.registry_next.max(end);
        let now_ms = now_ms + around.troubles.clock_ms(around.step);
        let event = Event::Registry {
            revisions,
            whole_at_ms: Some(now_ms),
        };
        self.event(event, around);
    }

    /// Reads a batch of a feed.
    fn read(&mut self, feed: usize, now_ms: i64, around: &mut Surroundings<'_>, dice: &mut Dice) {
        let reading = &mut self.feeds[feed];
        let most = dice.count(1, self.batch_max);
        let mut taken = 0;
        'feed: while taken < most {
            let before = taken;
            for (place, next) in &mut reading.topics {
                let topic = &around.scenario.topics[*place];
                let run = dice.count(1, 1 + self.batch_max / 4);
                while taken < most && taken - before < run {
                    let silent = around.troubles.is_silent(*place, around.step);
                    let readable = topic.messages.get(*next);
                    let Some(message) = readable
                        .filter(|message| message.arrives_at_ms <= around.now_ms && !silent)
                    else {
                        break;
                    };
                    let incoming = Incoming {
                        partition: topic.source.partition,
                        offset: *next as u64,
                        delivered_at_ms: Some(message.delivered_at_ms),
                        payload: around.scenario.text(message),
                    };
                    if let Err(halt) = reading.reader.take(incoming, now_ms) {
                        self.life.die_at(around.step);
                        return around.violated(halt.to_string());
                    }
                    *next += 1;
                    taken += 1;
                    if reading.reader.is_full() {
                        break 'feed;
                    }
                }
            }
            if taken == before {
                break;
            }
        }
        if !reading.reader.is_empty() {
            let batch = reading.reader.finish();
            self.event(Event::Batch(batch), around);
        }
    }

    /// Says which sources have nothing more at present.
    fn at_end(&mut self, now_ms: i64, around: &mut Surroundings<'_>) {
        for feed in 0..self.feeds.len() {
            let topics = &around.scenario.topics;
            let at_end = |(place, next): &&(usize, usize)| {
                let next = topics[*place].messages.get(*next);
                next.is_none_or(|message| message.arrives_at_ms > around.now_ms)
                    && !around.troubles.is_silent(*place, around.step)
            };
            let reached = self.feeds[feed].topics.iter().filter(at_end);
            let sources: Vec<Source> = reached.map(|(place, _)| topics[*place].source).collect();
            if !sources.is_empty() {
                let event = Event::AtEnd {
                    sources,
                    at_ms: now_ms,
                };
                self.event(event, around);
            }
        }
    }

    fn event(&mut self, event: Event, around: &mut Surroundings<'_>) {
        let mut commands = Vec::new();
        if let Err(why) = panics::caught(|| self.publisher.step(event, &mut commands)) {
            self.life.die_at(around.step);
            return around.violated(format!("the publisher: {why}"));
        }
        let partitions = self.lanes.len() - 2;
        for command in commands {
            if !self.life.carries_out() {
                return;
            }
            let (lane, message) = match command {
                Command::Entry {
                    ticket,
                    partition,
                    kind,
                    payload,
                } => {
                    let payload = match payload {
                        Payload::Json(text) => text,
                        rows => rows.bytes().to_vec(),
                    };
                    let message = Message::Usage {
                        ticket,
                        partition,
                        kind,
                        payload,
                    };
                    (usize::from(partition), message)
                }
                Command::Rejected { ticket, .. } => (partitions, Message::Rejected { ticket }),
                Command::Store { source, stored } => {
                    (partitions + 1, Message::Position(source, Box::new(stored)))
                }
            };
            self.lanes[lane].push_back(message);
        }
    }

    /// The broker takes some of each queue, and acknowledges it.
    fn deliver(&mut self, around: &mut Surroundings<'_>, dice: &mut Dice) {
        let delay = around.troubles.ack_delay(around.step);
        for lane in 0..self.lanes.len() {
            let waiting = self.lanes[lane].len();
            let takes = match (delay, dice.permille(700)) {
                (0, true) => waiting,
                _ => dice.count(0, waiting),
            };
            for message in self.lanes[lane].drain(..takes) {
                let ticket = match &message {
                    Message::Usage { ticket, .. } | Message::Rejected { ticket } => Some(*ticket),
                    _ => None,
                };
                around.arrive(message);
                match ticket {
                    Some(_) if self.loses_ack => self.loses_ack = false,
                    Some(ticket) => self
                        .acks
                        .push_back((around.step + delay + dice.below(2) as u32, ticket)),
                    None => {}
                }
            }
        }
    }
}

fn reading(
    around: &Surroundings<'_>,
    feed: FeedId,
    known: &BTreeMap<Source, Stored>,
    tolerance_ms: Arc<AtomicU32>,
    sources: &mut BTreeMap<Source, Stored>,
) -> Reading {
    let shape = &around.scenario.shape;
    let mut expected = BTreeMap::new();
    let mut topics = Vec::new();
    let mut clock_ms = None;
    let mut epoch = 0;
    let of_feed = |(_, topic): &(usize, &crate::scenario::Topic)| topic.source.feed == feed;
    for (place, topic) in around.scenario.topics.iter().enumerate().filter(of_feed) {
        let stored = known.get(&topic.source).cloned().unwrap_or_default();
        let position = usize::try_from(stored.position).unwrap_or(usize::MAX);
        epoch = topic.source.epoch;
        clock_ms = clock_ms.max(stored.clock_ms);
        // The last record is read once more, to see that the topic is still the same.
        let next = match (position.checked_sub(1), &stored.sha256) {
            (Some(last), Some(sha256)) => {
                let last_record = Expected {
                    offset: last as u64,
                    sha256: sha256.clone(),
                };
                expected.insert(topic.source.partition, last_record);
                last
            }
            _ => position,
        };
        topics.push((place, next));
        sources.insert(topic.source, stored);
    }
    let config = Feed {
        id: feed,
        topic: feed.to_string(),
        played: shape.played,
        epoch,
        start: Start::Earliest,
    };
    let admission = Admission::new(feed, shape.played, tolerance_ms, clock_ms);
    Reading {
        reader: Reader::new(
            config,
            around.scenario.pseudonyms.clone(),
            admission,
            expected,
        ),
        topics,
    }
}
