//! Sessions of a SIM: records with their containers, as delta or as readings of counters.

use super::cast::{Device, Habit, Member};
use super::text::{Container, Record};
use super::{DAY_MS, HOUR_MS, MINUTE_MS, Shape};
use crate::dice::Dice;

/// What a row of ordinary traffic has, about.
pub const MEAN_BYTES: u64 = 1_400_000;
/// Traffic by rating group and service id, and how much of it there is.
const TRAFFIC: [(u32, Option<u32>); 9] = [
    (4101, Some(11)),
    (4101, None),
    (4200, Some(1)),
    (4101, Some(7)),
    (5001, None),
    (6000, Some(2)),
    (9000, Some(1)),
    (4200, Some(2)),
    (4300, None),
];
const SHARES: [u32; 9] = [25, 15, 12, 7, 20, 7, 5, 4, 5];
/// Two ways 2³² − 1: a counter that is stuck.
const STUCK: u64 = u32::MAX as u64;

/// What sessions are made of.
pub struct Sessions<'a> {
    shape: &'a Shape,
    next_charging_id: u64,
    node_sequences: [u64; 3],
}

impl<'a> Sessions<'a> {
    pub fn new(shape: &'a Shape) -> Sessions<'a> {
        Sessions {
            shape,
            next_charging_id: 1_000,
            node_sequences: [0; 3],
        }
    }

    /// The records of a session of a SIM, in the order in which its node wrote them.
    pub fn session(&mut self, member: &Member, dice: &mut Dice) -> Vec<Record> {
        let day = self.day(member, dice);
        let mut at_ms =
            self.shape.start_ms.div_euclid(DAY_MS) * DAY_MS + day * DAY_MS + time_of_day(dice);
        self.next_charging_id += 1 + dice.below(3);
        let counter = match dice.weighted(&[80, 4, 10, 6]) {
            0 => None,
            1 => Some("delta"),
            2 => Some("cumulative32"),
            _ => Some("cumulative64"),
        };
        let gigabytes = member.habit == Habit::Shares && dice.permille(150);
        let mut readings = Readings::new(counter, dice);
        let node = dice.place(3);
        let device = device(member, day, dice);
        let mut records = Vec::new();
        let mut container_sequence = 0;
        for number in 0..dice.count(1, 4) {
            let mut containers = Vec::new();
            let opened_at_ms = at_ms - dice.within(0, 5) * MINUTE_MS;
            for _ in 0..dice.weighted(&[0, 60, 20, 12, 8]) {
                let length_ms = dice.within(0, 20 * MINUTE_MS);
                let traffic = match (gigabytes, counter.is_some_and(|kind| kind != "delta")) {
                    (true, _) => (5001, None),
                    (_, true) => TRAFFIC[readings.traffic],
                    _ => TRAFFIC[dice.weighted(&SHARES)],
                };
                let bytes = match gigabytes {
                    true => dice.scaled(28, 30),
                    false => dice.scaled(10, 23),
                };
                let (up, down) = readings.next(bytes, dice);
                container_sequence += 1;
                containers.push(Container {
                    rating_group: traffic.0,
                    service_id: traffic.1,
                    sequence: (counter.is_some() || dice.permille(500))
                        .then_some(container_sequence),
                    first_ms: at_ms,
                    last_ms: at_ms + length_ms,
                    up,
                    down,
                });
                at_ms += length_ms + dice.within(0, 2) * MINUTE_MS;
            }
            // Without numbers of their own, containers are numbered by their places: then all of a record are.
            if containers
                .iter()
                .any(|container| container.sequence.is_none())
            {
                for (container, place) in containers.iter_mut().zip(1..) {
                    container.sequence = Some(place).filter(|_| counter.is_some());
                }
            }
            self.node_sequences[node] += 1;
            records.push(Record {
                node: format!("pgw-{node}"),
                charging_id: self.next_charging_id,
                record_sequence: (number > 0 || dice.permille(700)).then_some(number as u32),
                opened_at_ms,
                imsi: member.imsi.clone(),
                imei: device.clone(),
                rat: *dice.pick(&[None, Some("4G"), Some("5G")]),
                counter,
                node_sequence: dice.permille(300).then_some(self.node_sequences[node]),
                containers,
            });
            at_ms += dice.within(0, 30) * MINUTE_MS;
        }
        records
    }

    /// A day of the run on which the SIM is used; now and then one before it.
    fn day(&self, member: &Member, dice: &mut Dice) -> i64 {
        let last = self.shape.days - 1;
        for _ in 0..8 {
            let day = match dice.permille(40) {
                true => -dice.within(1, 45),
                false => dice.within(0, last),
            };
            match member.habit {
                Habit::Idle { from, to } if (from..to).contains(&day) => {}
                _ => return day,
            }
        }
        0
    }
}

/// Mostly between morning and evening; now and then to midnight sharp, and in the night.
fn time_of_day(dice: &mut Dice) -> i64 {
    match dice.weighted(&[85, 10, 5]) {
        0 => 7 * HOUR_MS + dice.within(0, 13 * HOUR_MS),
        1 => dice.within(0, DAY_MS - 1),
        _ => 23 * HOUR_MS - dice.within(0, 2) * HOUR_MS + dice.within(0, 59) * MINUTE_MS,
    }
}

fn device(member: &Member, day: i64, dice: &mut Dice) -> Option<String> {
    let tablet = member.device.as_ref().map(|device: &Device| &device.imei);
    let phone = &member.phones[dice.weighted(&[80, 20])].imei;
    let imei = match member.habit {
        Habit::Moves { from, days } if (from..from + days).contains(&day) => Some(phone),
        _ if dice.permille(5) => Some(phone),
        _ => tablet.filter(|_| !dice.permille(150)),
    }?;
    // The same device with a check digit, or with a version of its software.
    Some(match dice.below(4) {
        0 => format!("{imei}7"),
        1 => format!("{imei}03"),
        _ => imei.clone(),
    })
}

/// The counters of a session.
struct Readings {
    kind: Option<&'static str>,
    /// Place in [`TRAFFIC`]: a session of a counter is of one service.
    traffic: usize,
    up: u64,
    down: u64,
}

impl Readings {
    fn new(kind: Option<&'static str>, dice: &mut Dice) -> Readings {
        // Some counters are near their end already.
        let near_end = kind == Some("cumulative32") && dice.permille(250);
        Readings {
            kind,
            traffic: dice.weighted(&SHARES),
            up: if near_end {
                STUCK - dice.below(400_000)
            } else {
                0
            },
            down: if near_end {
                STUCK - dice.below(4_000_000)
            } else {
                0
            },
        }
    }

    /// The bytes of the next container: those of its own, or what the counters show behind them.
    fn next(&mut self, bytes: u64, dice: &mut Dice) -> (u64, u64) {
        let (up, down) = (bytes / 9, bytes - bytes / 9);
        let Some(kind @ ("cumulative32" | "cumulative64")) = self.kind else {
            return (up, down);
        };
        if dice.permille(40) {
            (self.up, self.down) = (0, 0);
        }
        self.up += up;
        self.down += down;
        if kind == "cumulative32" {
            self.up &= STUCK;
            self.down &= STUCK;
            if dice.permille(30) {
                return (self.up, STUCK);
            }
        }
        (self.up, self.down)
    }
}
