//! One SIM's allowances, and what is in force for it, as ClickHouse has them.

use std::fmt::Write as _;

use clickhouse::error::Error;
use clickhouse::{Client, Row};
use hissa_core::registry;
use hissa_core::sim::SimId;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::config::deployment::Deployment;
use crate::config::quantity::cycle_of;
use crate::figures::{gb, gb_short, local};
use crate::import::RegistryView;

/// An allowance in its newest cycle.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Allowance {
    /// Its id.
    pub allowance: String,
    pub cycle: String,
    /// With what was rolled over.
    pub limit_bytes: u64,
    pub granted_bytes: u64,
    pub used_bytes: u64,
    pub state: String,
}

/// The newest decision of a class.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct InForce {
    pub class: String,
    pub action: String,
    pub kbit_s: u32,
    pub reason: String,
    pub effective_at_ms: i64,
    pub apply_after_ms: i64,
    pub until_ms: Option<i64>,
    pub number: u64,
}

/// A grant that the SIM has, and that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantOfSim {
    pub id: String,
    pub allowance: String,
    pub bytes: u64,
    pub valid_from: Date,
    /// Exclusive.
    pub valid_until: Date,
    pub donor: String,
}

/// One SIM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SimStatus {
    pub partition: u16,
    pub cohort: Option<String>,
    /// In the programme's order; those alone that its cohort has.
    pub allowances: Vec<Allowance>,
    /// What the registered programme says of the cohort's allowances.
    #[serde(skip)]
    pub rules: Vec<registry::Allowance>,
    pub grants: Vec<GrantOfSim>,
    pub decisions: Vec<InForce>,
    /// The shard's clock up to which its rows are written (UTC milliseconds).
    pub as_of_ms: Option<i64>,
}

/// Asks ClickHouse; the registry says what the allowances are, and which grants there are.
///
/// # Errors
/// It does not answer.
pub async fn read(
    client: &Client,
    deployment: &Deployment,
    view: &RegistryView,
    sim: SimId,
) -> Result<SimStatus, Error> {
    let partition = sim.partition(deployment.partitions);
    let (generation, hex) = (deployment.generation, sim.to_string());
    let sql = "SELECT clock_ms FROM hissa.freshness FINAL WHERE generation = ? AND partition = ?";
    let as_of_ms = client
        .query(sql)
        .bind(generation)
        .bind(partition)
        .fetch_optional::<i64>()
        .await?;
    let today = view.local_date(as_of_ms.unwrap_or_default());
    // The newest cycle of each allowance that has begun, as its newest booked day leaves it.
    let sql = "SELECT toString(allowance) AS allowance, toString(cycle_start) AS cycle, limit_bytes, granted_bytes, \
        used_bytes, toString(state) AS state FROM hissa.sim_cycle FINAL \
        WHERE generation = ? AND sim = unhex(?) AND cycle_start <= toDate32(?) \
        ORDER BY cycle_start DESC, booked_day DESC LIMIT 1 BY allowance";
    let allowances: Vec<Allowance> = client
        .query(sql)
        .bind(generation)
        .bind(&hex)
        .bind(today.to_string())
        .fetch_all()
        .await?;
    let sql = "SELECT toString(class) AS class, toString(action) AS action, kbit_s, toString(reason) AS reason, \
        effective_at_ms, apply_after_ms, until_ms, number FROM hissa.decision FINAL \
        WHERE generation = ? AND partition = ? AND sim = unhex(?) ORDER BY sequence DESC LIMIT 1 BY class";
    let mut decisions: Vec<InForce> = client
        .query(sql)
        .bind(generation)
        .bind(partition)
        .bind(&hex)
        .fetch_all()
        .await?;
    decisions.sort_by(|a, b| a.class.cmp(&b.class));
    let history = view.sims.get(&sim);
    let present = history.and_then(|history| history.present(today));
    let cohort = present.map(|present| present.cohort.clone());
    let rules = rules(view, cohort.as_deref());
    Ok(SimStatus {
        partition,
        allowances: in_order(allowances, &rules),
        rules,
        grants: grants(view, sim, cohort.as_deref(), today),
        cohort,
        decisions,
        as_of_ms,
    })
}

