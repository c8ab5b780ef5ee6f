//! What is wrong at present, and how faults begin.

use std::collections::BTreeMap;

use hissa_core::sim::Partitions;

use super::World;
use crate::faults::{Fault, Kind};

/// What is wrong at present.
pub struct Troubles {
    /// How often a fault of a kind has happened to somebody.
    pub happened: BTreeMap<Kind, u64>,
    /// How often faults of two kinds happened at one step.
    pub pairs: u64,
    ingest_starts_at: u32,
    /// So many writes of `hissa.ingest` the next ingester does not know.
    pub ingest_back: u32,
    owners: Vec<Ownership>,
    broker_slow: (u32, u32),
    sink_out_until: u32,
    pub sink_unknown: u32,
    silent: Vec<(usize, u32)>,
    registry_silent_until: u32,
    clock: (i64, u32),
    /// The log gets no more entries.
    pub closed: bool,
}

/// What is to happen to the owner of a partition.
#[derive(Clone, Default)]
pub struct Ownership {
    starts_at: u32,
    /// So many of the newest snapshots its next owner does not find.
    pub back: u32,
    pub snapshot_fails: bool,
    pub snapshot_torn: bool,
    /// So many messages of rows the broker will lose.
    pub loses: u32,
    /// It has handed over, and there is no more to do; or it has halted.
    ended: bool,
}

impl Troubles {
    pub fn new(partitions: Partitions) -> Troubles {
        Troubles {
            happened: BTreeMap::new(),
            pairs: 0,
            ingest_starts_at: 0,
            ingest_back: 0,
            owners: partitions.numbers().map(|_| Ownership::default()).collect(),
            broker_slow: (0, 0),
            sink_out_until: 0,
            sink_unknown: 0,
            silent: Vec::new(),
            registry_silent_until: 0,
            clock: (0, 0),
            closed: false,
        }
    }

    /// All that can end by itself ends.
    pub fn end(&mut self) {
        let ended = Troubles {
            happened: std::mem::take(&mut self.happened),
            pairs: self.pairs,
            owners: std::mem::take(&mut self.owners),
            ..Troubles::new(Partitions::SMALL)
        };
        *self = ended;
        for owner in &mut self.owners {
            (owner.snapshot_fails, owner.snapshot_torn, owner.starts_at) = (false, false, 0);
            owner.loses = 0;
        }
    }

    pub fn count(&mut self, kind: Kind) {
        *self.happened.entry(kind).or_default() += 1;
    }

    pub fn owner(&mut self, partition: u16) -> &mut Ownership {
        &mut self.owners[usize::from(partition)]
    }

    /// The partition's work is over: nobody owns it from here on.
    pub fn end_of(&mut self, partition: u16) {
        self.owner(partition).ended = true;
    }

    pub fn ended(&self, partition: u16) -> bool {
        self.owners[usize::from(partition)].ended
    }

    pub fn ingest_may_start(&self, step: u32) -> bool {
        step >= self.ingest_starts_at && !self.closed
    }

    pub fn owner_may_start(&self, partition: u16, step: u32) -> bool {
        let owner = &self.owners[usize::from(partition)];
        !owner.ended && step >= owner.starts_at
    }

    pub fn next_ingester_at(&mut self, step: u32) {
        self.ingest_starts_at = step;
    }

    pub fn next_owner_at(&mut self, partition: u16, step: u32) {
        self.owner(partition).starts_at = step;
    }

    /// Steps until an acknowledgement comes.
    pub fn ack_delay(&self, step: u32) -> u32 {
        match self.broker_slow {
            (delay, until) if step < until => delay,
            _ => 0,
        }
    }

    pub fn sink_is_out(&self, step: u32) -> bool {
        step < self.sink_out_until
    }

    pub fn is_silent(&self, source: usize, step: u32) -> bool {
        self.silent
            .iter()
            .any(|(silent, until)| *silent == source && step < *until)
    }

    pub fn registry_is_silent(&self, step: u32) -> bool {
        step < self.registry_silent_until
    }

