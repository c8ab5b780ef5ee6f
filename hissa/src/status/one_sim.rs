//! One SIM's allowances, and what is in force for it, as ClickHouse has them.

use std::fmt::Write as _;

use clickhouse::error::Error;
use clickhouse::{Client, Row};
use hissa_core::sim::SimId;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::config::deployment::Deployment;
use crate::figures::{gb, local};

/// An allowance in its newest cycle.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Allowance {
    pub class: String,
    pub cycle: String,
    pub limit_bytes: u64,
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
    pub until_ms: Option<i64>,
    pub number: u64,
}

/// One SIM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SimStatus {
    pub partition: u16,
    pub cohort: Option<String>,
    pub allowances: Vec<Allowance>,
    pub decisions: Vec<InForce>,
    /// The shard's clock up to which its rows are written (UTC milliseconds).
    pub as_of_ms: Option<i64>,
}

/// Asks ClickHouse.
///
/// # Errors
/// It does not answer.
pub async fn read(
    client: &Client,
    deployment: &Deployment,
    sim: SimId,
) -> Result<SimStatus, Error> {
    let partition = sim.partition(deployment.partitions);
    let (generation, hex) = (deployment.generation, sim.to_string());
    // The newest cycle of each allowance, as its newest booked day leaves it.
    let sql = "SELECT toString(allowance) AS class, toString(cycle_start) AS cycle, limit_bytes, used_bytes, \
        toString(state) AS state FROM hissa.sim_cycle FINAL WHERE generation = ? AND sim = unhex(?) \
        ORDER BY cycle_start DESC, booked_day DESC LIMIT 1 BY allowance";
    let mut allowances: Vec<Allowance> = client
        .query(sql)
        .bind(generation)
        .bind(&hex)
        .fetch_all()
        .await?;
    allowances.sort_by(|a, b| a.class.cmp(&b.class));
    let sql = "SELECT toString(class) AS class, toString(action) AS action, kbit_s, toString(reason) AS reason, \
        effective_at_ms, until_ms, number FROM hissa.decision FINAL \
        WHERE generation = ? AND partition = ? AND sim = unhex(?) ORDER BY sequence DESC LIMIT 1 BY class";
    let mut decisions: Vec<InForce> = client
        .query(sql)
        .bind(generation)
        .bind(partition)
        .bind(&hex)
        .fetch_all()
        .await?;
    decisions.sort_by(|a, b| a.class.cmp(&b.class));
    let sql = "SELECT toString(cohort) FROM hissa.assignment FINAL WHERE generation = ? AND sim = unhex(?) \
        ORDER BY revision DESC LIMIT 1";
    let cohort = client
        .query(sql)
        .bind(generation)
        .bind(&hex)
        .fetch_optional()
        .await?;
    let sql = "SELECT clock_ms FROM hissa.freshness FINAL WHERE generation = ? AND partition = ?";
    let as_of_ms = client
        .query(sql)
        .bind(generation)
        .bind(partition)
        .fetch_optional()
        .await?;
    Ok(SimStatus {
        partition,
        cohort,
        allowances,
        decisions,
        as_of_ms,
    })
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
            let Allowance {
                class,
                cycle,
                limit_bytes,
                used_bytes,
                state,
            } = allowance;
            let share = match (u128::from(*used_bytes) * 100).checked_div(u128::from(*limit_bytes))
            {
                Some(percent) => format!(", {percent} %"),
                None => String::new(),
            };
            let _ = writeln!(
                text,
                "  {class:<10} {} of {} GB in the month from {cycle}{share}: {state}",
                gb(*used_bytes, 2),
                gb(*limit_bytes, 0),
            );
        }
        for decision in &self.decisions {
            let rate = match decision.kbit_s {
                0 => String::new(),
                rate => format!(" to {rate} kbit/s"),
            };
            let until = decision.until_ms.map_or_else(String::new, |at| {
                format!(", until {}", local(at, zone, false))
            });
            let _ = writeln!(
                text,
                "  {:<10} {}{rate} since {} ({}){until}; decision {}/{}",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sim_is_told_in_a_few_lines() {
        let status = SimStatus {
            partition: 7,
            cohort: Some("pilote-rural".into()),
            allowances: vec![
                Allowance {
                    class: "education".into(),
                    cycle: "2026-02-01".into(),
                    limit_bytes: 20_000_000_000,
                    used_bytes: 19_999_999_999,
                    state: "within".into(),
                },
                Allowance {
                    class: "other".into(),
                    cycle: "2026-02-01".into(),
                    limit_bytes: 0,
                    used_bytes: 0,
                    state: "exhausted".into(),
                },
            ],
            decisions: vec![InForce {
                class: "education".into(),
                action: "throttle".into(),
                kbit_s: 512,
                reason: "exhausted".into(),
                effective_at_ms: 1_770_000_000_000,
                until_ms: Some(1_772_323_200_000),
                number: 1203,
            }],
            as_of_ms: Some(1_770_000_060_000),
        };
        insta::assert_snapshot!(status.text("T-0412", &TimeZone::UTC), @r"
        T-0412 (pilote-rural), as of 2026-02-02 02:41 (+00)
          education  19.99 of 20 GB in the month from 2026-02-01, 99 %: within
          other      0.00 of 0 GB in the month from 2026-02-01: exhausted
          education  throttle to 512 kbit/s since 2026-02-02 02:40 (exhausted), until 2026-03-01 00:00; decision 7/1203
        ");
    }
}