fn rules(view: &RegistryView, cohort: Option<&str>) -> Vec<registry::Allowance> {
    let cohorts = view.programme.iter().flat_map(|told| &told.cohorts);
    let mut found = cohorts.filter(|known| Some(known.id.as_str()) == cohort);
    found
        .next()
        .map_or_else(Vec::new, |known| known.allowances.clone())
}

/// In the programme's order. An account that the cohort no longer has goes on counting, and tells nobody anything.
fn in_order(mut written: Vec<Allowance>, rules: &[registry::Allowance]) -> Vec<Allowance> {
    let place = |of: &Allowance| rules.iter().position(|rule| rule.id == of.allowance);
    if !rules.is_empty() {
        written.retain(|of| place(of).is_some());
    }
    written.sort_by_key(|of| (place(of), of.allowance.clone()));
    written
}

fn grants(view: &RegistryView, sim: SimId, cohort: Option<&str>, today: Date) -> Vec<GrantOfSim> {
    let has = |grant: &&registry::Grant| {
        (grant.sim == Some(sim) || (grant.cohort.is_some() && grant.cohort.as_deref() == cohort))
            && today < grant.valid_until
    };
    let held = view.grants.values().filter(|held| !held.void);
    held.map(|held| &held.grant)
        .filter(has)
        .map(|grant| GrantOfSim {
            id: grant.id.clone(),
            allowance: grant.allowance.clone(),
            bytes: grant.bytes,
            valid_from: grant.valid_from,
            valid_until: grant.valid_until,
            donor: grant.donor.clone(),
        })
        .collect()
}

impl SimStatus {
    /// For people.
    pub fn text(&self, name: &str, zone: &TimeZone) -> String {
        let as_of = self.as_of_ms.map_or_else(
            || "nothing is written yet".into(),
            |at| format!("as of {}", local(at, zone, true)),
        );
        let cohort = self.cohort.as_deref().unwrap_or("no cohort");
        let mut text = format!("{name} ({cohort}), {as_of}\n");
        // Writing to a String cannot fail, here and below.
        for allowance in &self.allowances {
            let rule = self
                .rules
                .iter()
                .find(|rule| rule.id == allowance.allowance);
            text += &allowance.line(rule);
        }
        for grant in &self.grants {
            let last = grant.valid_until.yesterday().unwrap_or(grant.valid_until);
            let donor = match grant.donor.as_str() {
                "" => String::new(),
                donor => format!(", from {donor}"),
            };
            let _ = writeln!(
                text,
                "  grant      {}: {} GB of {}, {} to {last}{donor}",
                grant.id,
                gb(grant.bytes, 0),
                grant.allowance,
                grant.valid_from,
            );
        }
        for decision in &self.decisions {
            let rate = match decision.kbit_s {
                0 => String::new(),
                rate => format!(" to {rate} kbit/s"),
            };
            let spread = if decision.apply_after_ms == decision.effective_at_ms {
                String::new()
            } else {
                let at = local(decision.apply_after_ms, zone, false);
                format!(", applied from {at} on")
            };
            let until = decision.until_ms.map_or_else(String::new, |at| {
                format!(", until {}", local(at, zone, false))
            });
            let _ = writeln!(
                text,
                "  {:<10} {}{rate} since {} ({}){spread}{until}; decision {}/{}",
                decision.class,
                decision.action,
                local(decision.effective_at_ms, zone, false),
                decision.reason,
                self.partition,
                decision.number,
            );
        }
        text
    }
}

