//! A run: ingesters and owners of partitions in a world of fakes, step by step, with faults, then healed.
//!
//! The fakes promise what the real things do, and no more:
//! - [`log`]: a partition keeps entries in the order of their arrival; of one producer they arrive in the order in which
//!   they were sent, without gaps, but for the fault that loses one; an acknowledgement comes later, or never.
//! - [`store`]: a snapshot is there whole, or torn; the newest few are kept.
//! - [`clickhouse`]: an insert has arrived when it is acknowledged; when it is not, in part or whole or not at all.

pub mod clickhouse;
mod ghosts;
mod ingester;
mod life;
pub mod log;
pub mod outlet;
mod owner;
pub mod store;
mod troubles;

use std::collections::BTreeMap;

use hissa_core::registry::Entered;
use hissa_ingest::registry::EntryTimes;
use xxhash_rust::xxh3::Xxh3;

use crate::dice::Dice;
use crate::faults::{Faults, Kind};
use crate::scenario::{MINUTE_MS, Scenario};
use clickhouse::ClickHouse;
use ghosts::Ghosts;
use ingester::Ingester;
use log::Log;
use outlet::Outlet;
use owner::Owner;
use store::Store;
use troubles::Troubles;

/// Steps in which everything must have come to rest after the last fault.
const HEALING_STEPS: u32 = 4_000;

/// All but the actors.
pub struct Surroundings<'a> {
    pub scenario: &'a Scenario,
    /// The registry, as ingest reads it.
    pub registry: &'a [Entered],
    /// The seed of all that is not a fault and not the scenario: paces, orders, sizes.
    pub seed: u64,
    pub step: u32,
    /// The wall clock (UTC milliseconds).
    pub now_ms: i64,
    pub log: Log,
    pub outlet: Outlet,
    pub clickhouse: ClickHouse,
    pub store: Store,
    pub ghosts: Ghosts,
    pub troubles: Troubles,
    /// What went against the rules.
    pub violations: Vec<String>,
    /// A hash of all that happened.
    pub digest: Xxh3,
    /// Counts all that reaches a store, so that before and behind can be told.
    pub ticks: u64,
}

/// What a run leaves behind.
pub struct Ran {
    pub log: Log,
    pub outlet: Outlet,
    pub clickhouse: ClickHouse,
    pub store: Store,
    pub violations: Vec<String>,
    pub digest: u64,
    pub faults: BTreeMap<Kind, u64>,
    /// How often faults of two kinds happened at one step.
    pub pairs: u64,
    pub steps: u32,
}

impl Ran {
    /// Whether the broker lost what it had acknowledged: only then may rows be missing.
    pub fn lost(&self) -> bool {
        self.faults.contains_key(&Kind::BrokerLoses)
    }
}

struct World<'a> {
    around: Surroundings<'a>,
    ingesters: Vec<Ingester>,
    owners: Vec<Owner>,
    born: u64,
}

/// Runs a scenario with faults. `seed` fixes paces and orders.
pub fn run(scenario: &Scenario, faults: &Faults, seed: u64) -> Ran {
    let mut violations = Vec::new();
    let mut times = EntryTimes::default();
    let registry: Vec<Entered> = scenario
        .registry
        .iter()
        .filter_map(|command| match serde_json::from_slice(&command.text) {
            Ok(mut entered) => {
                times.lift(&mut entered);
                Some(entered)
            }
            Err(why) => {
                violations.push(format!("a command of the scenario is none: {why}"));
                None
            }
        })
        .collect();
    let partitions = scenario.shape.partitions;
    let mut world = World {
        around: Surroundings {
            scenario,
            registry: &registry,
            seed,
            step: 0,
            now_ms: scenario.shape.start_ms - 90 * MINUTE_MS,
            log: Log::new(partitions),
            outlet: Outlet::new(partitions),
            clickhouse: ClickHouse::default(),
            store: Store::default(),
            ghosts: Ghosts::default(),
            troubles: Troubles::new(partitions),
            violations,
            digest: Xxh3::new(),
            ticks: 0,
        },
        ingesters: Vec::new(),
        owners: Vec::new(),
        born: 0,
    };
    world.live(faults);
    world.heal();
    let steps = world.around.step;
    let around = world.around;
    Ran {
        log: around.log,
        outlet: around.outlet,
        clickhouse: around.clickhouse,
        store: around.store,
        violations: around.violations,
        digest: around.digest.digest(),
        faults: around.troubles.happened,
        pairs: around.troubles.pairs,
        steps,
    }
}

