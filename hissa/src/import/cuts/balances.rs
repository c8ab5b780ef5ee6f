//! The balances of all SIMs, read from ClickHouse for a [`Count`].

use std::collections::BTreeMap;

use clickhouse::{Client, Row};
use hissa_core::sim::SimId;
use jiff::civil::Date;
use serde::Deserialize;

use super::{Balance, Count, Cut, Rules};
use crate::config::deployment::Deployment;
use crate::import::{Plan, RegistryView};
use crate::unanswered::unanswered;

/// What an import would cut, and by which balances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    pub cuts: Vec<Cut>,
    /// SIMs that are enrolled today.
    pub enrolled: u64,
    /// The shards' clock up to which the balances are written (UTC milliseconds).
    pub as_of_ms: i64,
}

#[derive(Row, Deserialize)]
struct Written {
    sim: [u8; 16],
    allowance: String,
    /// Not `cycle_start`: ClickHouse would take that name for the text in its conditions too.
    cycle: String,
    limit_bytes: u64,
    granted_bytes: u64,
    used_bytes: u64,
    state: String,
}

/// The newest cycle that has begun of each SIM and allowance, as its last booked day leaves it, SIM by SIM.
const BALANCES: &str = "SELECT sim, toString(allowance) AS allowance, toString(cycle_start) AS cycle, \
    limit_bytes, granted_bytes, used_bytes, toString(state) AS state FROM hissa.sim_cycle FINAL \
    WHERE generation = ? AND cycle_start <= toDate32(?) \
    ORDER BY sim, allowance, cycle_start DESC, booked_day DESC LIMIT 1 BY sim, allowance";

/// Counts what a plan would cut.
///
/// # Errors
/// ClickHouse does not answer, or has no tables yet.
pub async fn preview(
    deployment: &Deployment,
    view: &RegistryView,
    plan: &Plan,
) -> anyhow::Result<Preview> {
    deployment.clickhouse.answers().await?;
    let client = deployment.clickhouse.client()?;
    let as_of_ms = as_of(&client, deployment.generation).await?;
    let today = view.local_date(as_of_ms);
    let mut count = Count::new(Rules::registered(view), Rules::after(view, plan), today);
    let mut cursor = client
        .query(BALANCES)
        .bind(deployment.generation)
        .bind(today.to_string())
        .fetch::<Written>()?;
    // SIMs of each cohort that have no balance yet.
    let mut without = enrolled(view, today);
    let enrolled = without.values().sum();
    let mut of_sim: (Option<SimId>, Vec<Balance>) = (None, Vec::new());
    loop {
        let row = cursor.next().await?;
        let sim = row.as_ref().map(|row| SimId(row.sim));
        if sim != of_sim.0 {
            if let (Some(sim), balances) = &of_sim
                && let Some(cohort) = cohort_of(view, *sim, today)
            {
                count.add(Some(*sim), cohort, balances, 1);
                if let Some(left) = without.get_mut(cohort) {
                    *left = left.saturating_sub(1);
                }
            }
            of_sim = (sim, Vec::new());
        }
        match row {
            None => break,
            Some(row) => of_sim.1.extend(row.balance()),
        }
    }
    for (cohort, sims) in without.into_iter().filter(|(_, sims)| *sims > 0) {
        count.add(None, &cohort, &[], sims);
    }
    Ok(Preview {
        cuts: count.cuts(),
        enrolled,
        as_of_ms,
    })
}

/// The newest time up to which a partition is written.
///
/// # Errors
/// ClickHouse does not answer, or has nothing yet.
pub async fn as_of(client: &Client, generation: u32) -> anyhow::Result<i64> {
    let sql = "SELECT maxOrNull(clock_ms) FROM hissa.freshness FINAL WHERE generation = ?";
    let query = client.query(sql).bind(generation);
    let newest: Option<i64> = query.fetch_one().await.map_err(unanswered)?;
    newest.ok_or_else(|| anyhow::anyhow!("no balances are written yet"))
}

/// The balances of one SIM in the cycles that have begun by a day.
///
/// # Errors
/// ClickHouse does not answer, or has no tables yet.
pub async fn of_sim(
    client: &Client,
    generation: u32,
    sim: SimId,
    day: Date,
) -> anyhow::Result<Vec<Balance>> {
    let sql = "SELECT sim, toString(allowance) AS allowance, toString(cycle_start) AS cycle, limit_bytes, \
        granted_bytes, used_bytes, toString(state) AS state FROM hissa.sim_cycle FINAL \
        WHERE generation = ? AND sim = unhex(?) AND cycle_start <= toDate32(?) \
        ORDER BY cycle_start DESC, booked_day DESC LIMIT 1 BY allowance";
    let rows = client
        .query(sql)
        .bind(generation)
        .bind(sim.to_string())
        .bind(day.to_string())
        .fetch_all::<Written>()
        .await
        .map_err(unanswered)?;
    Ok(rows.into_iter().filter_map(Written::balance).collect())
}

/// How many SIMs of each cohort are enrolled.
fn enrolled(view: &RegistryView, today: Date) -> BTreeMap<String, u64> {
    let mut cohorts: BTreeMap<String, u64> = BTreeMap::new();
    for sim in view.sims.keys() {
        if let Some(cohort) = cohort_of(view, *sim, today) {
            *cohorts.entry(cohort.to_owned()).or_default() += 1;
        }
    }
    cohorts
}

/// The cohort under which a SIM is enrolled; none where it is not, or not any more.
fn cohort_of(view: &RegistryView, sim: SimId, today: Date) -> Option<&str> {
    let enrolment = view.sims.get(&sim)?.enrolled_on(today)?;
    Some(enrolment.cohort.as_str())
}

impl Written {
    /// None where the date is not one.
    fn balance(self) -> Option<Balance> {
        Some(Balance {
            allowance: self.allowance,
            cycle_start: self.cycle.parse().ok()?,
            limit_bytes: self.limit_bytes,
            granted_bytes: self.granted_bytes,
            used_bytes: self.used_bytes,
            exhausted: self.state == "exhausted",
        })
    }
}
