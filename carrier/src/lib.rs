//! A make-believe carrier: it sells SIMs to a make-believe programme, writes charging records of what they used into
//! its topic (dirty as real feeds are), knows the truth about them, and obeys Hissa's decisions.
//!
//! **The path of a feed.** A [`Scenario`] (seed, window, size) is cast into a population: SIMs with places, devices and
//! habits. Habits make demand: sessions, cut into records with containers. What a block stops is not sent; a block is
//! decided by the carrier's own [`truth::Accounting`], never by Hissa, so the same scenario gives the same bytes. What
//! is sent gets its delay and its dirt, and is delivered in drops of 15 minutes by the iterator [`Feed`], which walks
//! the accounting along and ends in a [`Truth`].
//!
//! Nothing here shares code with Hissa's core: that the two agree is what the end-to-end test proves.

mod demand;
mod dice;
mod feed;
pub mod files;
pub mod orders;
mod places;
pub mod policy;
pub mod population;
pub mod produce;
pub mod record;
mod roster;
mod scenario;
pub mod truth;
mod zone;

pub use feed::{DROP_MS, Feed, FeedMessage};
pub use policy::FEED_ID;
pub use population::Imsi;
pub use roster::{
    Opening, ROSTER_HEADER, RegistryEvent, RegistryFile, Replacement, RosterRow, roster_csv,
};
pub use scenario::{Dirt, PUPILS, Scenario, ScenarioError};
pub use truth::Truth;
pub use zone::{Date, Zone};

use policy::{Catalogue, Programme};
use population::Population;

/// The ids of the cohorts, in the order in which the population counts them.
pub(crate) const COHORT_IDS: [&str; 5] = [
    "pilote-rural",
    "supercodeurs-enseignants",
    "supercodeurs-inspecteurs",
    "khatwat-khir",
    "ecole-numerique",
];

/// A scenario made ready.
pub struct Generated {
    pub scenario: Scenario,
    pub programme: Programme,
    pub catalogue: Catalogue,
    /// Texts of the two configuration files.
    pub programme_toml: String,
    pub catalogue_toml: String,
    /// What is entered into the registry, in the order of time: programme, catalogue and roster first, then the
    /// rosters of SIMs that were enrolled later, and the replacements.
    pub events: Vec<RegistryEvent>,
    /// The messages. When all are taken, [`Feed::into_truth`] has nothing left to generate.
    pub feed: Feed,
}

/// Makes a scenario ready: registry files at once, messages as they are asked for.
pub fn generate(scenario: &Scenario) -> Result<Generated, ScenarioError> {
    scenario.validate()?;
    let zone = scenario.zone();
    let programme = policy::demo_programme(scenario.from, scenario.enforce_from());
    let catalogue = policy::demo_catalogue(scenario.from);
    let population = Population::new(scenario, &zone);
    let programme_toml = policy::programme_toml(&programme);
    let catalogue_toml = policy::catalogue_toml(&catalogue);
    let feed = || {
        let (zone, population) = (zone.clone(), population.clone());
        let (programme, catalogue) = (programme.clone(), catalogue.clone());
        Feed::new(scenario, zone, population, programme, catalogue)
    };
    // What a replaced SIM had used is known when the feed has come to that day.
    let openings = feed().rehearse();
    let events = roster::events(scenario, &zone, &population, &openings);
    let feed = feed();
    Ok(Generated {
        scenario: scenario.clone(),
        programme,
        catalogue,
        programme_toml,
        catalogue_toml,
        events,
        feed,
    })
}
