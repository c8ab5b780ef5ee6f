//! The SIMs of a scenario: who they are, and how they behave.

use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::registry::Place;
use hissa_core::sim::{DeviceId, Imei, Imsi, SimId};

use super::Shape;
use crate::dice::Dice;

/// Type allocation codes: of tablets, of routers, of phones.
pub const TABLET_TACS: [u32; 3] = [35_209_900, 35_209_901, 86_411_200];
pub const ROUTER_TAC: u32 = 35_777_000;
pub const PHONE_TACS: [u32; 2] = [35_330_000, 35_440_000];

/// A SIM, and the device that it came with.
pub struct Member {
    pub imsi: String,
    pub sim: SimId,
    pub habit: Habit,
    /// How much of the traffic is its.
    pub weight: u32,
    /// The device that it is enrolled with.
    pub device: Option<Device>,
    /// The devices in which it is, where that is another one.
    pub phones: [Device; 2],
    pub place: Place,
}

/// A device by its IMEI.
#[derive(Clone, Debug)]
pub struct Device {
    pub imei: String,
    pub id: DeviceId,
    pub tac: u32,
}

/// How a SIM is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    Plain,
    /// Nothing between these days of the run.
    Idle {
        from: i64,
        to: i64,
    },
    /// In another device for some days from this one on.
    Moves {
        from: i64,
        days: i64,
    },
    /// On some days gigabytes, mostly not for learning.
    Shares,
    /// Its records come days and weeks late.
    Late,
}

/// All SIMs; those that are never enrolled stand at the end.
pub struct Cast {
    pub members: Vec<Member>,
    pub enrolled: usize,
}

impl Cast {
    /// The cast of a shape.
    pub fn new(shape: &Shape, dice: &mut Dice, pseudonyms: &Pseudonymizer) -> Cast {
        let count = shape.sims + shape.strangers;
        let members = (0..count).filter_map(|number| member(number, shape, dice, pseudonyms));
        Cast {
            members: members.collect(),
            enrolled: shape.sims,
        }
    }
}

fn member(
    number: usize,
    shape: &Shape,
    dice: &mut Dice,
    pseudonyms: &Pseudonymizer,
) -> Option<Member> {
    let imsi = format!("00101{:010}", number * 7 + 1);
    let sim = pseudonyms.sim(&Imsi::parse(&imsi).ok()?);
    let habit = match dice.weighted(&[60, 14, 10, 8, 8]) {
        0 => Habit::Plain,
        1 => {
            let from = dice.within(0, shape.days - 14);
            Habit::Idle {
                from,
                to: from + dice.within(12, 30),
            }
        }
        2 => Habit::Moves {
            from: dice.within(0, shape.days - 5),
            days: dice.within(2, 20),
        },
        3 => Habit::Shares,
        _ => Habit::Late,
    };
    let tac = match dice.permille(100) {
        true => ROUTER_TAC,
        false => *dice.pick(&TABLET_TACS),
    };
    let tablet = device(tac, number, pseudonyms)?;
    let [first, second] = PHONE_TACS.map(|tac| device(tac, number, pseudonyms));
    Some(Member {
        imsi,
        sim,
        habit,
        weight: dice.scaled(0, 5) as u32,
        device: (!dice.permille(120)).then_some(tablet),
        phones: [first?, second?],
        place: place(number, dice),
    })
}

/// A device of a model.
pub fn device(tac: u32, number: usize, pseudonyms: &Pseudonymizer) -> Option<Device> {
    let imei = format!("{tac:08}{:06}", number % 1_000_000);
    let id = pseudonyms.device(&Imei::parse(&imei).ok()?);
    Some(Device { imei, id, tac })
}

/// A school of one of three provinces.
pub fn place(number: usize, dice: &mut Dice) -> Place {
    let province = dice.below(3);
    Place {
        school: format!("{:05}A", number / 12),
        commune: format!("01.{province:03}.01"),
        province: format!("{province:03}"),
        region: "01".into(),
        milieu: dice.pick(&["rural", "urban"]).to_string(),
    }
}
