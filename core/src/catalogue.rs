//! Traffic to class and service: the catalogue in a form that a row can ask.
//!
//! A catalogue is versioned, and its rules hold by usage instant. So earlier versions stay: usage from before a new
//! version's rules hold is still what it was. The newest version with a rule that holds decides.

use crate::fixed_hash::FixedMap;
use crate::interned::Interned;
use crate::registry::{self, Class, Rule};
use crate::zone::{Day, Zone};

/// A service by number; [`NO_SERVICE`] is the empty one.
pub(crate) type ServiceNumber = u32;

/// The empty service, of traffic that no rule knows.
pub(crate) const NO_SERVICE: ServiceNumber = 0;

/// The compiled catalogue: all versions, the newest last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    versions: Vec<Version>,
}

/// One compiled version.
#[derive(Clone, Debug)]
struct Version {
    /// As the registry told it.
    source: registry::Catalogue,
    /// Rules that name a service id. They beat those without.
    exact: FixedMap<(u32, u32), Vec<Holding>>,
    general: FixedMap<u32, Vec<Holding>>,
}

/// From when on traffic is of a class and service; the newest stands first.
#[derive(Clone, Debug)]
struct Holding {
    from: Day,
    class: Class,
    service: ServiceNumber,
}

/// A catalogue that says two things at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    #[error("catalogue {version:?} has two rules for {traffic} from {from} on; keep one")]
    Twice {
        version: String,
        traffic: String,
        from: String,
    },
    #[error(
        "catalogue {version:?} changes the past: its rule for {traffic} from {from} on stands in no earlier version, and that day begins before {} minutes have passed since it was entered; name a later day",
        PAST_MARGIN_MS / 60_000
    )]
    Past {
        version: String,
        traffic: String,
        from: String,
    },
}

/// A new rule begins so long after its entry at the earliest.
const PAST_MARGIN_MS: i64 = 900_000;

/// Checks that a later version says nothing new of the past: rule K3.
///
/// # Errors
/// A rule that stands in none of the earlier versions, and holds too soon.
pub(crate) fn check_later(
    catalogue: &registry::Catalogue,
    earlier: &[&registry::Catalogue],
    zone: &Zone,
    entered_at_ms: i64,
) -> Result<(), CatalogueError> {
    if earlier.is_empty() {
        return Ok(());
    }
    for rule in &catalogue.rules {
        let stands = earlier.iter().any(|version| version.rules.contains(rule));
        let begins = rule.valid_from.map(|date| zone.midnight(Day::of(date)));
        if !stands && begins.is_none_or(|at_ms| at_ms < entered_at_ms + PAST_MARGIN_MS) {
            return Err(CatalogueError::Past {
                version: catalogue.version.clone(),
                traffic: traffic(rule),
                from: since(rule),
            });
        }
    }
    Ok(())
}

fn since(rule: &Rule) -> String {
    let date = rule.valid_from.map(|date| date.to_string());
    date.unwrap_or("the beginning".to_owned())
}

/// Checks what a shard would halt on.
///
/// # Errors
/// Two rules for the same traffic from the same day on.
pub fn check(catalogue: &registry::Catalogue) -> Result<(), CatalogueError> {
    let mut known = std::collections::BTreeSet::new();
    for rule in &catalogue.rules {
        if !known.insert((rule.rating_group, rule.service_id, rule.valid_from)) {
            return Err(CatalogueError::Twice {
                version: catalogue.version.clone(),
                traffic: traffic(rule),
                from: since(rule),
            });
        }
    }
    Ok(())
}

impl Catalogue {
    /// Adds a version that passed [`check`].
    pub(crate) fn add(&mut self, source: registry::Catalogue, services: &mut Interned<String>) {
        self.versions.push(Version::new(source, services));
    }

    /// The class and service of traffic on a usage day.
    pub(crate) fn classify(
        &self,
        rating_group: u32,
        service_id: u32,
        day: Day,
    ) -> (Class, ServiceNumber) {
        let mut newest_first = self.versions.iter().rev();
        newest_first
            .find_map(|version| version.classify(rating_group, service_id, day))
            .unwrap_or((Class::Unknown, NO_SERVICE))
    }

    /// The rule that decides, in words.
    pub(crate) fn rule_in_words(&self, rating_group: u32, service_id: u32, day: Day) -> String {
        let mut newest_first = self.versions.iter().rev();
        let rule = newest_first.find_map(|version| version.rule(rating_group, service_id, day));
        match rule {
            Some(rule) => {
                let (traffic, class) = (traffic(rule), rule.class.as_str());
                format!("{traffic} is {} ({class})", rule.service)
            }
            None => {
                format!("no rule for rating group {rating_group}, service id {service_id}: unknown")
            }
        }
    }

    /// The newest version; empty before the first.
    pub(crate) fn version(&self) -> &str {
        self.versions
            .last()
            .map_or("", |version| &version.source.version)
    }

    /// All versions as the registry told them, the newest last.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &registry::Catalogue> {
        self.versions.iter().map(|version| &version.source)
    }
}

impl Version {
    fn new(source: registry::Catalogue, services: &mut Interned<String>) -> Version {
        let mut exact: FixedMap<_, Vec<Holding>> = FixedMap::default();
        let mut general: FixedMap<_, Vec<Holding>> = FixedMap::default();
        for rule in &source.rules {
            let service = match rule.class {
                // What is unknown has no service, whatever a rule calls it.
                Class::Unknown => NO_SERVICE,
                _ => services.number(&rule.service),
            };
            let holding = Holding {
                from: rule.valid_from.map_or(Day(i32::MIN), Day::of),
                class: rule.class,
                service,
            };
            let dated = match rule.service_id {
                Some(service_id) => exact.entry((rule.rating_group, service_id)).or_default(),
                None => general.entry(rule.rating_group).or_default(),
            };
            let place = dated.partition_point(|other| other.from > holding.from);
            dated.insert(place, holding);
        }
        Version {
            source,
            exact,
            general,
        }
    }

    fn classify(
        &self,
        rating_group: u32,
        service_id: u32,
        day: Day,
    ) -> Option<(Class, ServiceNumber)> {
        let holds = |dated: &Vec<Holding>| {
            let newest = dated.iter().find(|holding| holding.from <= day)?;
            Some((newest.class, newest.service))
        };
        let exact = self.exact.get(&(rating_group, service_id));
        exact
            .and_then(holds)
            .or_else(|| self.general.get(&rating_group).and_then(holds))
    }

    fn rule(&self, rating_group: u32, service_id: u32, day: Day) -> Option<&Rule> {
        let holding = self.source.rules.iter().filter(|rule| {
            rule.rating_group == rating_group
                && rule.service_id.is_none_or(|id| id == service_id)
                && rule.valid_from.is_none_or(|from| Day::of(from) <= day)
        });
        // A rule with a service id beats one without; then the newest beats the others.
        holding.max_by_key(|rule| (rule.service_id, rule.valid_from))
    }
}

fn traffic(rule: &Rule) -> String {
    match rule.service_id {
        Some(id) => format!("rating group {}, service id {id}", rule.rating_group),
        None => format!("rating group {}", rule.rating_group),
    }
}
