//! What analysts will look at, computed plainly: gigabytes per enrolled SIM, and how equally they fall.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::quotas::Quotas;
use super::{Balance, SimDays, account};
use crate::policy::Class;
use crate::population::Imsi;
use crate::zone::{Date, month_of, next_month};

/// Gigabytes (10⁹ bytes) of education and unknown per enrolled SIM in a province and month, zeros in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProvinceMonth {
    /// First day of the month.
    pub month: Date,
    /// None: all cohorts together.
    pub cohort: Option<String>,
    pub province: String,
    /// SIMs enrolled at any time in the month.
    pub sims: u64,
    pub bytes: u64,
    pub mean_gb: f64,
    /// Exact: the mean of the middle two, where their number is even.
    pub median_gb: f64,
}

/// How the demo's planted truths came out over `pilote-rural` in a month (education and unknown, zeros in).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planted {
    pub month: Date,
    pub sims: u64,
    /// Share of SIMs without a byte.
    pub zero_share: f64,
    pub median_gb: f64,
    pub province_median_gb: BTreeMap<String, f64>,
    /// Share of SIMs without a byte of learning, by province.
    pub province_zero_share: BTreeMap<String, f64>,
    /// Share of SIMs without any byte.
    pub never_activated_share: f64,
    pub gini: Option<f64>,
    /// Share of all bytes that the top 5 % of SIMs used.
    pub top_5_percent_share: f64,
    /// Share of SIMs whose education allowance is used up.
    pub exhausted_share: f64,
}

/// The cohort that planted truths speak of.
const PILOT_ID: &str = "pilote-rural";

/// An enrolled SIM as it stands in the end.
pub(super) struct Enrolled<'a> {
    imsi: Imsi,
    province: &'a str,
    sim: &'a account::Enrolled,
}

/// All enrolled SIMs.
pub(super) fn enrolled(quotas: &Quotas) -> Vec<Enrolled<'_>> {
    let mut enrolled = Vec::with_capacity(quotas.sims.len());
    for (imsi, sim) in &quotas.sims {
        enrolled.push(Enrolled {
            imsi: *imsi,
            province: &quotas.places[sim.place].0,
            sim,
        });
    }
    enrolled
}

/// Bytes of education and unknown by month and SIM.
type Learning = BTreeMap<(Date, Imsi), u64>;

/// Medians and means of every month from the first with usage to the one of `last`.
pub(super) fn province_months(
    enrolled: &[Enrolled],
    sim_days: &SimDays,
    last: Date,
) -> Vec<ProvinceMonth> {
    let learning = learning(enrolled, sim_days);
    let mut groups: BTreeMap<(Date, Option<&str>, &str), Vec<u64>> = BTreeMap::new();
    for month in months(&learning, last) {
        for sim in enrolled_in(enrolled, month) {
            let bytes = learning
                .get(&(month, sim.imsi))
                .copied()
                .unwrap_or_default();
            for cohort in [None, Some(sim.sim.cohort.as_str())] {
                groups
                    .entry((month, cohort, sim.province))
                    .or_default()
                    .push(bytes);
            }
        }
    }
    let summary =
        |((month, cohort, province), mut sims): ((Date, Option<&str>, &str), Vec<u64>)| {
            let bytes: u64 = sims.iter().sum();
            ProvinceMonth {
                month,
                cohort: cohort.map(str::to_owned),
                province: province.to_owned(),
                sims: sims.len() as u64,
                bytes,
                mean_gb: bytes as f64 / sims.len() as f64 / 1e9,
                median_gb: median_gb(&mut sims),
            }
        };
    groups.into_iter().map(summary).collect()
}

