//! The registry's commands (docs/registry.md).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::day::Day;
use crate::names::{Class, Pseudonym};
use crate::period::{Every, Scope};
use crate::record::Counter;

/// One message of `hissa.registry`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Message {
    pub(crate) entered_at_ms: i64,
    pub(crate) command: Command,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase")]
pub(crate) enum Command {
    Programme(Programme),
    Calendar {
        entries: Vec<Span>,
    },
    Catalogue(Catalogue),
    Feed(FeedRules),
    Enrol(Enrol),
    Retire {
        sim: Pseudonym,
        at: Day,
    },
    Opening(Opening),
    Grant(Grant),
    Void {
        grant: String,
        sim: Option<Pseudonym>,
    },
    Breaker {
        action: BreakerAction,
        cohort: String,
    },
    Logic {
        version: u64,
    },
}

impl Command {
    /// The SIM to whose partition alone the command goes.
    pub(crate) fn sim(&self) -> Option<Pseudonym> {
        match self {
            Command::Enrol(enrol) => Some(enrol.sim),
            Command::Retire { sim, .. } => Some(*sim),
            Command::Opening(opening) => Some(opening.sim),
            Command::Grant(grant) => grant.sim,
            Command::Void { sim, .. } => *sim,
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Programme {
    pub(crate) policy_version: String,
    pub(crate) timezone: String,
    pub(crate) closes_after_days: i32,
    pub(crate) unknown_charged_to: Class,
    pub(crate) cohorts: Vec<Cohort>,
    #[serde(default)]
    pub(crate) tablet_tacs: Vec<u32>,
    #[serde(default)]
    pub(crate) router_tacs: Vec<u32>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Cohort {
    pub(crate) id: String,
    pub(crate) enforce_from: Option<Day>,
    pub(crate) allowances: Vec<Allowance>,
    pub(crate) thresholds: Vec<u32>,
    #[serde(default)]
    pub(crate) restore_over_ms: u64,
    #[serde(default)]
    pub(crate) breaker: Bounds,
}

/// When a breaker trips (B2).
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Bounds {
    pub(crate) share_permille: u64,
    pub(crate) at_least: u64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            share_permille: 200,
            at_least: 20,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Allowance {
    pub(crate) id: String,
    pub(crate) scope: Scope,
    pub(crate) bytes: u64,
    pub(crate) every: Every,
    #[serde(default)]
    pub(crate) rollover_max_bytes: u64,
    pub(crate) on_exhausted: OnExhausted,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub(crate) enum OnExhausted {
    Block,
    Throttle { kbit_s: u32 },
    Notify,
}

/// An entry of the calendar, both days inclusive.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Span {
    pub(crate) kind: SpanKind,
    pub(crate) from: Day,
    pub(crate) to: Day,
    pub(crate) cohorts: Option<Vec<String>>,
    pub(crate) opens: Option<Vec<Class>>,
}

impl Span {
    pub(crate) fn holds(&self, day: Day) -> bool {
        self.from <= day && day <= self.to
    }

    pub(crate) fn is_for(&self, cohort: &str) -> bool {
        self.cohorts
            .as_ref()
            .is_none_or(|cohorts| cohorts.iter().any(|id| id == cohort))
    }

    pub(crate) fn opens(&self, class: Class) -> bool {
        self.opens
            .as_ref()
            .is_some_and(|opens| opens.contains(&class))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SpanKind {
    Term,
    Break,
    Holiday,
    Exam,
    Ramadan,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Catalogue {
    pub(crate) version: String,
    pub(crate) rules: Vec<TrafficRule>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct TrafficRule {
    pub(crate) rating_group: u32,
    pub(crate) service_id: Option<u32>,
    pub(crate) class: Class,
    pub(crate) service: String,
    pub(crate) valid_from: Option<Day>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct FeedRules {
    pub(crate) id: String,
    pub(crate) future_tolerance_ms: i64,
    pub(crate) counter: Option<Counter>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Enrol {
    pub(crate) sim: Pseudonym,
    pub(crate) device: Option<Pseudonym>,
    #[serde(default)]
    pub(crate) device_tac: Option<u32>,
    pub(crate) cohort: String,
    pub(crate) valid_from: Day,
    pub(crate) valid_until: Option<Day>,
    pub(crate) place: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Opening {
    pub(crate) sim: Pseudonym,
    pub(crate) allowance: String,
    pub(crate) used_bytes: u64,
    pub(crate) as_of: Day,
    pub(crate) revision: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Grant {
    pub(crate) id: String,
    pub(crate) cohort: Option<String>,
    pub(crate) sim: Option<Pseudonym>,
    pub(crate) allowance: String,
    pub(crate) bytes: u64,
    pub(crate) valid_from: Day,
    pub(crate) valid_until: Day,
    pub(crate) priority: i64,
    pub(crate) donor: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BreakerAction {
    Release,
    Drop,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::day;

    #[test]
    fn the_pages_own_message_reads() {
        let text = r#"{"entered_at_ms": 1769817600000, "command":
            {"command": "retire", "sim": "6f000000000000000000000000000000", "at": "2026-03-10"}}"#;
        let message: Message = serde_json::from_str(text).unwrap();
        assert!(matches!(message.command, Command::Retire { at, .. } if at == day("2026-03-10")));
    }

    #[test]
    fn what_may_be_absent_has_its_value() {
        let text = r#"{"id": "c", "enforce_from": null, "allowances": [{"id": "e", "scope": "all", "bytes": 1,
            "every": {"days": 30}, "on_exhausted": {"action": "throttle", "kbit_s": 512}}], "thresholds": [80]}"#;
        let cohort: Cohort = serde_json::from_str(text).unwrap();
        assert_eq!(
            (cohort.breaker.share_permille, cohort.breaker.at_least),
            (200, 20)
        );
        assert_eq!(cohort.allowances[0].every, Every::Days(30));
        assert_eq!(cohort.allowances[0].rollover_max_bytes, 0);
    }
}
