//! Traffic to class and service: the catalogue in a form that a row can ask.

use crate::calendar::Day;
use crate::fixed_hash::FixedMap;
use crate::interned::Interned;
use crate::registry::{self, Class, Rule};

/// A service by number; [`NO_SERVICE`] is the empty one.
pub(crate) type ServiceNumber = u32;

/// The empty service, of traffic that no rule knows.
pub(crate) const NO_SERVICE: ServiceNumber = 0;

/// The compiled catalogue in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    /// As the registry told it; none before the first.
    source: Option<registry::Catalogue>,
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
                from: rule
                    .valid_from
                    .map_or("the beginning".to_owned(), |date| date.to_string()),
            });
        }
    }
    Ok(())
}

impl Catalogue {
    /// Compiles a catalogue that passed [`check`].
    pub(crate) fn new(source: registry::Catalogue, services: &mut Interned<String>) -> Catalogue {
        let mut catalogue = Catalogue::default();
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
            let versions = match rule.service_id {
                Some(service_id) => catalogue
                    .exact
                    .entry((rule.rating_group, service_id))
                    .or_default(),
                None => catalogue.general.entry(rule.rating_group).or_default(),
            };
            let place = versions.partition_point(|version| version.from > holding.from);
            versions.insert(place, holding);
        }
        catalogue.source = Some(source);
        catalogue
    }

    /// The class and service of traffic on a usage day.
    pub(crate) fn classify(
        &self,
        rating_group: u32,
        service_id: u32,
        day: Day,
    ) -> (Class, ServiceNumber) {
        let holds = |versions: &Vec<Holding>| {
            let newest = versions.iter().find(|version| version.from <= day)?;
            Some((newest.class, newest.service))
        };
        let exact = self.exact.get(&(rating_group, service_id));
        exact
            .and_then(holds)
            .or_else(|| self.general.get(&rating_group).and_then(holds))
            .unwrap_or((Class::Unknown, NO_SERVICE))
    }

    /// The rule that decides, in words.
    pub(crate) fn rule_in_words(&self, rating_group: u32, service_id: u32, day: Day) -> String {
        let rules = self.source.iter().flat_map(|source| &source.rules);
        let holding = rules.filter(|rule| {
            rule.rating_group == rating_group
                && rule.service_id.is_none_or(|id| id == service_id)
                && rule.valid_from.is_none_or(|from| Day::of(from) <= day)
        });
        // A rule with a service id beats one without; then the newest beats the others.
        match holding.max_by_key(|rule| (rule.service_id, rule.valid_from)) {
            Some(rule) => format!(
                "{} is {} ({})",
                traffic(rule),
                rule.service,
                rule.class.as_str()
            ),
            None => {
                format!("no rule for rating group {rating_group}, service id {service_id}: unknown")
            }
        }
    }

    /// The version in force; empty before the first.
    pub(crate) fn version(&self) -> &str {
        self.source.as_ref().map_or("", |source| &source.version)
    }

    pub(crate) fn source(&self) -> Option<&registry::Catalogue> {
        self.source.as_ref()
    }
}

fn traffic(rule: &Rule) -> String {
    match rule.service_id {
        Some(id) => format!("rating group {}, service id {id}", rule.rating_group),
        None => format!("rating group {}", rule.rating_group),
    }
}