/// The planted truths of every month.
pub(super) fn planted(
    enrolled: &[Enrolled],
    sim_days: &SimDays,
    balances: &[Balance],
    last: Date,
) -> Vec<Planted> {
    let learning = learning(enrolled, sim_days);
    let mut planted = Vec::new();
    for month in months(&learning, last) {
        let mut all = Vec::new();
        let mut provinces: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let mut imsis = BTreeSet::new();
        for sim in enrolled_in(enrolled, month).filter(|sim| sim.sim.cohort == PILOT_ID) {
            let bytes = learning
                .get(&(month, sim.imsi))
                .copied()
                .unwrap_or_default();
            all.push(bytes);
            provinces
                .entry(sim.province.to_owned())
                .or_default()
                .push(bytes);
            imsis.insert(sim.imsi);
        }
        if all.is_empty() {
            continue;
        }
        all.sort_unstable();
        let sims = all.len();
        let total: u64 = all.iter().sum();
        let top = &all[sims - sims.div_ceil(20)..];
        let in_month = sim_days
            .iter()
            .filter(|cell| month_of(cell.usage_day) == month && imsis.contains(&cell.imsi));
        let active: BTreeSet<Imsi> = in_month.map(|cell| cell.imsi).collect();
        let exhausted = balances.iter().filter(|b| {
            b.cycle == month
                && b.allowance == Class::Education
                && b.standing.used_bytes >= b.standing.limit_bytes
                && imsis.contains(&b.imsi)
        });
        planted.push(Planted {
            month,
            sims: sims as u64,
            zero_share: zero_share(&all),
            median_gb: median_gb(&mut all.clone()),
            province_zero_share: provinces
                .iter()
                .map(|(province, sims)| (province.clone(), zero_share(sims)))
                .collect(),
            province_median_gb: provinces
                .into_iter()
                .map(|(p, mut sims)| (p, median_gb(&mut sims)))
                .collect(),
            never_activated_share: 1.0 - active.len() as f64 / sims as f64,
            gini: gini(&all),
            top_5_percent_share: top.iter().sum::<u64>() as f64 / total.max(1) as f64,
            exhausted_share: exhausted.count() as f64 / sims as f64,
        });
    }
    planted
}

fn learning(enrolled: &[Enrolled], sim_days: &SimDays) -> Learning {
    let sims: BTreeMap<Imsi, &account::Enrolled> =
        enrolled.iter().map(|e| (e.imsi, e.sim)).collect();
    let mut learning = Learning::new();
    for cell in sim_days.iter() {
        let sim = sims.get(&cell.imsi);
        let counts = sim.is_some_and(|sim| sim.on(cell.usage_day));
        if counts && matches!(cell.class, Class::Education | Class::Unknown) {
            let sum = learning
                .entry((month_of(cell.usage_day), cell.imsi))
                .or_default();
            *sum += cell.uplink_bytes + cell.downlink_bytes;
        }
    }
    learning
}

fn months(learning: &Learning, last: Date) -> Vec<Date> {
    let Some(((first, _), _)) = learning.first_key_value() else {
        return Vec::new();
    };
    let mut months = vec![*first];
    while let Some(month) = months.last().map(|m| next_month(*m)) {
        if month > last {
            break;
        }
        months.push(month);
    }
    months
}

fn enrolled_in<'a>(
    enrolled: &'a [Enrolled<'a>],
    month: Date,
) -> impl Iterator<Item = &'a Enrolled<'a>> {
    enrolled.iter().filter(move |e| e.sim.in_month(month))
}

fn zero_share(sims: &[u64]) -> f64 {
    sims.iter().filter(|bytes| **bytes == 0).count() as f64 / sims.len().max(1) as f64
}

fn median_gb(sims: &mut [u64]) -> f64 {
    sims.sort_unstable();
    let middle = sims.len() / 2;
    match sims.len() {
        0 => 0.0,
        length if length % 2 == 1 => sims[middle] as f64 / 1e9,
        _ => (sims[middle - 1] as f64 + sims[middle] as f64) / 2.0 / 1e9,
    }
}

/// 2·Σ(i·aᵢ)/(n·Σa) − (n+1)/n over sorted totals a; none, where nothing was used.
fn gini(sorted: &[u64]) -> Option<f64> {
    let n = sorted.len() as f64;
    let total: f64 = sorted.iter().map(|a| *a as f64).sum();
    let weighted: f64 = sorted
        .iter()
        .enumerate()
        .map(|(i, a)| (i as f64 + 1.0) * *a as f64)
        .sum();
    (total > 0.0).then(|| 2.0 * weighted / (n * total) - (n + 1.0) / n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_gini_are_exact() {
        assert_eq!(median_gb(&mut [3_000_000_000, 1_000_000_000, 0]), 1.0);
        assert_eq!(median_gb(&mut [3_000_000_000, 1_000_000_000]), 2.0);
        assert_eq!(gini(&[5, 5, 5, 5]), Some(0.0));
        assert_eq!(gini(&[0, 0, 0, 8]), Some(0.75));
        assert_eq!(gini(&[0, 0]), None);
    }
}
