//! A process that owns a partition: its worker, its producer's queues, its rows, its snapshots.

use std::collections::VecDeque;

use hissa_aggregator::worker::{Command, Event, Freshness, Stored, Worker, WorkerConfig};
use hissa_core::facts::Fact;

use super::Surroundings;
use super::ghosts::Message;
use super::life::Life;
use crate::dice::Dice;
use crate::faults::Kind;
use crate::panics;
use crate::scenario::{DAY_MS, HOUR_MS};

/// A process that owns a partition.
pub struct Owner {
    pub life: Life,
    pub partition: u16,
    worker: Worker,
    /// The next entry that its consumer brings.
    next: u64,
    decisions: VecDeque<Message>,
    alerts: VecDeque<Message>,
    /// Acknowledgements of the broker on their way: when they come, and how many decisions and alerts they are of.
    acks: VecDeque<(u32, u64, u64)>,
    acked: (u64, u64),
    loses_ack: bool,
    batches: VecDeque<(u64, Vec<Fact>, Option<Freshness>)>,
    written: VecDeque<(u32, u64)>,
    refused: bool,
    snapshots: VecDeque<(u64, Vec<u8>)>,
    drains: bool,
    /// Entries of a step, at the most.
    entries_max: usize,
}

impl Owner {
    /// Starts one: it restores the newest snapshot that is whole, and that trouble lets it find.
    pub fn start(around: &mut Surroundings<'_>, number: u64, partition: u16) -> Owner {
        let dice = &mut around.dice(number);
        let shard = around.scenario.shape.shard(partition);
        let config = WorkerConfig {
            shard,
            batch_rows: *dice.pick(&[50, 1_000, 50_000]),
            batches_max: dice.count(1, 3) as u64,
            flush_every_ms: dice.within(1, 40 * HOUR_MS).unsigned_abs(),
            snapshot_every_ms: dice.within(12 * HOUR_MS, 12 * DAY_MS).unsigned_abs(),
        };
        let back = std::mem::take(&mut around.troubles.owner(partition).back);
        let restored = Event::Restored {
            shard: around.store.newest(shard, back),
            log_start: 0,
            log_end: around.log.end(partition),
        };
        let mut owner = Owner {
            life: Life::new(number),
            partition,
            worker: Worker::new(config),
            next: 0,
            decisions: VecDeque::new(),
            alerts: VecDeque::new(),
            acks: VecDeque::new(),
            acked: (0, 0),
            loses_ack: false,
            batches: VecDeque::new(),
            written: VecDeque::new(),
            refused: false,
            snapshots: VecDeque::new(),
            drains: false,
            entries_max: *dice.pick(&[3, 20, 200]),
        };
        owner.event(restored, around);
        owner
    }

    /// The next acknowledgement is lost; the process ends at a step.
    pub fn lose_ack(&mut self, ends_at: u32) {
        self.loses_ack = true;
        self.life.die_at(ends_at);
    }

    /// Nothing happens to it any more; but what was refused stays refused: another process is needed.
    pub fn heal(&mut self, step: u32) {
        self.life.heal(step);
        self.entries_max = 500;
    }

    /// Hands the partition over.
    pub fn move_away(&mut self, around: &mut Surroundings<'_>) {
        self.drains = true;
        self.event(Event::Drain, around);
    }

    /// The consumer brings entries again.
    pub fn rewind(&mut self, entries: u64) {
        self.next = self.next.saturating_sub(entries);
    }

    /// ClickHouse will not take its rows any more; the process is ended at a step.
    pub fn refuse_rows(&mut self, around: &mut Surroundings<'_>, ends_at: u32) {
        self.refused = true;
        self.life.die_at(ends_at);
        let why = "no such column".into();
        self.event(Event::RowsFailed { why }, around);
    }

    /// Works for a step.
    pub fn step(&mut self, around: &mut Surroundings<'_>) {
        if self.life.is_asleep(around.step) {
            return;
        }
        let mut dice = around.dice(self.life.number);
        self.hear(around);
        self.read(around, &mut dice);
        self.event(Event::Tick, around);
        self.send(around, &mut dice);
        self.write(around, &mut dice);
        self.archive(around);
    }

    /// At the end of a run: whether it has handed over, having read all; asks it to.
    pub fn ends(&mut self, around: &mut Surroundings<'_>) -> bool {
        if !self.drains && self.next == around.log.end(self.partition) {
            self.move_away(around);
        }
        around.troubles.ended(self.partition)
    }

    /// Whether the last entry of the log is applied: one that hands over leaves what it reads to its successor.
    fn all_applied(&self, around: &Surroundings<'_>) -> bool {
        self.worker
            .status()
            .applied_offset
            .map_or(0, |applied| applied + 1)
            == around.log.end(self.partition)
    }

    /// For those who ask why nothing rests.
    pub fn told(&self, around: &Surroundings<'_>) -> String {
        let (partition, next, end) = (self.partition, self.next, around.log.end(self.partition));
        format!(
            "owner of {partition} at {next} of {end}, draining {}, {:?}",
            self.drains,
            self.worker.status()
        )
    }

    /// Its end: some of what it had sent arrives later.
    pub fn die(self, around: &mut Surroundings<'_>) {
        let mut dice = around.dice(self.life.number ^ 0xdead);
        let step = around.step;
        around.ghosts.leave(self.decisions, step, &mut dice);
        around.ghosts.leave(self.alerts, step, &mut dice);
        if !self.refused {
            let partition = self.partition;
            let rows = self
                .batches
                .into_iter()
                .map(|(_, facts, freshness)| Message::Rows(partition, facts, freshness));
            around.ghosts.leave(rows.collect(), step, &mut dice);
        }
        if !self.life.is_extra() {
            around
                .troubles
                .next_owner_at(self.partition, step + 1 + dice.below(3) as u32);
        }
    }

