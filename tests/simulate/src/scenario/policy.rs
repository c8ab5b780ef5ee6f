//! Programmes, catalogues and calendars: a rich mix, small enough that limits are reached.

use hissa_core::registry::{
    Allowance, Breaker, CalendarEntries, CalendarEntry, CalendarKind, Catalogue, Class, Cohort,
    OnExhausted, Period, Programme, Rule, Scope,
};
use jiff::civil::Date;

use super::cast::{ROUTER_TAC, TABLET_TACS};
use super::zone::{Zone, plus_days};
use super::{HOUR_MS, Shape};
use crate::dice::Dice;

/// The cohorts that programmes know; SIMs may also be in `sans-regles`, which none does.
pub const COHORTS: [&str; 4] = ["pilote-rural", "pilote-urbain", "lycees", "formateurs"];
/// A cohort without rules.
pub const NO_RULES: &str = "sans-regles";
/// The ids of allowances: the first of a cohort pays for `education`.
pub const ALLOWANCES: [&str; 5] = ["education", "autres", "total", "jour", "mises-a-jour"];

/// The first version of the catalogue.
pub fn first_catalogue(dice: &mut Dice, start: Date) -> Catalogue {
    let mut rules = vec![
        rule(4101, None, Class::Education, "telmidtice", None),
        rule(4101, Some(7), Class::Other, "video", None),
        rule(4200, Some(1), Class::Education, "moodle", None),
        rule(5001, None, Class::Other, "web", None),
        rule(6000, None, Class::System, "mises-a-jour", None),
    ];
    if dice.permille(500) {
        let from = plus_days(start, dice.within(-20, 30));
        rules.push(rule(4300, None, Class::Education, "radio", Some(from)));
    }
    Catalogue {
        version: "catalogue-1".into(),
        rules,
    }
}

/// The next version: rules of before, and new ones for days that have not come.
pub fn next_catalogue(versions: &[Catalogue], dice: &mut Dice, today: Date) -> Catalogue {
    let mut rules: Vec<Rule> = versions
        .last()
        .map_or(Vec::new(), |last| last.rules.clone());
    if dice.permille(300) && !rules.is_empty() {
        rules.swap_remove(dice.place(rules.len()));
    }
    for _ in 0..dice.count(1, 3) {
        let group = *dice.pick(&[4101, 4200, 4300, 5001, 9000]);
        let id = *dice.pick(&[None, Some(1), Some(7)]);
        let class = *dice.pick(&[
            Class::Education,
            Class::Other,
            Class::System,
            Class::Unknown,
        ]);
        let service = match class {
            Class::Unknown => "",
            _ => *dice.pick(&["moodle", "web", "radio", "video"]),
        };
        // Two days ahead: whatever the zone, that midnight has not come.
        let from = plus_days(today, dice.within(2, 12));
        let known = |old: &Rule| {
            (old.rating_group, old.service_id, old.valid_from) == (group, id, Some(from))
        };
        if !rules.iter().any(known) {
            rules.push(rule(group, id, class, service, Some(from)));
        }
    }
    Catalogue {
        version: format!("catalogue-{}", versions.len() + 1),
        rules,
    }
}

fn rule(
    rating_group: u32,
    service_id: Option<u32>,
    class: Class,
    service: &str,
    from: Option<Date>,
) -> Rule {
    Rule {
        rating_group,
        service_id,
        class,
        service: service.into(),
        valid_from: from,
    }
}

