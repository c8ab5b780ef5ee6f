//! The rules in force: what the registry's commands said last (section 12).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::day::Day;
use crate::names::{Class, Feed, Pseudonym};
use crate::record::Counter;
use crate::registry::{Catalogue, FeedRules, Grant, Programme, Span, SpanKind, TrafficRule};
use crate::zone::Zone;

/// How late a row's end may lie behind its delivery where no `feed` command says (O5).
pub(crate) const TOLERANCE: i64 = 300_000;

/// After how many days what ended closes where no programme says (Q3).
const CLOSES_AFTER: i32 = 7;

/// A grant that was entered, and whether it is void.
#[derive(Clone, Debug)]
pub(crate) struct GrantEntry {
    pub(crate) grant: Grant,
    pub(crate) void: bool,
}

/// All that commands about more than one SIM said.
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) zone: Zone,
    pub(crate) programme: Option<Arc<Programme>>,
    pub(crate) spans: Arc<Vec<Span>>,
    pub(crate) catalogues: Vec<Arc<Catalogue>>,
    pub(crate) feeds: BTreeMap<Feed, FeedRules>,
    /// The smallest tolerance that a feed ever had.
    pub(crate) least_tolerances: BTreeMap<Feed, i64>,
    /// In the order of their entry.
    pub(crate) grants: Vec<GrantEntry>,
}

impl Rules {
    pub(crate) fn new() -> Rules {
        Rules {
            zone: Zone::UTC,
            programme: None,
            spans: Arc::default(),
            catalogues: Vec::new(),
            feeds: BTreeMap::new(),
            least_tolerances: BTreeMap::new(),
            grants: Vec::new(),
        }
    }

    /// After how many days what ended closes (Q3).
    pub(crate) fn closes_after(&self) -> i32 {
        self.programme
            .as_ref()
            .map_or(CLOSES_AFTER, |programme| programme.closes_after_days)
    }

    pub(crate) fn policy_version(&self) -> String {
        self.programme
            .as_ref()
            .map(|programme| programme.policy_version.clone())
            .unwrap_or_default()
    }

    pub(crate) fn catalogue_version(&self) -> String {
        self.catalogues
            .last()
            .map(|catalogue| catalogue.version.clone())
            .unwrap_or_default()
    }

    /// How far a row's end may lie behind its delivery (O5).
    pub(crate) fn tolerance(&self, feed: Feed, again: bool) -> i64 {
        let now = self
            .feeds
            .get(&feed)
            .map_or(TOLERANCE, |rules| rules.future_tolerance_ms);
        let least = self.least_tolerances.get(&feed).copied();
        if again { least.unwrap_or(now) } else { now }
    }

    /// What a feed's counters are where a row does not say (C1).
    pub(crate) fn counter(&self, feed: Feed) -> Counter {
        self.feeds
            .get(&feed)
            .and_then(|rules| rules.counter)
            .unwrap_or(Counter::Delta)
    }

    /// The class and service of traffic on a usage day (K1, K2).
    pub(crate) fn classify(&self, rating_group: u32, service_id: u32, day: Day) -> (Class, &str) {
        for catalogue in self.catalogues.iter().rev() {
            let holding = catalogue.rules.iter().filter(|rule| {
                rule.rating_group == rating_group
                    && rule.service_id.is_none_or(|id| id == service_id)
                    && rule.valid_from.is_none_or(|from| from <= day)
            });
            if let Some(rule) =
                holding.max_by_key(|rule| (rule.service_id.is_some(), rule.valid_from))
            {
                return (rule.class, &rule.service);
            }
        }
        (Class::Unknown, "")
    }

    /// The class that pays for bytes of a class; none before the first programme (Q5).
    pub(crate) fn charged(&self, class: Class) -> Option<Class> {
        let programme = self.programme.as_ref()?;
        Some(if class == Class::Unknown {
            programme.unknown_charged_to
        } else {
            class
        })
    }

    /// Whether no break or holiday contains the day, and it is no Sunday (W4).
    pub(crate) fn is_school_day(&self, day: Day, cohort: &str) -> bool {
        let off = |span: &Span| {
            matches!(span.kind, SpanKind::Break | SpanKind::Holiday)
                && span.holds(day)
                && span.is_for(cohort)
        };
        day.since_monday() != 6 && !self.spans.iter().any(off)
    }

    /// The grant of that id, by its place in the order of entry.
    pub(crate) fn grant(&self, id: &str) -> Option<usize> {
        self.grants.iter().position(|entry| entry.grant.id == id)
    }

    /// Whether a SIM of a cohort has a grant (Q8).
    pub(crate) fn has(&self, sim: Pseudonym, cohort: Option<&str>, entry: &GrantEntry) -> bool {
        let names_sim = entry.grant.sim == Some(sim);
        let names_cohort = entry.grant.cohort.is_some() && entry.grant.cohort.as_deref() == cohort;
        !entry.void && (names_sim || names_cohort)
    }

    /// Whether a rule of a catalogue stands in an earlier version (K3).
    pub(crate) fn stands(&self, rule: &TrafficRule) -> bool {
        self.catalogues
            .iter()
            .any(|catalogue| catalogue.rules.contains(rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::day;

    fn rule(service_id: Option<u32>, class: Class, from: Option<&str>) -> TrafficRule {
        let service = format!("{service_id:?}-{from:?}");
        TrafficRule {
            rating_group: 1,
            service_id,
            class,
            service,
            valid_from: from.map(day),
        }
    }

    fn class(catalogues: &[&[TrafficRule]], service_id: u32, on: &str) -> Class {
        let mut rules = Rules::new();
        for version in catalogues {
            let catalogue = Catalogue {
                version: String::new(),
                rules: version.to_vec(),
            };
            rules.catalogues.push(Arc::new(catalogue));
        }
        rules.classify(1, service_id, day(on)).0
    }

    #[test]
    fn a_rule_with_a_service_id_beats_a_later_one_without() {
        let rules = [
            rule(Some(11), Class::Education, None),
            rule(None, Class::Other, Some("2026-02-01")),
            rule(None, Class::System, None),
        ];
        assert_eq!(class(&[&rules], 11, "2026-03-01"), Class::Education);
        assert_eq!(class(&[&rules], 12, "2026-03-01"), Class::Other);
        assert_eq!(class(&[&rules], 12, "2026-01-31"), Class::System);
    }

    #[test]
    fn the_newest_version_with_a_rule_that_holds_decides() {
        let first = [rule(Some(11), Class::Education, None)];
        let second = [rule(None, Class::Other, Some("2026-02-01"))];
        assert_eq!(class(&[&first, &second], 11, "2026-02-01"), Class::Other);
        assert_eq!(
            class(&[&first, &second], 11, "2026-01-31"),
            Class::Education
        );
        assert_eq!(class(&[&first, &second], 12, "2026-01-31"), Class::Unknown);
    }

    #[test]
    fn sundays_and_holidays_are_no_school_days() {
        let mut rules = Rules::new();
        let holiday = Span {
            kind: SpanKind::Holiday,
            from: day("2026-02-10"),
            to: day("2026-02-10"),
            cohorts: Some(vec!["a".to_owned()]),
            opens: None,
        };
        rules.spans = Arc::new(vec![holiday]);
        assert!(!rules.is_school_day(day("2026-02-10"), "a"));
        assert!(rules.is_school_day(day("2026-02-10"), "b"));
        assert!(!rules.is_school_day(day("2026-02-08"), "a"));
        assert!(rules.is_school_day(day("2026-02-07"), "a"));
    }
}
