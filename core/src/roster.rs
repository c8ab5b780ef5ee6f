//! The enrolled SIMs of a shard, in the order of their first enrolment, which is the order of the log.

use serde::{Deserialize, Serialize};

use crate::calendar::{Day, Month};
use crate::decision::Action;
use crate::fixed_hash::FixedMap;
use crate::ledger::Balance;
use crate::registry::Class;
use crate::sim::SimId;

/// The classes that a SIM's enrolment decides, in the order in which it decides them.
pub(crate) const DECIDED: [Class; 3] = [Class::Education, Class::Other, Class::System];

/// One enrolled SIM.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sim {
    pub(crate) id: SimId,
    /// By number; the programme may not know it.
    pub(crate) cohort: u32,
    pub(crate) place: u32,
    /// The earliest `valid_from` of its enrolments.
    pub(crate) enrolled_from: Day,
    /// What was last emitted, by the index of the class.
    pub(crate) decided: [Decided; 3],
    pub(crate) alerts: QuotaAlerts,
    /// Of the months that are open, and of those still to come that had rows early.
    pub(crate) balances: Vec<Balance>,
    pub(crate) assignment: Assigned,
}

/// The last decision of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(u8, u32, u64)", into = "(u8, u32, u64)")]
pub(crate) struct Decided {
    pub(crate) action: Action,
    /// 0 before the first.
    pub(crate) sequence: u64,
}

// The shape of an action is made for JSON (tagged), which binary forms cannot read back.
impl From<Decided> for (u8, u32, u64) {
    fn from(decided: Decided) -> (u8, u32, u64) {
        let code = match decided.action {
            Action::Allow => 0,
            Action::Throttle { .. } => 1,
            Action::Block => 2,
        };
        (code, decided.action.kbit_s(), decided.sequence)
    }
}

impl TryFrom<(u8, u32, u64)> for Decided {
    type Error = &'static str;

    fn try_from((code, kbit_s, sequence): (u8, u32, u64)) -> Result<Decided, &'static str> {
        let action = match code {
            0 => Action::Allow,
            1 => Action::Throttle { kbit_s },
            2 => Action::Block,
            _ => return Err("an unknown action of a decision"),
        };
        Ok(Decided { action, sequence })
    }
}

/// The alerts of the current cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QuotaAlerts {
    pub(crate) quota_80: AlertState,
    pub(crate) exhausted: AlertState,
    /// SimExhausted came first, so that SimQuota80 never fires in this cycle.
    pub(crate) quota_80_skipped: bool,
}

/// One alert of one cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AlertState {
    /// The last revision; 0 before the first.
    pub(crate) revision: u32,
    pub(crate) firing: bool,
}

/// The newest assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Assigned {
    pub(crate) valid_from: Day,
    pub(crate) revision: u64,
    /// The offset of the entry that brought it.
    pub(crate) version: u64,
    /// Whether the row waits to be taken. No part of the state.
    #[serde(skip)]
    pub(crate) dirty: bool,
}

impl Sim {
    pub(crate) fn balance(&self, month: Month) -> Option<&Balance> {
        self.balances.iter().find(|balance| balance.month == month)
    }

    pub(crate) fn balance_mut(&mut self, month: Month) -> Option<&mut Balance> {
        self.balances
            .iter_mut()
            .find(|balance| balance.month == month)
    }
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster {
    sims: Vec<Sim>,
    numbers: FixedMap<SimId, u32>,
}

impl Roster {
    pub(crate) fn number(&self, id: &SimId) -> Option<u32> {
        self.numbers.get(id).copied()
    }

    /// Adds a SIM that is not known.
    pub(crate) fn enrol(&mut self, sim: Sim) -> u32 {
        let number = u32::try_from(self.sims.len()).unwrap_or(u32::MAX);
        assert!(number < u32::MAX, "a shard holds fewer than 2³² SIMs");
        let known = self.numbers.insert(sim.id, number);
        assert!(known.is_none(), "a SIM is enrolled once");
        self.sims.push(sim);
        number
    }

    pub(crate) fn get(&self, number: u32) -> &Sim {
        &self.sims[number as usize]
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> &mut Sim {
        &mut self.sims[number as usize]
    }

    /// The numbers of all SIMs, in order.
    pub(crate) fn numbers(&self) -> std::ops::Range<u32> {
        // `enrol` keeps them below 2³².
        0..self.sims.len() as u32
    }

    pub(crate) fn all(&self) -> &[Sim] {
        &self.sims
    }

    pub(crate) fn all_mut(&mut self) -> &mut [Sim] {
        &mut self.sims
    }

    pub(crate) fn len(&self) -> usize {
        self.sims.len()
    }
}

impl FromIterator<Sim> for Roster {
    fn from_iter<I: IntoIterator<Item = Sim>>(sims: I) -> Roster {
        let mut roster = Roster::default();
        for sim in sims {
            roster.enrol(sim);
        }
        roster
    }
}