impl Allowance {
    /// A line: how much of how much, of what that is made, in which cycle.
    fn line(&self, rule: Option<&registry::Allowance>) -> String {
        let quota = u128::from(self.limit_bytes) + u128::from(self.granted_bytes);
        let share = match (u128::from(self.used_bytes) * 100).checked_div(quota) {
            Some(percent) => format!(", {percent} %"),
            None => String::new(),
        };
        // More than may roll over is another programme's limit, which the shard has not replaced yet.
        let rolled = rule.and_then(|rule| {
            let over = self.limit_bytes.checked_sub(rule.bytes)?;
            (1..=rule.rollover_max_bytes)
                .contains(&over)
                .then_some(over)
        });
        let rolled = rolled.map_or_else(String::new, |bytes| {
            format!(" ({} rolled over)", gb_short(bytes))
        });
        let granted = match self.granted_bytes {
            0 => String::new(),
            bytes => format!(" and {} granted", gb_short(bytes)),
        };
        let cycle = rule.map_or_else(|| "the cycle".into(), |rule| cycle_of(rule.every));
        format!(
            "  {:<10} {} of {} GB{rolled}{granted} in {cycle} from {}{share}: {}\n",
            self.allowance,
            gb(self.used_bytes, 2),
            gb_short(self.limit_bytes),
            self.cycle,
            self.state,
        )
    }
}

#[cfg(test)]
mod tests {
    use hissa_core::registry::{OnExhausted, Period, Scope};

    use super::*;

    fn allowance(id: &str, cycle: &str, limit: u64, granted: u64, used: u64) -> Allowance {
        Allowance {
            allowance: id.into(),
            cycle: cycle.into(),
            limit_bytes: limit,
            granted_bytes: granted,
            used_bytes: used,
            state: "within".into(),
        }
    }

    fn rule(id: &str, every: Period, bytes: u64) -> registry::Allowance {
        registry::Allowance {
            id: id.into(),
            scope: Scope::Education,
            bytes,
            every,
            rollover_max_bytes: 5_000_000_000,
            on_exhausted: OnExhausted::Block,
        }
    }

    #[test]
    fn one_sim_is_told_in_a_few_lines() {
        let gb = 1_000_000_000;
        let rules = vec![
            rule("education", Period::Month, 20 * gb),
            rule("daily", Period::Day, gb),
            rule("other", Period::Days(30), 0),
        ];
        let written = vec![
            allowance("other", "2026-01-20", 0, 0, 0),
            allowance("gone", "2026-02-01", 0, 0, 0),
            allowance("daily", "2026-02-02", gb, 0, 10_789_999),
            allowance("education", "2026-02-01", 25 * gb, 10 * gb, 20 * gb - 1),
        ];
        let status = SimStatus {
            partition: 7,
            cohort: Some("pilote-rural".into()),
            allowances: in_order(written, &rules),
            rules,
            grants: vec![GrantOfSim {
                id: "don-ramadan-1447".into(),
                allowance: "education".into(),
                bytes: 10 * gb,
                valid_from: "2026-02-01".parse().unwrap(),
                valid_until: "2026-03-21".parse().unwrap(),
                donor: "Khatwat Khir".into(),
            }],
            decisions: vec![InForce {
                class: "education".into(),
                action: "throttle".into(),
                kbit_s: 512,
                reason: "exhausted".into(),
                effective_at_ms: 1_770_000_000_000,
                apply_after_ms: 1_770_000_960_000,
                until_ms: Some(1_772_323_200_000),
                number: 1203,
            }],
            as_of_ms: Some(1_770_000_060_000),
        };
        insta::assert_snapshot!(status.text("T-0412", &TimeZone::UTC), @r"
        T-0412 (pilote-rural), as of 2026-02-02 02:41 (+00)
          education  19.99 of 25 GB (5 rolled over) and 10 granted in the month from 2026-02-01, 57 %: within
          daily      0.01 of 1 GB in the day from 2026-02-02, 1 %: within
          other      0.00 of 0 GB in the 30 days from 2026-01-20: within
          grant      don-ramadan-1447: 10 GB of education, 2026-02-01 to 2026-03-20, from Khatwat Khir
          education  throttle to 512 kbit/s since 2026-02-02 02:40 (exhausted), applied from 2026-02-02 02:56 on, until 2026-03-01 00:00; decision 7/1203
        ");
    }
}
