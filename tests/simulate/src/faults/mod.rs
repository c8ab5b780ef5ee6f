//! What goes wrong, as data: a list of faults, each at a step, that can be printed, read back, and made shorter.

mod plan;
pub mod shrink;

use std::fmt;
use std::str::FromStr;

/// The kinds of faults. Numbers `a` and `b` of a fault mean what stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The ingester dies after `a` more commands; of what is on its way, some arrives later.
    IngestCrash,
    /// An acknowledgement never comes: ingest ends `a` steps later, and starts again.
    IngestAckLost,
    /// It dies, and starts from `hissa.ingest` as that stood `a` writes ago.
    IngestOld,
    /// It is stopped for `a` steps while another one works, then lives `b` steps on.
    IngestZombie,
    /// A second one beside it, from `hissa.ingest` as that stood `a` writes ago, for `b` steps.
    IngestSecond,
    /// The owner of a partition dies after `a` more commands.
    OwnerCrash,
    /// An acknowledgement of the broker never comes: the owner ends `a` steps later.
    OwnerAckLost,
    /// It dies, and its successor restores a snapshot that is the `a`-th newest (from 0), or none.
    OwnerOld,
    /// It is stopped for `a` steps while another one works, then lives `b` steps on.
    OwnerZombie,
    /// It hands the partition over in order.
    OwnerMove,
    /// Its consumer brings the last `a` entries again.
    OwnerRewind,
    /// The broker takes little, and acknowledges `a` steps later, for `b` steps.
    BrokerSlow,
    /// ClickHouse does not answer for `a` steps.
    SinkOut,
    /// `a` inserts arrive, in part or whole, and are told to have failed.
    SinkUnknown,
    /// ClickHouse refuses the owner's rows for good; it is started again `a` steps later.
    SinkRefuses,
    /// The owner's next snapshot cannot be stored.
    SnapshotFails,
    /// It is torn by a loss of power, and the owner dies with it.
    SnapshotTorn,
    /// Of the `a`-th source nothing can be read for `b` steps.
    SourceSilent,
    /// The registry cannot be read for `a` steps.
    RegistrySilent,
    /// Ingest's own clock is `a` seconds behind for `b` steps.
    ClockBehind,
    /// It is `a` seconds ahead.
    ClockAhead,
    /// The broker loses the partition's next message of rows that it has acknowledged.
    BrokerLoses,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 22] = [
        Kind::IngestCrash,
        Kind::IngestAckLost,
        Kind::IngestOld,
        Kind::IngestZombie,
        Kind::IngestSecond,
        Kind::OwnerCrash,
        Kind::OwnerAckLost,
        Kind::OwnerOld,
        Kind::OwnerZombie,
        Kind::OwnerMove,
        Kind::OwnerRewind,
        Kind::BrokerSlow,
        Kind::SinkOut,
        Kind::SinkUnknown,
        Kind::SinkRefuses,
        Kind::SnapshotFails,
        Kind::SnapshotTorn,
        Kind::SourceSilent,
        Kind::RegistrySilent,
        Kind::ClockBehind,
        Kind::ClockAhead,
        Kind::BrokerLoses,
    ];

    /// Those behind which nothing may be missing.
    pub const HARMLESS: &[Kind] = Kind::ALL.split_at(21).0;

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::IngestCrash => "ingest-crash",
            Kind::IngestAckLost => "ingest-ack-lost",
            Kind::IngestOld => "ingest-old",
            Kind::IngestZombie => "ingest-zombie",
            Kind::IngestSecond => "ingest-second",
            Kind::OwnerCrash => "owner-crash",
            Kind::OwnerAckLost => "owner-ack-lost",
            Kind::OwnerOld => "owner-old",
            Kind::OwnerZombie => "owner-zombie",
            Kind::OwnerMove => "owner-move",
            Kind::OwnerRewind => "owner-rewind",
            Kind::BrokerSlow => "broker-slow",
            Kind::SinkOut => "sink-out",
            Kind::SinkUnknown => "sink-unknown",
            Kind::SinkRefuses => "sink-refuses",
            Kind::SnapshotFails => "snapshot-fails",
            Kind::SnapshotTorn => "snapshot-torn",
            Kind::SourceSilent => "source-silent",
            Kind::RegistrySilent => "registry-silent",
            Kind::ClockBehind => "clock-behind",
            Kind::ClockAhead => "clock-ahead",
            Kind::BrokerLoses => "broker-loses",
        }
    }
}

/// One fault. As text: `120 owner-zombie 2 5 9` (step, kind, partition, `a`, `b`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub step: u32,
    pub kind: Kind,
    /// Whose owner it is about; 0 for faults that are about no partition.
    pub partition: u16,
    pub a: u32,
    pub b: u32,
}

/// All that goes wrong in a run, by step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault {
            step,
            kind,
            partition,
            a,
            b,
        } = self;
        write!(f, "{step} {} {partition} {a} {b}", kind.as_str())
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Fault, String> {
        let wrong =
            || format!("{text:?} is no fault: expected step, kind, partition and two numbers");
        let mut parts = text.split_whitespace();
        let mut part = || parts.next().ok_or_else(wrong);
        let step = part()?.parse().map_err(|_| wrong())?;
        let word = part()?;
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(wrong)?;
        let partition = part()?.parse().map_err(|_| wrong())?;
        let a = part()?.parse().map_err(|_| wrong())?;
        let b = part()?.parse().map_err(|_| wrong())?;
        Ok(Fault {
            step,
            kind,
            partition,
            a,
            b,
        })
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<String> = self.0.iter().map(Fault::to_string).collect();
        f.write_str(&faults.join("; "))
    }
}

impl FromStr for Faults {
    type Err = String;

    fn from_str(text: &str) -> Result<Faults, String> {
        let faults = text
            .split([';', '\n'])
            .map(str::trim)
            .filter(|fault| !fault.is_empty());
        let mut faults: Vec<Fault> = faults.map(str::parse).collect::<Result<_, _>>()?;
        faults.sort_by_key(|fault| fault.step);
        Ok(Faults(faults))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Shape, Size};

    #[test]
    fn a_list_of_faults_is_read_as_it_was_printed() {
        for seed in 0..50 {
            let faults = Faults::of(&Shape::new(seed, Size::Full));
            assert!(faults.0.len() >= 10);
            assert_eq!(faults.to_string().parse(), Ok(faults));
        }
        assert!("7 owner-flies 0 0 0".parse::<Fault>().is_err());
    }
}