    /// Acknowledgements come.
    fn hear(&mut self, around: &mut Surroundings<'_>) {
        let mut heard = false;
        while let Some((_, decisions, alerts)) =
            self.acks.pop_front_if(|(due, ..)| *due <= around.step)
        {
            self.acked.0 += decisions;
            self.acked.1 += alerts;
            heard = true;
        }
        if heard {
            let (decisions, alerts) = self.acked;
            self.event(Event::BrokerAcked { decisions, alerts }, around);
        }
        while let Some((_, batch)) = self.written.pop_front_if(|(due, _)| *due <= around.step) {
            self.event(Event::RowsWritten { batch }, around);
        }
    }

    /// The consumer brings entries.
    fn read(&mut self, around: &mut Surroundings<'_>, dice: &mut Dice) {
        for _ in 0..dice.count(0, self.entries_max) {
            let place = usize::try_from(self.next).unwrap_or(usize::MAX);
            let Some(entry) = around.log.usage[usize::from(self.partition)].get(place) else {
                break;
            };
            let entry = entry.at(self.next);
            self.next += 1;
            self.event(Event::Entry(entry), around);
        }
    }

    /// The broker takes some of what waits. In order: an acknowledgement is of all before it.
    fn send(&mut self, around: &mut Surroundings<'_>, dice: &mut Dice) {
        let delay = around.troubles.ack_delay(around.step);
        let mut takes = |waiting: usize| match (delay, dice.permille(700)) {
            (0, true) => waiting,
            _ => dice.count(0, waiting),
        };
        let (decisions, alerts) = (takes(self.decisions.len()), takes(self.alerts.len()));
        let taken = self
            .decisions
            .drain(..decisions)
            .chain(self.alerts.drain(..alerts));
        for message in taken {
            around.arrive(message);
        }
        if decisions + alerts > 0 {
            // Behind a lost acknowledgement none counts.
            if !self.loses_ack {
                let due = around.step + delay + dice.below(2) as u32;
                self.acks.push_back((due, decisions as u64, alerts as u64));
            }
        }
    }

    /// ClickHouse takes batches, as far as it answers.
    fn write(&mut self, around: &mut Surroundings<'_>, dice: &mut Dice) {
        if self.refused || around.troubles.sink_is_out(around.step) {
            return;
        }
        for _ in 0..dice.count(0, 4) {
            let Some((batch, facts, freshness)) = self.batches.pop_front() else {
                break;
            };
            if around.troubles.sink_unknown > 0 {
                around.troubles.sink_unknown -= 1;
                around.troubles.count(Kind::SinkUnknown);
                // Some of it arrives, or all; it is told to have failed, and comes again.
                let some = facts[..dice.count(0, facts.len())].to_vec();
                if some.len() == facts.len() {
                    around.arrive(Message::Rows(self.partition, some, freshness));
                } else {
                    around.arrive(Message::Rows(self.partition, some, None));
                }
                self.batches.push_front((batch, facts, freshness));
                break;
            }
            around.arrive(Message::Rows(self.partition, facts, freshness));
            self.written
                .push_back((around.step + dice.below(2) as u32, batch));
        }
    }

    fn archive(&mut self, around: &mut Surroundings<'_>) {
        while let Some((offset, bytes)) = self.snapshots.pop_front() {
            let troubles = around.troubles.owner(self.partition);
            if std::mem::take(&mut troubles.snapshot_fails) {
                around.troubles.count(Kind::SnapshotFails);
                let why = "no space left on device".into();
                self.event(Event::SnapshotFailed { offset, why }, around);
            } else if std::mem::take(&mut troubles.snapshot_torn) {
                around.troubles.count(Kind::SnapshotTorn);
                around.store_snapshot(self.partition, offset, bytes, false);
                self.life.die_at(around.step);
            } else {
                around.store_snapshot(self.partition, offset, bytes, true);
                self.event(Event::SnapshotStored { offset }, around);
            }
        }
    }

    fn event(&mut self, event: Event, around: &mut Surroundings<'_>) {
        let now_ms = around.steady_ms();
        let commands = match panics::caught(|| self.worker.step(event, now_ms)) {
            Ok(commands) => commands,
            Err(why) => {
                around.troubles.end_of(self.partition);
                self.life.die_at(around.step);
                return around
                    .violated(format!("the worker of partition {}: {why}", self.partition));
            }
        };
        for command in commands {
            if !self.life.carries_out() {
                return;
            }
            self.carry_out(command, around);
        }
    }

    fn carry_out(&mut self, command: Command, around: &mut Surroundings<'_>) {
        match command {
            Command::Consume { from } => self.next = from,
            Command::SendDecision { decision, .. } => {
                self.decisions.push_back(Message::Decision(decision))
            }
            Command::SendAlert(alert) => self.alerts.push_back(Message::Alert(alert)),
            Command::WriteRows {
                batch,
                facts,
                freshness,
            } => self.batches.push_back((batch, facts, freshness)),
            Command::StoreSnapshot { offset, bytes } => self.snapshots.push_back((offset, bytes)),
            Command::Tally(_) | Command::TallyFlags(_) => {}
            Command::Report(found) => around.outlet.report(self.partition, *found),
            Command::Halt { why } => {
                around.troubles.end_of(self.partition);
                self.life.die_at(around.step);
                around.violated(format!("partition {} halted: {why}", self.partition));
            }
            Command::Drained { stored } => {
                let is_over = around.troubles.closed && self.all_applied(around);
                if is_over && !matches!(stored, Stored::No { .. }) && !self.life.is_extra() {
                    around.troubles.end_of(self.partition);
                }
                self.life.die_at(around.step);
            }
        }
    }
}