/// A programme that names some of the cohorts.
pub fn programme(
    number: usize,
    shape: &Shape,
    zone: &Zone,
    start: Date,
    dice: &mut Dice,
) -> Programme {
    let mut cohorts = Vec::new();
    for id in COHORTS {
        if cohorts.is_empty() || dice.permille(700) {
            cohorts.push(cohort(id, shape, start, dice));
        }
    }
    dice.shuffle(&mut cohorts);
    Programme {
        id: "tablettes".into(),
        policy_version: format!("regles-{number}"),
        timezone: zone.name.into(),
        tzif_hex: zone.tzif_hex.clone(),
        closes_after_days: *dice.pick(&[7, 7, 0, 1, 3, 20]),
        unknown_charged_to: *dice.pick(&[
            Class::Education,
            Class::Other,
            Class::Other,
            Class::System,
        ]),
        privacy_k: 10,
        tablet_tacs: TABLET_TACS[..dice.count(0, TABLET_TACS.len())].to_vec(),
        router_tacs: [ROUTER_TAC][..dice.count(0, 1)].to_vec(),
        cohorts,
    }
}

fn cohort(id: &str, shape: &Shape, start: Date, dice: &mut Dice) -> Cohort {
    let days = shape.days;
    let enforce_from = match dice.weighted(&[10, 50, 35, 5]) {
        0 => None,
        1 => Some(plus_days(start, -dice.within(0, 40))),
        2 => Some(plus_days(start, dice.within(1, days))),
        _ => Some(plus_days(start, days + 30)),
    };
    let breaker = match dice.permille(350) {
        true => Breaker::default(),
        false => Breaker {
            share_permille: *dice.pick(&[0, 10, 50, 200, 1_000]),
            at_least: dice.below(12) as u32,
        },
    };
    Cohort {
        id: id.into(),
        enforce_from,
        allowances: allowances(shape, dice),
        thresholds: dice
            .pick::<&[u16]>(&[&[50, 80, 100], &[80], &[], &[10, 80], &[25, 50, 75]])
            .to_vec(),
        restore_over_ms: *dice.pick(&[0, 0, HOUR_MS as u32, 6 * HOUR_MS as u32]),
        breaker,
    }
}

fn allowances(shape: &Shape, dice: &mut Dice) -> Vec<Allowance> {
    let mut list = Vec::new();
    if dice.permille(900) {
        list.push(allowance(ALLOWANCES[0], Scope::Education, 550, shape, dice));
    }
    if dice.permille(650) {
        list.push(allowance(ALLOWANCES[1], Scope::Other, 300, shape, dice));
    }
    if dice.permille(300) {
        list.push(allowance(ALLOWANCES[2], Scope::All, 1_000, shape, dice));
    }
    if dice.permille(300) {
        let scope = *dice.pick(&[Scope::Education, Scope::Other, Scope::All]);
        list.push(allowance(ALLOWANCES[3], scope, 700, shape, dice));
    }
    if dice.permille(100) {
        list.push(allowance(ALLOWANCES[4], Scope::System, 80, shape, dice));
    }
    list
}

fn allowance(id: &str, scope: Scope, permille: u64, shape: &Shape, dice: &mut Dice) -> Allowance {
    let (every, days) = match dice.weighted(&[10, 20, 40, 15, 15]) {
        0 => (Period::Day, 1),
        1 => (Period::Week, 7),
        2 => (Period::Month, 30),
        3 => (Period::Term, 30),
        _ => {
            let days = 2 + dice.below(39) as u16;
            (Period::Days(days), u64::from(days))
        }
    };
    let expected = shape.bytes_a_day() * days * permille / 1_000;
    let bytes = match dice.weighted(&[8, 20, 30, 30, 12]) {
        0 => 0,
        1 => expected / 8,
        2 => expected / 2,
        3 => expected * 3 / 2,
        _ => expected * 10,
    };
    Allowance {
        id: id.into(),
        scope,
        bytes,
        every,
        rollover_max_bytes: *dice.pick(&[0, 0, bytes / 2, bytes * 2]),
        on_exhausted: on_exhausted(dice),
    }
}

fn on_exhausted(dice: &mut Dice) -> OnExhausted {
    match dice.weighted(&[50, 35, 15]) {
        0 => OnExhausted::Block,
        1 => OnExhausted::Throttle {
            kbit_s: *dice.pick(&[64, 512, 2_000]),
        },
        _ => OnExhausted::Notify,
    }
}

