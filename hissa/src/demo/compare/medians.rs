//! What analysts see, against the truth with the same rules of hiding.

use std::collections::BTreeMap;

use clickhouse::{Client, Row};
use hissa_carrier::truth::{ProvinceMonth, Truth};
use serde::Deserialize;

use super::Comparison;

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
