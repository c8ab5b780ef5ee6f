//! The carrier's topics: sessions delivered soon, late, twice, wrongly; in the order of their arrival.

use std::ops::Range;

use super::cast::{Cast, Habit, Member};
use super::sessions::Sessions;
use super::text::Record;
use super::{DAY_MS, HOUR_MS, MINUTE_MS, Message, Shape, Topic, flaws};
use crate::dice::Dice;

/// The topics of a scenario, and the texts of their messages.
pub fn topics(shape: &Shape, cast: &Cast, dice: &mut Dice) -> (Vec<Topic>, Vec<u8>) {
    let mut carrier = Carrier {
        shape,
        drafts: Vec::new(),
        payloads: Vec::with_capacity(shape.rows * 300),
        rows: 0,
        outage: outage(shape, dice),
        sources: shape.sources().len(),
    };
    let weights: Vec<u32> = cast.members.iter().map(|member| member.weight).collect();
    let pick = Weighted::new(&weights);
    let mut sessions = Sessions::new(shape);
    while carrier.rows < shape.rows {
        let member = &cast.members[pick.draw(dice)];
        for record in sessions.session(member, dice) {
            carrier.deliver(record, member, dice);
        }
    }
    carrier.topics(dice)
}

/// A time in which the carrier delivers nothing; what would have come then comes at its end.
fn outage(shape: &Shape, dice: &mut Dice) -> Range<i64> {
    if !dice.permille(300) {
        return 0..0;
    }
    let from = dice.within(shape.start_ms, shape.end_ms - 4 * DAY_MS);
    from..from + dice.within(2, 80) * HOUR_MS
}

struct Draft {
    source: usize,
    text: Range<u32>,
    delivered_at_ms: i64,
    arrives_at_ms: i64,
}

struct Carrier<'a> {
    shape: &'a Shape,
    drafts: Vec<Draft>,
    payloads: Vec<u8>,
    rows: usize,
    outage: Range<i64>,
    sources: usize,
}