/// Changes a programme here and there.
pub fn change(
    programme: &mut Programme,
    number: usize,
    shape: &Shape,
    start: Date,
    dice: &mut Dice,
) {
    programme.policy_version = format!("regles-{number}");
    for _ in 0..dice.count(1, 4) {
        let count = programme.cohorts.len();
        let place = dice.place(count);
        match dice.below(9) {
            0 => programme.closes_after_days = *dice.pick(&[0, 2, 7, 25]),
            1 => {
                programme.unknown_charged_to =
                    *dice.pick(&[Class::Education, Class::Other, Class::System])
            }
            2 if count > 1 => drop(programme.cohorts.swap_remove(place)),
            3 => {
                let known = |id: &&&str| programme.cohorts.iter().all(|cohort| cohort.id != **id);
                if let Some(id) = COHORTS.iter().find(known) {
                    programme.cohorts.push(cohort(id, shape, start, dice));
                }
            }
            4 => {
                programme.cohorts[place].enforce_from =
                    Some(plus_days(start, dice.within(-5, shape.days)))
            }
            5 => {
                programme.cohorts[place].thresholds = dice
                    .pick::<&[u16]>(&[&[80], &[50, 100], &[50, 80], &[]])
                    .to_vec()
            }
            6 => programme.cohorts[place].allowances = allowances(shape, dice),
            _ => change_allowance(&mut programme.cohorts[place], dice),
        }
    }
}

fn change_allowance(cohort: &mut Cohort, dice: &mut Dice) {
    let count = cohort.allowances.len();
    if count == 0 {
        return;
    }
    let place = dice.place(count);
    let allowance = &mut cohort.allowances[place];
    match dice.below(5) {
        0 => allowance.bytes /= 3,
        1 => allowance.bytes = allowance.bytes * 2 + 1_000_000,
        2 => allowance.on_exhausted = on_exhausted(dice),
        3 => allowance.rollover_max_bytes = allowance.bytes,
        _ => drop(cohort.allowances.swap_remove(place)),
    }
}

/// Terms, breaks, and days that open classes.
pub fn calendar(shape: &Shape, start: Date, dice: &mut Dice) -> CalendarEntries {
    let mut entries = Vec::new();
    let mut day = plus_days(start, -dice.within(0, 30));
    while dice.permille(750) && day < plus_days(start, shape.days) {
        let to = plus_days(day, dice.within(5, 30));
        entries.push(entry(CalendarKind::Term, day, to, dice));
        day = plus_days(to, dice.within(1, 8));
    }
    for _ in 0..dice.count(0, 5) {
        let kind = *dice.pick(&[
            CalendarKind::Break,
            CalendarKind::Holiday,
            CalendarKind::Exam,
            CalendarKind::Ramadan,
        ]);
        let from = plus_days(start, dice.within(-5, shape.days));
        let to = plus_days(from, dice.within(0, 6));
        let mut entry = entry(kind, from, to, dice);
        entry.opens = match kind {
            CalendarKind::Exam | CalendarKind::Ramadan => dice
                .pick::<&[Class]>(&[
                    &[Class::Education],
                    &[Class::Other],
                    &[Class::Education, Class::Other],
                ])
                .to_vec(),
            _ => Vec::new(),
        };
        entries.push(entry);
    }
    CalendarEntries { entries }
}

fn entry(kind: CalendarKind, from: Date, to: Date, dice: &mut Dice) -> CalendarEntry {
    let some = || vec![COHORTS[0].to_owned(), COHORTS[2].to_owned()];
    CalendarEntry {
        kind,
        from,
        to,
        cohorts: (kind != CalendarKind::Term && dice.permille(300)).then(some),
        opens: Vec::new(),
        quiet_hours: dice.permille(100).then(|| "20:00-07:00".into()),
    }
}
