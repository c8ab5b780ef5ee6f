//! Records made by chance.

use super::*;

impl Maker {
    pub(super) fn record(&mut self) -> (usize, Record) {
        if !self.records.is_empty() && self.chance.one_in(12) {
            // The same again, or almost.
            let (feed, mut record) = self.chance.of(&self.records);
            if self.chance.one_in(3) {
                record.containers[0].down ^= 1;
            }
            return (feed, record);
        }
        let opened = self.now - self.chance.of(&[0, 60, 60, 4000, 70_000]) * MINUTE;
        let number = 1 + self.chance.below(self.sims + u64::from(self.sims > 4));
        let opened = if self.counters {
            opened.div_euclid(DAY) * DAY
        } else {
            opened
        };
        self.number += 1;
        let counter = if self.counters {
            self.chance.of(&[0, 0, 1, 2, 3])
        } else {
            0
        };
        let containers: Vec<Container> = (0..self.chance.of(&[1, 1, 2, 3]))
            .map(|_| self.container(counter))
            .collect();
        let devices = if self.chance.one_in(6) {
            &DEVICES[..]
        } else {
            &DEVICES[..1]
        };
        let imei = self.chance.of(devices);
        let imei = (!self.chance.one_in(2)).then_some(imei);
        let record = Record {
            sim: number,
            imei,
            charging_id: if self.counters { number } else { self.number },
            sequence: u32::try_from(if self.counters {
                self.number / 3 + self.chance.below(4)
            } else {
                self.chance.below(3)
            })
            .unwrap(),
            opened,
            counter,
            containers,
        };
        let feed = self.feed();
        self.records.push((feed, record.clone()));
        (feed, record)
    }

    pub(super) fn container(&mut self, counter: u8) -> Container {
        let late = if self.chance.one_in(4) {
            self.chance.of(&[3000, 12_000, 50_000])
        } else {
            self.chance.of(&[0, 0, 10, 10, 400])
        };
        let early = if self.chance.one_in(30) { 6 } else { 0 };
        let end = self.now + (early - late) * MINUTE;
        let start = end - self.chance.up_to(20) * MINUTE;
        let group = 1 + u32::try_from(self.chance.below(4)).unwrap();
        let service = self.chance.of(&[0, 0, 7]);
        let scale = self.scale;
        let bytes = |chance: &mut Chance| {
            if self.counters {
                let high = (1 << 32) - 1;
                return match chance.below(9) {
                    0 => high,
                    1..3 => high - 1 - chance.below(300),
                    3 if counter != 2 => high + chance.below(1000),
                    _ => chance.below(600),
                };
            }
            chance.of(&[0, 1, 30, 90]) * scale + chance.below(20)
        };
        let (up, down) = (bytes(&mut self.chance), bytes(&mut self.chance));
        Container {
            group,
            service,
            start,
            end,
            up: if self.counters { up } else { up / 8 },
            down,
        }
    }
}