    /// How wrong ingest's own clock is.
    pub fn clock_ms(&self, step: u32) -> i64 {
        match self.clock {
            (wrong_ms, until) if step < until => wrong_ms,
            _ => 0,
        }
    }
}

impl World<'_> {
    /// Lets a fault begin; says whether it happens at this step. It may find nobody to happen to.
    pub(super) fn strike(&mut self, fault: &Fault) -> bool {
        let step = self.around.step;
        let happened = match fault.kind {
            Kind::IngestCrash
            | Kind::IngestAckLost
            | Kind::IngestOld
            | Kind::IngestZombie
            | Kind::IngestSecond => self.strike_ingest(fault),
            Kind::OwnerCrash
            | Kind::OwnerAckLost
            | Kind::OwnerOld
            | Kind::OwnerZombie
            | Kind::OwnerMove
            | Kind::OwnerRewind
            | Kind::SinkRefuses => self.strike_owner(fault),
            _ => {
                let troubles = &mut self.around.troubles;
                let (a, until_a, until_b) = (fault.a, step + fault.a, step + fault.b);
                match fault.kind {
                    Kind::BrokerSlow => troubles.broker_slow = (a, until_b),
                    Kind::SinkOut => troubles.sink_out_until = until_a,
                    Kind::SourceSilent => troubles
                        .silent
                        .push((a as usize % self.around.scenario.topics.len(), until_b)),
                    Kind::RegistrySilent => troubles.registry_silent_until = until_a,
                    Kind::ClockBehind => troubles.clock = (-1_000 * i64::from(a), until_b),
                    Kind::ClockAhead => troubles.clock = (1_000 * i64::from(a), until_b),
                    // These are counted where they happen.
                    Kind::SinkUnknown => troubles.sink_unknown += a,
                    Kind::BrokerLoses => troubles.owner(fault.partition).loses += 1,
                    Kind::SnapshotFails => troubles.owner(fault.partition).snapshot_fails = true,
                    _ => troubles.owner(fault.partition).snapshot_torn = true,
                }
                !matches!(
                    fault.kind,
                    Kind::SinkUnknown
                        | Kind::SnapshotFails
                        | Kind::SnapshotTorn
                        | Kind::BrokerLoses
                )
            }
        };
        if happened {
            self.around.troubles.count(fault.kind);
        }
        happened
    }

    fn strike_ingest(&mut self, fault: &Fault) -> bool {
        let step = self.around.step;
        let Some(ingester) = self
            .ingesters
            .iter_mut()
            .find(|ingester| !ingester.life.is_extra())
        else {
            return false;
        };
        match fault.kind {
            Kind::IngestCrash => ingester.life.die_after(fault.a),
            Kind::IngestAckLost => ingester.lose_ack(step + fault.a),
            Kind::IngestOld => {
                self.around.troubles.ingest_back = fault.a;
                ingester.life.die_at(step);
            }
            Kind::IngestZombie => ingester
                .life
                .become_extra(step + fault.a, step + fault.a + fault.b),
            _ => {
                self.born += 1;
                let mut second = super::Ingester::start(&mut self.around, self.born, fault.a);
                second.life.become_extra(0, step + fault.b);
                self.ingesters.push(second);
            }
        }
        true
    }

    fn strike_owner(&mut self, fault: &Fault) -> bool {
        let (step, partition) = (self.around.step, fault.partition);
        let owner = self
            .owners
            .iter_mut()
            .find(|owner| owner.partition == partition && !owner.life.is_extra());
        let Some(owner) = owner else {
            return false;
        };
        match fault.kind {
            Kind::OwnerCrash => owner.life.die_after(fault.a),
            Kind::OwnerAckLost => owner.lose_ack(step + fault.a),
            Kind::OwnerOld => {
                self.around.troubles.owner(partition).back = fault.a;
                owner.life.die_at(step);
            }
            Kind::OwnerZombie => owner
                .life
                .become_extra(step + fault.a, step + fault.a + fault.b),
            Kind::OwnerMove => owner.move_away(&mut self.around),
            Kind::OwnerRewind => owner.rewind(u64::from(fault.a)),
            _ => owner.refuse_rows(&mut self.around, step + fault.a),
        }
        true
    }
}
