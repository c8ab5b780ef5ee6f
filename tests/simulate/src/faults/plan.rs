//! The faults of a seed.

use super::{Fault, Faults, Kind};
use crate::dice::Dice;
use crate::scenario::Shape;

impl Faults {
    /// Fourteen faults or more (some find nobody to happen to); a third of them come with one of another kind at the same
    /// step.
    pub fn of(shape: &Shape) -> Faults {
        let dice = &mut Dice::of(shape.seed, "faults");
        let mut faults = Vec::new();
        for number in 0..dice.count(14, 30) {
            let step = 1 + dice.below(u64::from(shape.steps - 1)) as u32;
            let first = fault(step, *dice.pick(Kind::HARMLESS), shape, dice);
            faults.push(first);
            if number < 2 || dice.permille(350) {
                let second = fault(step, *dice.pick(Kind::HARMLESS), shape, dice);
                if second.kind != first.kind {
                    faults.push(second);
                }
            }
        }
        faults.extend(losses(shape));
        faults.sort_by_key(|fault| fault.step);
        Faults(faults)
    }
}

/// In every fourth seed that reads as rows come, the broker breaks its word once or twice: only there may rows be missing.
/// What is played is never lost, for it is held against an undisturbed run.
fn losses(shape: &Shape) -> Vec<Fault> {
    let dice = &mut Dice::of(shape.seed, "losses");
    if shape.played || dice.permille(750) {
        return Vec::new();
    }
    let count = dice.count(1, 2);
    let loss = |_| {
        let step = 1 + dice.below(u64::from(shape.steps - 1)) as u32;
        fault(step, Kind::BrokerLoses, shape, dice)
    };
    (0..count).map(loss).collect()
}

fn fault(step: u32, kind: Kind, shape: &Shape, dice: &mut Dice) -> Fault {
    let mut up_to = |most: u64| dice.below(most + 1) as u32;
    let (a, b) = match kind {
        Kind::IngestCrash | Kind::OwnerCrash => (up_to(12), 0),
        Kind::IngestAckLost | Kind::OwnerAckLost => (up_to(4), 0),
        Kind::IngestOld => (up_to(40), 0),
        Kind::IngestZombie | Kind::OwnerZombie => (1 + up_to(8), 1 + up_to(10)),
        Kind::IngestSecond => (up_to(40), 1 + up_to(10)),
        Kind::OwnerOld => (up_to(3), 0),
        Kind::OwnerMove | Kind::SnapshotFails | Kind::SnapshotTorn | Kind::BrokerLoses => (0, 0),
        Kind::OwnerRewind => (1 + up_to(30), 0),
        Kind::BrokerSlow => (1 + up_to(5), 1 + up_to(12)),
        Kind::SinkOut => (2 + up_to(30), 0),
        Kind::SinkUnknown => (1 + up_to(4), 0),
        Kind::SinkRefuses => (1 + up_to(12), 0),
        Kind::SourceSilent => (up_to(3), 1 + up_to(25)),
        Kind::RegistrySilent => (1 + up_to(8), 0),
        Kind::ClockBehind | Kind::ClockAhead => (1 + up_to(100), 1 + up_to(10)),
    };
    let partition = dice.below(u64::from(shape.partitions.count())) as u16;
    Fault {
        step,
        kind,
        partition,
        a,
        b,
    }
}
