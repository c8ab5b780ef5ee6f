//! The facts in ClickHouse against the truth.

use std::collections::BTreeMap;

use clickhouse::{Client, Row};
use hissa_carrier::truth::{ProvinceMonth, Truth};
use hissa_core::sim::SimId;
use serde::Deserialize;

use super::{Comparison, Names, TopicFindings};

/// Every total by SIM, usage day, booked day, class and service.
pub(super) async fn sim_days(
    truth: &Truth,
    names: &mut Names<'_>,
    client: &Client,
) -> anyhow::Result<Comparison> {
    #[derive(Row, Deserialize)]
    struct Found {
        sim: [u8; 16],
        usage_day: i32,
        booked_day: i32,
        class: String,
        service: String,
        uplink_bytes: u64,
        downlink_bytes: u64,
        records: u64,
    }
    let mut rows = client
        .query(
            "SELECT sim, usage_day, booked_day, class, service, uplink_bytes, downlink_bytes, records \
             FROM hissa.sim_day FINAL",
        )
        .fetch::<Found>()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().await? {
        let key = (
            SimId(row.sim),
            row.usage_day,
            row.booked_day,
            row.class,
            row.service,
        );
        found.push((key, (row.uplink_bytes, row.downlink_bytes, row.records)));
    }
    let expected = truth.sim_days.iter().map(|day| {
        let days = (
            day.usage_day.to_epoch_days(),
            day.booked_day.to_epoch_days(),
        );
        let key = (
            names.sim(day.imsi),
            days.0,
            days.1,
            day.class.as_str().to_owned(),
            day.service.to_owned(),
        );
        (key, (day.uplink_bytes, day.downlink_bytes, day.records))
    });
    Ok(Comparison::of(
        "totals by SIM and day",
        expected.collect(),
        found,
    ))
}

/// The books, by booked day, outcome and reason.
pub(super) async fn outcomes(truth: &Truth, client: &Client) -> anyhow::Result<Comparison> {
    #[derive(Row, Deserialize)]
    struct Found {
        booked_day: i32,
        outcome: String,
        reason: String,
        records: u64,
        bytes: u64,
    }
    let found = client
        .query(
            "SELECT booked_day, outcome, reason, sum(records) AS records, sum(bytes) AS bytes \
             FROM hissa.outcome_day FINAL GROUP BY ALL",
        )
        .fetch_all::<Found>()
        .await?;
    let found = found.into_iter().map(|row| {
        (
            (row.booked_day, row.outcome, row.reason),
            (row.records, row.bytes),
        )
    });
    let expected = truth.outcome_days.iter().map(|day| {
        let key = (
            day.booked_day.to_epoch_days(),
            day.outcome.as_str().into(),
            day.outcome.reason().into(),
        );
        (key, (day.rows, day.bytes))
    });
    Ok(Comparison::of(
        "outcomes by day and reason",
        expected.collect(),
        found.collect(),
    ))
}

/// Limit and use of every allowance in every cycle, as last booked.
pub(super) async fn balances(
    truth: &Truth,
    names: &mut Names<'_>,
    client: &Client,
) -> anyhow::Result<Comparison> {
    #[derive(Row, Deserialize)]
    struct Found {
        sim: [u8; 16],
        cycle_start: i32,
        allowance: String,
        limit_bytes: u64,
        used_bytes: u64,
    }
    let found = client
        .query(
            "SELECT sim, cycle_start, allowance, argMax(limit_bytes, booked_day) AS limit_bytes, \
             argMax(used_bytes, booked_day) AS used_bytes \
             FROM hissa.sim_cycle FINAL GROUP BY sim, cycle_start, allowance",
        )
        .fetch_all::<Found>()
        .await?;
    let found = found.into_iter().map(|row| {
        (
            (SimId(row.sim), row.cycle_start, row.allowance),
            (row.limit_bytes, row.used_bytes),
        )
    });
    let expected = truth.balances.iter().map(|balance| {
        let key = (
            names.sim(balance.imsi),
            balance.cycle.to_epoch_days(),
            balance.allowance.as_str().to_owned(),
        );
        (key, (balance.limit_bytes, balance.used_bytes))
    });
    Ok(Comparison::of(
        "balances by SIM and month",
        expected.collect(),
        found.collect(),
    ))
}

/// The decisions that analysts and `explain` see are those that the carrier got, number by number.
pub(super) async fn decisions_of_topic(
    topics: &TopicFindings,
    client: &Client,
) -> anyhow::Result<Comparison> {
    #[derive(Row, Deserialize)]
    struct Found {
        partition: u16,
        number: u64,
        sim: [u8; 16],
        class: String,
        action: String,
        sequence: u64,
        effective_at_ms: i64,
    }
    let found = client
        .query(
            "SELECT partition, number, sim, class, action, sequence, effective_at_ms FROM hissa.decision FINAL",
        )
        .fetch_all::<Found>()
        .await?;
    let found = found.into_iter().map(|row| {
        let value = (
            SimId(row.sim),
            row.class,
            row.action,
            row.sequence,
            row.effective_at_ms,
        );
        ((row.partition, row.number), value)
    });
    let expected = topics.decisions.iter().map(|(key, decision)| {
        let (class, action) = (
            decision.class.as_str().to_owned(),
            decision.action.as_str().to_owned(),
        );
        (
            *key,
            (
                decision.sim,
                class,
                action,
                decision.sequence,
                decision.effective_at_ms,
            ),
        )
    });
    Ok(Comparison::of(
        "decisions in ClickHouse and on the topic",
        expected.collect(),
        found.collect(),
    ))
}

/// The smallest number of SIMs that analysts are shown.
const K: u64 = 10;

/// Medians by cohort, province and month, as analysts see them: small cells hidden, and so much with them that a hidden
/// one cannot be told from the total.
pub(super) async fn province_medians(truth: &Truth, client: &Client) -> anyhow::Result<Comparison> {
    #[derive(Row, Deserialize)]
    struct Found {
        cohort: String,
        province: String,
        month: i32,
        enrolled_sims: u64,
        median_gb: f64,
    }
    let found = client
        .query(
            "SELECT cohort, province, toDate32(month) AS month, enrolled_sims, median_gb FROM pub.province_month",
        )
        .fetch_all::<Found>()
        .await?;
    let found = found.into_iter().map(|row| {
        (
            (row.cohort, row.month, row.province),
            (row.enrolled_sims, half_bytes(row.median_gb)),
        )
    });

    let mut cells: BTreeMap<(&str, i32), Vec<&ProvinceMonth>> = BTreeMap::new();
    for cell in &truth.province_months {
        if let Some(cohort) = &cell.cohort {
            cells
                .entry((cohort, cell.month.to_epoch_days()))
                .or_default()
                .push(cell);
        }
    }
    let mut expected = Vec::new();
    for ((cohort, month), mut provinces) in cells {
        provinces.sort_by_key(|cell| (cell.sims, &cell.province));
        let mut smaller_sims = 0;
        for cell in provinces {
            if cell.sims >= K && (smaller_sims == 0 || smaller_sims >= K) {
                let key = (cohort.to_owned(), month, cell.province.clone());
                expected.push((key, (cell.sims, half_bytes(cell.median_gb))));
            }
            smaller_sims += cell.sims;
        }
    }
    Ok(Comparison::of(
        "medians by province and month, as analysts see them",
        expected,
        found.collect(),
    ))
}

/// A median in halves of a byte, which is exact: two roundings of one number are equal.
fn half_bytes(gb: f64) -> i64 {
    (gb * 2e9).round() as i64
}
