//! The registry's commands over time, in an order that a shard accepts.

use hissa_core::registry::{
    BreakerAction, BreakerOrder, Catalogue, Command, Counter, Enrolment, Entered, Feed, Grant,
    Logic, Opening, Programme, Retirement, Void,
};
use hissa_core::sim::SimId;
use jiff::civil::Date;

use super::cast::{self, Cast, Member};
use super::policy::{self, ALLOWANCES, COHORTS, NO_RULES};
use super::zone::{Zone, plus_days};
use super::{DAY_MS, HOUR_MS, MINUTE_MS, Registered, Shape};
use crate::dice::Dice;

/// The registry of a scenario.
pub fn registry(shape: &Shape, cast: &Cast, dice: &mut Dice) -> Vec<Registered> {
    let mut story = Story::new(shape, cast, dice);
    story.begin();
    story.go_on();
    story.told
}

struct Story<'a> {
    shape: &'a Shape,
    cast: &'a Cast,
    dice: &'a mut Dice,
    zone: Zone,
    other_zone: Zone,
    start: Date,
    now_ms: i64,
    programme: Option<Programme>,
    programmes: usize,
    catalogues: Vec<Catalogue>,
    /// Grants that are not void: id, and the SIM where it is for one.
    grants: Vec<(String, Option<SimId>)>,
    grants_ever: usize,
    openings: u32,
    told: Vec<Registered>,
}

