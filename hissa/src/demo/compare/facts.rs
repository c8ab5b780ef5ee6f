//! The facts in ClickHouse against the truth.

use clickhouse::{Client, Row};
use hissa_carrier::truth::Truth;
use hissa_core::sim::SimId;
use serde::Deserialize;

use super::{Comparison, Names};

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

/// What is said of rows beside their outcome, by booked day.
pub(super) async fn flags(truth: &Truth, client: &Client) -> anyhow::Result<Comparison> {
    #[derive(Row, Deserialize)]
    struct Found {
        booked_day: i32,
        flag: String,
        records: u64,
        bytes: u64,
    }
    let found = client
        .query(
            "SELECT booked_day, flag, sum(records) AS records, sum(bytes) AS bytes \
             FROM hissa.flag_day FINAL GROUP BY ALL",
        )
        .fetch_all::<Found>()
        .await?;
    let found = found
        .into_iter()
        .map(|row| ((row.booked_day, row.flag), (row.records, row.bytes)));
    let expected = truth.flag_days.iter().map(|day| {
        let key = (day.booked_day.to_epoch_days(), day.flag.as_str().to_owned());
        (key, (day.rows, day.bytes))
    });
    Ok(Comparison::of(
        "flags by day",
        expected.collect(),
        found.collect(),
    ))
}

/// Every total by province, cohort, usage day, local hour and class.
pub(super) async fn place_hours(truth: &Truth, client: &Client) -> anyhow::Result<Comparison> {
    #[derive(Row, Deserialize)]
    struct Found {
        province: String,
        cohort: String,
        usage_day: i32,
        hour: u8,
        class: String,
        uplink_bytes: u64,
        downlink_bytes: u64,
    }
    let found = client
        .query(
            "SELECT province, cohort, usage_day, hour, class, sum(uplink_bytes) AS uplink_bytes, \
             sum(downlink_bytes) AS downlink_bytes FROM hissa.place_hour FINAL GROUP BY ALL",
        )
        .fetch_all::<Found>()
        .await?;
    let found = found.into_iter().map(|row| {
        let key = (row.province, row.cohort, row.usage_day, row.hour, row.class);
        (key, (row.uplink_bytes, row.downlink_bytes))
    });
    let expected = truth.place_hours.iter().map(|hour| {
        let key = (
            hour.province.to_owned(),
            hour.cohort.to_owned(),
            hour.usage_day.to_epoch_days(),
            hour.hour,
            hour.class.as_str().to_owned(),
        );
        (key, (hour.uplink_bytes, hour.downlink_bytes))
    });
    Ok(Comparison::of(
        "totals by province, cohort and hour",
        expected.collect(),
        found.collect(),
    ))
}

/// Limit, grants and use of every allowance in every cycle, as last booked.
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
        granted_bytes: u64,
        used_bytes: u64,
    }
    let found = client
        .query(
            "SELECT sim, cycle_start, allowance, argMax(limit_bytes, booked_day) AS limit_bytes, \
             argMax(granted_bytes, booked_day) AS granted_bytes, argMax(used_bytes, booked_day) AS used_bytes \
             FROM hissa.sim_cycle FINAL GROUP BY sim, cycle_start, allowance",
        )
        .fetch_all::<Found>()
        .await?;
    let found = found.into_iter().map(|row| {
        (
            (SimId(row.sim), row.cycle_start, row.allowance),
            (row.limit_bytes, row.granted_bytes, row.used_bytes),
        )
    });
    let expected = truth.balances.iter().map(|balance| {
        let key = (
            names.sim(balance.imsi),
            balance.cycle.to_epoch_days(),
            balance.allowance.as_str().to_owned(),
        );
        let standing = balance.standing;
        let figures = (
            standing.limit_bytes,
            standing.granted_bytes,
            standing.used_bytes,
        );
        (key, figures)
    });
    Ok(Comparison::of(
        "balances by SIM and month",
        expected.collect(),
        found.collect(),
    ))
}
