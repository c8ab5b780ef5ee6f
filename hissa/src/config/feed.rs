//! A feed of `programme.toml`: where a carrier's usage comes from.

use hissa_core::registry::{Counter, Feed};
use hissa_core::sim::FeedId;

use super::section::{Located, Section};

/// A feed as the file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedConfig {
    pub id: FeedId,
    /// The carrier's topic.
    pub topic: String,
    /// Played in its own time, instead of live.
    pub played: bool,
    /// Raised when the topic was made anew.
    pub epoch: u32,
    /// How far a row's end may lie after its delivery.
    pub future_tolerance_ms: u32,
    /// What its byte counts are, where a record does not say.
    pub counter: Counter,
    /// Where reading begins, where nothing was read yet.
    pub start: Start,
}

/// Where a feed begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the oldest record that the topic holds.
    Earliest,
    /// Behind the newest.
    Latest,
    /// With the first record delivered at or after this time (UTC milliseconds).
    At(i64),
}

impl FeedConfig {
    /// What a shard must know of it.
    pub fn command(&self) -> Feed {
        Feed {
            id: self.id,
            future_tolerance_ms: self.future_tolerance_ms,
            counter: self.counter,
        }
    }
}

/// Reads a feed.
pub fn read(section: &Section<'_>) -> Option<Located<FeedConfig>> {
    section.need(&["id", "kind", "topic", "format"]);
    let name = section.text("id");
    section.word("kind", &[("kafka", ())]);
    section.word("format", &[("json", ())]);
    let topic = section.text("topic");
    let played = section.truth("played");
    let epoch = section.integer("epoch", 1, u64::from(u32::MAX));
    let tolerance = section.duration_ms("future_tolerance");
    let counter = read_counter(section);
    let start = read_start(section);
    if let Some(tolerance) = &tolerance
        && tolerance.value > 86_400_000
    {
        section.report(
            tolerance.span.clone(),
            "`future_tolerance` is longer than a day",
            "write `future_tolerance = \"5m\"`: it allows for clocks that differ, and for no more",
        );
    }
    let name = name?;
    let id = feed_id(section, &name)?;
    Some(Located {
        span: name.span,
        value: FeedConfig {
            id,
            topic: topic?.value,
            played: played.is_some_and(|played| played.value),
            epoch: epoch.map_or(Some(1), |epoch| u32::try_from(epoch.value).ok())?,
            future_tolerance_ms: match tolerance {
                Some(tolerance) => u32::try_from(tolerance.value).ok()?,
                None => 300_000,
            },
            counter: counter?,
            start: start?,
        },
    })
}

/// Bytes since the last container, unless the file says that they are readings of a counter, and how wide that is: a
/// counter of 32 bits begins anew every 4.3 GB.
fn read_counter(section: &Section<'_>) -> Option<Counter> {
    let counter = section.word("counter", &[("delta", false), ("cumulative", true)]);
    let bits = section.integer("counter_bits", 1, 64);
    match (&counter, &bits) {
        (Some(counter), None) if counter.value && !section.has("counter_bits") => {
            section.report(
                counter.span.clone(),
                "a cumulative counter needs its width",
                "add `counter_bits = 32`, or 64, as the carrier's gateway has it",
            );
            None
        }
        (Some(counter), Some(bits)) if counter.value => match bits.value {
            32 => Some(Counter::Cumulative32),
            64 => Some(Counter::Cumulative64),
            other => {
                section.report(
                    bits.span.clone(),
                    format!("no counter of {other} bits is known"),
                    "write 32 or 64",
                );
                None
            }
        },
        (_, Some(bits)) => {
            section.report(
                bits.span.clone(),
                "`counter_bits` belongs to a cumulative counter",
                "remove it, or write `counter = \"cumulative\"`",
            );
            None
        }
        (None, None) => {
            (!section.has("counter") && !section.has("counter_bits")).then_some(Counter::Delta)
        }
        (Some(counter), None) => (!counter.value).then_some(Counter::Delta),
    }
}

fn read_start(section: &Section<'_>) -> Option<Start> {
    if !section.has("start") {
        // Known all the same, so that a misspelling is told what it could be.
        section.text("start");
        return Some(Start::Earliest);
    }
    let found = section.text("start")?;
    match found.value.as_str() {
        "earliest" => Some(Start::Earliest),
        "latest" => Some(Start::Latest),
        time => match time.parse::<jiff::Timestamp>() {
            Ok(at) => Some(Start::At(at.as_millisecond())),
            Err(_) => {
                section.report(
                    found.span,
                    format!("`start` does not know \"{time}\""),
                    "write \"earliest\", \"latest\" or a time such as \"2026-02-01T00:00:00Z\"",
                );
                None
            }
        },
    }
}

/// The feed's id where the text is one.
fn feed_id(section: &Section<'_>, id: &Located<String>) -> Option<FeedId> {
    FeedId::parse(&id.value)
        .inspect_err(|_| {
            section.report(
                id.span.clone(),
                format!("\"{}\" cannot be a feed's id", id.value),
                "use 1 to 16 printable ASCII characters without a space",
            );
        })
        .ok()
}