impl Carrier<'_> {
    /// Delivers a record, with what goes wrong with some.
    fn deliver(&mut self, mut record: Record, member: &Member, dice: &mut Dice) {
        let used_at_ms = record.containers.last().map_or(0, |last| last.last_ms);
        match dice.below(1_000) {
            0..=9 => {
                let text = self.write(&record);
                let spoilt =
                    flaws::spoil(&self.payloads[text.start as usize..text.end as usize], dice);
                let text = self.append(&spoilt);
                self.send(text, used_at_ms, member, dice);
                // The carrier mends what it sent, or sends it as it was again.
                if dice.permille(500) {
                    return;
                }
            }
            10..=17 => {
                flaws::misdate(&mut record, dice);
                let text = self.write(&record);
                let at_ms = self.send(text.clone(), used_at_ms, member, dice);
                // Sent again when its times have come, it counts.
                let due_ms = record.containers.last().map_or(0, |last| last.last_ms);
                if dice.permille(500) && due_ms > at_ms && due_ms + DAY_MS < self.shape.end_ms {
                    self.send(text, due_ms + MINUTE_MS, member, dice);
                }
                return;
            }
            18..=25 => flaws::misopen(&mut record, dice),
            _ => {}
        }
        self.rows += record.containers.len();
        let text = self.write(&record);
        self.send(text.clone(), used_at_ms, member, dice);
        match dice.below(1_000) {
            0..=24 => {
                self.send(
                    text,
                    used_at_ms + dice.within(0, 10) * HOUR_MS,
                    member,
                    dice,
                );
            }
            25..=29 => {
                self.send(text, used_at_ms + dice.within(1, 55) * DAY_MS, member, dice);
            }
            30..=39 => {
                flaws::contradict(&mut record, dice);
                let text = self.write(&record);
                self.send(
                    text,
                    used_at_ms + dice.within(0, 90) * MINUTE_MS,
                    member,
                    dice,
                );
            }
            _ => {}
        }
    }

    fn write(&mut self, record: &Record) -> Range<u32> {
        let start = self.payloads.len();
        record.write(&mut self.payloads);
        range(start, self.payloads.len())
    }

    fn append(&mut self, text: &[u8]) -> Range<u32> {
        let start = self.payloads.len();
        self.payloads.extend_from_slice(text);
        range(start, self.payloads.len())
    }

    /// Puts a message on its way; says when it arrives.
    fn send(&mut self, text: Range<u32>, from_ms: i64, member: &Member, dice: &mut Dice) -> i64 {
        let (start_ms, end_ms) = (self.shape.start_ms, self.shape.end_ms);
        let late = member.habit == Habit::Late && dice.permille(400);
        let delay_ms = match dice.weighted(if late {
            &[0, 20, 40, 30, 10]
        } else {
            &[850, 110, 25, 10, 5]
        }) {
            0 => dice.within(1_000, 10 * MINUTE_MS),
            1 => dice.within(10 * MINUTE_MS, 6 * HOUR_MS),
            2 => dice.within(6 * HOUR_MS, 4 * DAY_MS),
            3 => dice.within(4 * DAY_MS, 30 * DAY_MS),
            _ => dice.within(30 * DAY_MS, 60 * DAY_MS),
        };
        let mut arrives_at_ms = from_ms.saturating_add(delay_ms);
        if arrives_at_ms >= end_ms - HOUR_MS {
            let least = from_ms.clamp(start_ms, end_ms - 2 * HOUR_MS);
            arrives_at_ms = dice.within(least, end_ms - HOUR_MS);
        }
        if arrives_at_ms < start_ms {
            arrives_at_ms = start_ms + dice.within(0, 2 * DAY_MS);
        }
        if self.outage.contains(&arrives_at_ms) {
            arrives_at_ms = self.outage.end;
        }
        let delivered_at_ms = match (self.shape.played, dice.below(1_000)) {
            (true, _) => arrives_at_ms,
            // The carrier's broker has a clock of its own, and some messages have waited elsewhere.
            (_, 0..=199) => arrives_at_ms + dice.within(-2 * MINUTE_MS, 2 * MINUTE_MS),
            (_, 200..=219) => arrives_at_ms - dice.within(0, 50 * HOUR_MS),
            _ => arrives_at_ms,
        };
        self.drafts.push(Draft {
            source: dice.place(self.sources),
            text,
            delivered_at_ms,
            arrives_at_ms,
        });
        arrives_at_ms
    }

    fn topics(mut self, dice: &mut Dice) -> (Vec<Topic>, Vec<u8>) {
        let quiet = self.quiet(dice);
        self.drafts.extend(quiet);
        // The sort is stable: what arrives at one instant keeps its order.
        self.drafts.sort_by_key(|draft| draft.arrives_at_ms);
        let mut topics: Vec<Topic> = self
            .shape
            .sources()
            .into_iter()
            .map(|source| Topic {
                source,
                messages: Vec::new(),
            })
            .collect();
        for draft in self.drafts {
            topics[draft.source].messages.push(Message {
                text: draft.text,
                delivered_at_ms: draft.delivered_at_ms,
                arrives_at_ms: draft.arrives_at_ms,
            });
        }
        (topics, self.payloads)
    }

    /// A played feed ends with a quiet message; a live one may have some.
    fn quiet(&mut self, dice: &mut Dice) -> Vec<Draft> {
        let times: Vec<i64> = match self.shape.played {
            true => vec![self.shape.end_ms],
            false => (0..dice.below(3))
                .map(|_| dice.within(self.shape.start_ms, self.shape.end_ms))
                .collect(),
        };
        let quiet = |at_ms: i64| {
            let until = jiff::Timestamp::from_millisecond(at_ms).map(|at| at.to_string());
            let text = format!("{{\"quiet_until\":\"{}\"}}", until.unwrap_or_default());
            Draft {
                source: 0,
                text: self.append(text.as_bytes()),
                delivered_at_ms: at_ms,
                arrives_at_ms: at_ms,
            }
        };
        times.into_iter().map(quiet).collect()
    }
}

fn range(from: usize, to: usize) -> Range<u32> {
    // A scenario's texts are some megabytes.
    from as u32..to as u32
}

/// Draws places by their weights, also of thousands.
struct Weighted(Vec<u64>);

impl Weighted {
    fn new(weights: &[u32]) -> Weighted {
        let sums = weights.iter().scan(0u64, |sum, weight| {
            *sum += u64::from(*weight);
            Some(*sum)
        });
        Weighted(sums.collect())
    }

    fn draw(&self, dice: &mut Dice) -> usize {
        let drawn = dice.below(self.0.last().copied().unwrap_or(1));
        self.0.partition_point(|sum| *sum <= drawn)
    }
}