impl<'a> Story<'a> {
    fn new(shape: &'a Shape, cast: &'a Cast, dice: &'a mut Dice) -> Story<'a> {
        let zone = Zone::named(shape.zone);
        Story {
            start: zone.date(shape.start_ms),
            zone,
            other_zone: Zone::named(shape.other_zone),
            shape,
            cast,
            dice,
            now_ms: shape.start_ms - 2 * HOUR_MS,
            programme: None,
            programmes: 0,
            catalogues: Vec::new(),
            grants: Vec::new(),
            grants_ever: 0,
            openings: 0,
            told: Vec::new(),
        }
    }

    /// Enters a command now; now and then under a clock that is some minutes behind.
    fn enter(&mut self, command: Command) {
        let back = match self.dice.permille(30) {
            true => self.dice.within(1, 10) * MINUTE_MS,
            false => 0,
        };
        let entered = Entered {
            entered_at_ms: self.now_ms - back,
            command,
        };
        let Ok(text) = serde_json::to_vec(&entered) else {
            unreachable!("a command is JSON");
        };
        self.told.push(Registered {
            arrives_at_ms: self.now_ms,
            text,
        });
    }

    fn today(&self) -> Date {
        self.zone.date(self.now_ms)
    }

    /// What most programmes begin with.
    fn begin(&mut self) {
        if self.dice.permille(500) {
            self.enter(Command::Logic(Logic { version: 1 }));
        }
        for feed in 0..self.shape.feeds.len() {
            if self.dice.permille(850) {
                self.feed(feed);
            }
        }
        if self.dice.permille(900) {
            self.catalogue();
        }
        if self.dice.permille(800) {
            self.calendar();
        }
        if self.dice.permille(850) {
            self.programme();
        }
        for _ in 0..self.dice.count(0, 4) {
            self.grant();
        }
        for number in 0..self.cast.enrolled {
            if self.dice.permille(850) {
                self.now_ms += 2;
                self.enrol(number, true);
            }
        }
    }

    /// What happens later, by time.
    fn go_on(&mut self) {
        let some_sims = (self.cast.enrolled / 6).clamp(2, 250);
        let mut events: Vec<(i64, u32)> = Vec::new();
        let mut plan = |kind: u32, count: usize, dice: &mut Dice| {
            for _ in 0..count {
                let at_ms = dice.within(self.shape.start_ms, self.shape.end_ms - HOUR_MS);
                events.push((at_ms, kind));
            }
        };
        let general = self.dice.count(3, 12);
        plan(0, general, self.dice);
        plan(1, some_sims, self.dice);
        plan(2, some_sims / 3 + 2, self.dice);
        let grants = self.dice.count(2, 10 + some_sims / 4);
        plan(3, grants, self.dice);
        let releases = self.dice.count(1, 6);
        plan(4, releases, self.dice);
        events.sort_unstable();
        for (at_ms, kind) in events {
            self.now_ms = at_ms.max(self.now_ms);
            match kind {
                0 => self.general(),
                1 => self.of_a_sim(),
                2 => self.late_enrolment(),
                3 => self.grant_or_void(),
                _ => self.breaker(),
            }
        }
    }

    fn general(&mut self) {
        match self.dice.below(6) {
            0 => self.catalogue(),
            1 => self.calendar(),
            2 => self.feed_changes(),
            _ => self.programme(),
        }
    }

    fn feed_changes(&mut self) {
        let feed = self.dice.place(self.shape.feeds.len());
        self.feed(feed);
    }

    fn feed(&mut self, place: usize) {
        let counter = match self.dice.weighted(&[75, 15, 10]) {
            0 => Counter::Delta,
            1 => Counter::Cumulative32,
            _ => Counter::Cumulative64,
        };
        let feed = Feed {
            id: self.shape.feeds[place].id,
            future_tolerance_ms: *self.dice.pick(&[300_000, 300_000, 0, 1_200_000]),
            counter,
        };
        self.enter(Command::Feed(feed));
    }

    fn catalogue(&mut self) {
        let next = match self.catalogues.is_empty() {
            true => policy::first_catalogue(self.dice, self.start),
            false => policy::next_catalogue(&self.catalogues, self.dice, self.today()),
        };
        self.catalogues.push(next.clone());
        self.enter(Command::Catalogue(next));
    }

    fn calendar(&mut self) {
        let entries = policy::calendar(self.shape, self.start, self.dice);
        self.enter(Command::Calendar(entries));
    }

    fn programme(&mut self) {
        self.programmes += 1;
        let number = self.programmes;
        let mut programme = match self.programme.take() {
            Some(mut programme) => {
                policy::change(&mut programme, number, self.shape, self.start, self.dice);
                programme
            }
            None => policy::programme(number, self.shape, &self.zone, self.start, self.dice),
        };
        if number > 1 && self.dice.permille(70) {
            programme.timezone = self.other_zone.name.into();
            programme.tzif_hex.clone_from(&self.other_zone.tzif_hex);
        }
        self.programme = Some(programme.clone());
        self.enter(Command::Programme(programme));
    }

    fn late_enrolment(&mut self) {
        let number = self.dice.place(self.cast.enrolled);
        self.enrol(number, false);
    }

    fn enrol(&mut self, number: usize, at_start: bool) {
        let member = &self.cast.members[number];
        let from = match (at_start, self.dice.weighted(&[70, 15, 15])) {
            (true, 0) => -self.dice.within(0, 50),
            (_, 1) => self.dice.within(1, 12),
            _ => -self.dice.within(0, 12),
        };
        let valid_from = plus_days(self.today(), from);
        let (device, device_tac) = device_of(member, number, self.dice);
        let place = match self.dice.permille(900) {
            true => member.place.clone(),
            false => cast::place(number, self.dice),
        };
        let cohort = match self.dice.weighted(&[60, 20, 10, 6, 4]) {
            4 => NO_RULES,
            place => COHORTS[place],
        };
        let lasts = self.dice.within(1, 40);
        let enrolment = Enrolment {
            sim: member.sim,
            device,
            device_tac,
            cohort: cohort.into(),
            valid_from,
            valid_until: self
                .dice
                .permille(120)
                .then(|| plus_days(valid_from, lasts)),
            place,
        };
        self.enter(Command::Enrol(enrolment));
        if self.dice.permille(40) {
            self.opening(number);
        }
    }

    /// A change of one SIM.
    fn of_a_sim(&mut self) {
        let number = match self.dice.permille(950) {
            true => self.dice.place(self.cast.enrolled),
            false => self.dice.place(self.cast.members.len()),
        };
        let sim = self.cast.members[number].sim;
        match self.dice.below(10) {
            0..=2 => {
                let at = plus_days(self.today(), self.dice.within(-10, 6));
                self.enter(Command::Retire(Retirement { sim, at }));
                if self.dice.permille(300) {
                    self.enrol(number, false);
                }
            }
            3..=5 => self.opening(number),
            _ => self.enrol(number.min(self.cast.enrolled - 1), false),
        }
    }

    fn opening(&mut self, number: usize) {
        // Now and then one that is issued again under a revision that is not higher.
        if !self.dice.permille(200) {
            self.openings += 1;
        }
        let opening = Opening {
            sim: self.cast.members[number].sim,
            allowance: (*self.dice.pick(&ALLOWANCES)).into(),
            used_bytes: self.dice.below(self.shape.bytes_a_day() * 20 + 1),
            as_of: plus_days(self.today(), self.dice.within(-35, 3)),
            revision: self.openings.max(1),
        };
        self.enter(Command::Opening(opening));
    }

    fn grant_or_void(&mut self) {
        if self.dice.permille(150) && !self.grants.is_empty() {
            let place = self.dice.place(self.grants.len());
            let (grant, sim) = self.grants.swap_remove(place);
            self.enter(Command::Void(Void { grant, sim }));
        } else {
            self.grant();
        }
    }

    fn grant(&mut self) {
        self.grants_ever += 1;
        let id = format!("don-{}", self.grants_ever);
        let sim = self
            .dice
            .permille(600)
            .then(|| self.dice.pick(&self.cast.members).sim);
        let cohort = sim
            .is_none()
            .then(|| (*self.dice.pick(&COHORTS)).to_owned());
        let valid_from = plus_days(self.today(), self.dice.within(-8, 15));
        let grant = Grant {
            id: id.clone(),
            cohort,
            sim,
            allowance: (*self.dice.pick(&ALLOWANCES[..4])).into(),
            bytes: 1 + self.dice.below(self.shape.bytes_a_day() * 12),
            valid_from,
            valid_until: plus_days(valid_from, self.dice.within(1, 30)),
            priority: self.dice.below(3) as u32,
            donor: (*self.dice.pick(&["fondation", "operateur"])).into(),
        };
        self.grants.push((id, sim));
        self.enter(Command::Grant(grant));
    }

    fn breaker(&mut self) {
        let order = BreakerOrder {
            action: *self
                .dice
                .pick(&[BreakerAction::Release, BreakerAction::Drop]),
            cohort: (*self.dice.pick(&COHORTS)).into(),
        };
        self.enter(Command::Breaker(order));
        // A second look soon after.
        self.now_ms = (self.now_ms + MINUTE_MS)
            .min(self.shape.end_ms - DAY_MS / 2)
            .max(self.now_ms);
    }
}

/// The device that an enrolment names: the tablet, now and then another one, or none.
fn device_of(
    member: &Member,
    number: usize,
    dice: &mut Dice,
) -> (Option<hissa_core::sim::DeviceId>, u32) {
    let Some(tablet) = &member.device else {
        return (None, 0);
    };
    match dice.weighted(&[90, 4, 6]) {
        0 => (Some(tablet.id), tablet.tac),
        1 => (Some(member.phones[0].id), member.phones[0].tac),
        _ if number.is_multiple_of(2) => (Some(tablet.id), 0),
        _ => (None, 0),
    }
}
