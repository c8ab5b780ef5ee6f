//! The rules of `docs/semantics.md` on small cases made by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod grants;
mod quotas;
mod rows;
mod sims;
mod watches;

use hissa_carrier::policy::{Action, Class, demo_catalogue, demo_programme};
use hissa_carrier::population::{Device, DeviceKind};
use hissa_carrier::record::{Container, Counter, Record};
use hissa_carrier::truth::{Accounting, Enrolment, Truth};
use hissa_carrier::{Date, Imsi, Zone};

const GB: u64 = 1_000_000_000;

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn zone() -> Zone {
    Zone::new(date("2025-12-01"), date("2026-05-31"))
}

/// A time of 2026 in UTC: `02-10 08:00`.
fn at(text: &str) -> i64 {
    let day = Zone::new(date("2026-12-01"), date("2026-12-31"));
    // December 2026 is at UTC: its civil arithmetic serves for any day of the year.
    let december = day.midnight(date("2026-12-01"));
    let civil = date(&format!("2026-{}", &text[..5]));
    let hours: i64 = text[6..8].parse().unwrap();
    let minutes: i64 = text[9..11].parse().unwrap();
    december + ((civil - date("2026-12-01")).num_days() * 1_440 + hours * 60 + minutes) * 60_000
}

fn sim(serial: u32) -> Imsi {
    Imsi::of_serial(serial)
}

/// One container of `bytes` of education that starts and ends then.
fn usage(imsi: Imsi, charging_id: u64, from: &str, to: &str, bytes: u64) -> Record {
    usage_of(imsi, charging_id, (from, to), (4101, 11), bytes)
}

fn usage_of(
    imsi: Imsi,
    charging_id: u64,
    span: (&str, &str),
    flow: (u32, u32),
    bytes: u64,
) -> Record {
    Record {
        node: 0,
        charging_id,
        record_sequence: 0,
        node_sequence: charging_id,
        counter: Counter::Delta,
        opened_ms: at(span.0),
        imsi,
        device: None,
        rat: "4G",
        serving_plmn: None,
        containers: vec![Container {
            rating_group: flow.0,
            service_id: flow.1,
            sequence: 1,
            first_ms: at(span.0),
            last_ms: at(span.1),
            uplink_bytes: bytes / 10,
            downlink_bytes: bytes - bytes / 10,
        }],
    }
}

/// The demo's programme (enforced from 8 February) with SIM 1 of `pilote-rural` (20 GB, throttle).
fn books() -> Accounting {
    let mut books = Accounting::new(zone());
    let entered = at("01-31 11:00");
    books.programme(
        entered,
        demo_programme(date("2026-02-01"), date("2026-02-08")),
    );
    books.catalogue(entered, demo_catalogue(date("2026-02-01")));
    enrol(&mut books, "01-31 11:00", 1, "pilote-rural", "2026-02-01");
    books
}

/// A tablet of a serial number.
fn tablet(serial: u32) -> Device {
    Device {
        kind: DeviceKind::Tablet,
        model: 1,
        serial,
    }
}

/// Enrols a SIM in its tablet.
fn enrol(books: &mut Accounting, entered: &str, serial: u32, cohort: &str, valid_from: &str) {
    books.enrol(
        at(entered),
        &Enrolment {
            imsi: sim(serial),
            cohort,
            province: "07.211",
            device: Some(tablet(serial)),
            valid_from: date(valid_from),
        },
    );
}

/// What a SIM used of education in a month: limit, granted, used in GB (rounded down).
fn standing(truth: &Truth, serial: u32, cycle: &str) -> Option<(u64, u64, u64)> {
    let wanted = |b: &&hissa_carrier::truth::Balance| {
        (b.imsi, b.cycle, b.allowance) == (sim(serial), date(cycle), Class::Education)
    };
    let found = truth.balances.iter().find(wanted)?.standing;
    Some((
        found.limit_bytes / GB,
        found.granted_bytes / GB,
        found.used_bytes / GB,
    ))
}

fn balance(truth: &Truth, cycle: &str) -> u64 {
    let wanted = |b: &&hissa_carrier::truth::Balance| {
        b.cycle == date(cycle) && b.allowance == Class::Education && b.imsi == sim(1)
    };
    truth
        .balances
        .iter()
        .find(wanted)
        .unwrap()
        .standing
        .used_bytes
}

/// `class sequence action reason cycle cause`, one line for each decision.
fn decisions(truth: &Truth, imsi: Imsi) -> Vec<String> {
    let of_sim = truth.decisions.iter().filter(|d| d.imsi == imsi);
    let line = |d: &hissa_carrier::truth::Decision| {
        let action = match d.action {
            Action::Allow => "allow".to_owned(),
            Action::Throttle { kbit_s } => format!("throttle {kbit_s}"),
            Action::Block => "block".to_owned(),
        };
        let cause = d
            .cause
            .as_ref()
            .map_or("-".to_owned(), |c| c.charging_id.to_string());
        format!(
            "{} {} {action} {:?} {} {cause}",
            d.class.as_str(),
            d.sequence,
            d.reason,
            d.cycle
        )
    };
    of_sim.map(line).collect()
}

/// `kind revision change of`, one line for each change.
fn alerts(truth: &Truth) -> Vec<String> {
    truth
        .alerts
        .iter()
        .map(|a| format!("{:?} {} {:?} {}", a.kind, a.revision, a.change, a.of))
        .collect()
}