impl World<'_> {
    fn live(&mut self, faults: &Faults) {
        let shape = &self.around.scenario.shape;
        let (steps, end_ms) = (shape.steps, shape.end_ms);
        let mut faults = faults.0.iter().peekable();
        while self.around.step < steps && self.around.violations.is_empty() {
            self.around.step += 1;
            let left = i64::from(steps - self.around.step + 1);
            let pace = (end_ms - self.around.now_ms) / left;
            let mut dice = self.around.dice(0);
            self.around.now_ms += dice.within(pace / 4, pace * 7 / 4);
            let mut struck = Vec::new();
            while let Some(fault) = faults.next_if(|fault| fault.step <= self.around.step) {
                if self.strike(fault) && !struck.contains(&fault.kind) {
                    struck.push(fault.kind);
                }
            }
            self.around.troubles.pairs += u64::from(struck.len() > 1);
            self.step(&mut dice);
        }
        self.around.now_ms = self.around.now_ms.max(end_ms);
    }

    /// Ends all troubles, and goes on until everything has come to rest.
    fn heal(&mut self) {
        self.around.troubles.end();
        let step = self.around.step;
        for ingester in &mut self.ingesters {
            ingester.heal(step);
        }
        for owner in &mut self.owners {
            owner.heal(step);
        }
        self.bury();
        for _ in 0..HEALING_STEPS {
            if self.is_at_rest() || !self.around.violations.is_empty() {
                return;
            }
            self.around.step += 1;
            self.around.now_ms += MINUTE_MS;
            let mut dice = self.around.dice(0);
            self.step(&mut dice);
        }
        let (ingesters, owners) = (&self.ingesters, &self.owners);
        let told = format!(
            "after {HEALING_STEPS} steps without a fault it is not at rest: {:?} {:?}",
            ingesters
                .iter()
                .map(|ingester| ingester.told(&self.around))
                .collect::<Vec<_>>(),
            owners
                .iter()
                .map(|owner| owner.told(&self.around))
                .collect::<Vec<_>>(),
        );
        self.around.violations.push(told);
    }

    fn is_at_rest(&mut self) -> bool {
        let around = &mut self.around;
        let is_published = !self.ingesters.is_empty()
            && self
                .ingesters
                .iter()
                .all(|ingester| ingester.is_done(around));
        if !around.ghosts.is_empty() || !(around.troubles.closed || is_published) {
            return false;
        }
        around.troubles.closed = true;
        // Everything is in the log: the owners read to its end, and hand over.
        let mut rest = true;
        for partition in around.scenario.shape.partitions.numbers() {
            let owner = self
                .owners
                .iter_mut()
                .find(|owner| owner.partition == partition);
            rest &= match owner {
                Some(owner) => owner.ends(around),
                None => around.troubles.ended(partition),
            };
        }
        rest
    }

    fn step(&mut self, dice: &mut Dice) {
        self.bear();
        self.around.haunt();
        let mut actors: Vec<(bool, usize)> = (0..self.ingesters.len())
            .map(|place| (true, place))
            .collect();
        actors.extend((0..self.owners.len()).map(|place| (false, place)));
        dice.shuffle(&mut actors);
        for (is_ingester, place) in actors {
            match is_ingester {
                true => self.ingesters[place].step(&mut self.around),
                false => self.owners[place].step(&mut self.around),
            }
        }
        self.bury();
    }

    /// Starts what is missing: one ingester, and one owner of each partition.
    fn bear(&mut self) {
        let around = &mut self.around;
        if self
            .ingesters
            .iter()
            .all(|ingester| ingester.life.is_extra())
            && around.troubles.ingest_may_start(around.step)
        {
            self.born += 1;
            let back = std::mem::take(&mut around.troubles.ingest_back);
            self.ingesters
                .push(Ingester::start(around, self.born, back));
        }
        for partition in around.scenario.shape.partitions.numbers() {
            let is_owned = self
                .owners
                .iter()
                .any(|owner| owner.partition == partition && !owner.life.is_extra());
            if !is_owned && around.troubles.owner_may_start(partition, around.step) {
                self.born += 1;
                self.owners.push(Owner::start(around, self.born, partition));
            }
        }
    }

    /// Takes away the dead; of what they had sent, some still arrives.
    fn bury(&mut self) {
        let around = &mut self.around;
        let step = around.step;
        for ingester in self
            .ingesters
            .extract_if(.., |ingester| ingester.life.is_dead(step))
        {
            ingester.die(around);
        }
        for owner in self.owners.extract_if(.., |owner| owner.life.is_dead(step)) {
            owner.die(around);
        }
    }
}

impl Surroundings<'_> {
    /// Dice of an actor at this step.
    pub fn dice(&self, actor: u64) -> Dice {
        Dice::at(self.seed, self.step, actor)
    }

    /// The steady clock of an aggregator.
    pub fn steady_ms(&self) -> u64 {
        let since = self.now_ms - self.scenario.shape.start_ms + 24 * 60 * MINUTE_MS;
        u64::try_from(since).unwrap_or(0)
    }

    pub fn violated(&mut self, what: String) {
        // One is enough to make a seed fail; a few more help to see why.
        if self.violations.len() < 20 {
            let step = self.step;
            self.violations.push(format!("step {step}: {what}"));
        }
    }

    pub fn tick(&mut self) -> u64 {
        self.ticks += 1;
        self.ticks
    }
}
