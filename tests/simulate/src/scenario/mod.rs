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

use std::collections::{BTreeMap, BTreeSet};
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

/// What is left out of a scenario, by place.
#[derive(Clone, Debug, Default)]
pub struct Cut {
    pub commands: BTreeSet<usize>,
    pub messages: BTreeSet<usize>,
    /// Commands that say less than they did.
    pub shorter: BTreeMap<usize, Vec<u8>>,
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

    /// Without some of its commands and messages (numbered through all topics).
    pub fn cut(&mut self, cut: &Cut) {
        for (place, text) in &cut.shorter {
            self.registry[*place].text.clone_from(text);
        }
        let mut number = 0;
        self.registry.retain(|_| {
            number += 1;
            !cut.commands.contains(&(number - 1))
        });
        let mut number = 0;
        for topic in &mut self.topics {
            topic.messages.retain(|_| {
                number += 1;
                !cut.messages.contains(&(number - 1))
            });
        }
    }

    /// The story in words: commands, messages.
    pub fn told(&self) -> String {
        let time = |at_ms: i64| {
            jiff::Timestamp::from_millisecond(at_ms).map_or(String::new(), |at| at.to_string())
        };
        let mut told = Vec::new();
        for command in &self.registry {
            let mut text = String::from_utf8_lossy(&command.text).into_owned();
            // Nobody reads a zone's data.
            if let Some((before, behind)) = text.split_once("\"tzif_hex\":\"")
                && let Some((_, behind)) = behind.split_once('"')
            {
                text = format!("{before}{}", &behind[1..]);
            }
            told.push((command.arrives_at_ms, text));
        }
        for topic in &self.topics {
            for (offset, message) in topic.messages.iter().enumerate() {
                let (feed, partition, delivered) = (
                    topic.source.feed,
                    topic.source.partition,
                    time(message.delivered_at_ms),
                );
                let text = String::from_utf8_lossy(
                    &self.text(message)[..self.text(message).len().min(2_000)],
                )
                .into_owned();
                let imsi = text
                    .split("\"imsi\":\"")
                    .nth(1)
                    .and_then(|behind| behind.split('"').next());
                let sim = imsi.and_then(|imsi| hissa_core::sim::Imsi::parse(imsi).ok());
                let sim = sim.map_or(String::new(), |imsi| self.pseudonyms.sim(&imsi).to_string());
                told.push((
                    message.arrives_at_ms,
                    format!("{feed}/{partition}/{offset} delivered {delivered} SIM {sim} {text}"),
                ));
            }
        }
        told.sort();
        told.iter()
            .map(|(at_ms, text)| format!("{} {text}\n", time(*at_ms)))
            .collect()
    }

    /// How many messages there are.
    pub fn messages(&self) -> usize {
        self.topics.iter().map(|topic| topic.messages.len()).sum()
    }
}
