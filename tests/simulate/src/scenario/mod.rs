//! What a seed makes happen: the carrier's messages and the registry's commands, before any fault.

mod cast;
mod flaws;
mod policy;
mod sessions;
mod shape;
mod story;
mod text;
mod traffic;
pub mod zone;

use std::ops::Range;

use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::usage::Source;

pub use shape::{FeedShape, Shape, Size};

use crate::dice::Dice;

/// Milliseconds of a minute, an hour, a day.
pub const MINUTE_MS: i64 = 60_000;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// The key of all pseudonyms.
pub const KEY: [u8; 16] = [7; 16];

/// What happens in a run, whatever its faults are.
pub struct Scenario {
    pub shape: Shape,
    pub pseudonyms: Pseudonymizer,
    /// The carrier's topics, one a source.
    pub topics: Vec<Topic>,
    /// The registry, by revision.
    pub registry: Vec<Registered>,
    payloads: Vec<u8>,
}

/// The messages of a source, by offset.
pub struct Topic {
    pub source: Source,
    pub messages: Vec<Message>,
}

/// A message of the carrier.
pub struct Message {
    text: Range<u32>,
    /// Its Kafka timestamp.
    pub delivered_at_ms: i64,
    /// When it can be read; it never falls along a topic.
    pub arrives_at_ms: i64,
}

/// A command of the registry.
pub struct Registered {
    /// When it can be read.
    pub arrives_at_ms: i64,
    /// As it stands in `hissa.registry`.
    pub text: Vec<u8>,
}

impl Scenario {
    /// The scenario of a seed.
    pub fn new(seed: u64, size: Size) -> Scenario {
        let shape = Shape::new(seed, size);
        let pseudonyms = Pseudonymizer::new(KEY);
        let cast = cast::Cast::new(&shape, &mut Dice::of(seed, "cast"), &pseudonyms);
        let registry = story::registry(&shape, &cast, &mut Dice::of(seed, "story"));
        let (topics, payloads) = traffic::topics(&shape, &cast, &mut Dice::of(seed, "traffic"));
        Scenario {
            shape,
            pseudonyms,
            topics,
            registry,
            payloads,
        }
    }

    /// The text of a message.
    pub fn text(&self, message: &Message) -> &[u8] {
        &self.payloads[message.text.start as usize..message.text.end as usize]
    }

    /// How many messages there are.
    pub fn messages(&self) -> usize {
        self.topics.iter().map(|topic| topic.messages.len()).sum()
    }
}
