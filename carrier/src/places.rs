//! The provinces of Morocco, for SIMs to belong to.

/// A province or prefecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Province {
    /// Official code, region first: `07.211`.
    pub code: &'static str,
    pub name_fr: &'static str,
    pub name_ar: &'static str,
    pub region_code: &'static str,
    /// Census of 2024.
    pub population: u32,
}

/// All 75 provinces and prefectures, in the order of the file (where it comes from: `data/PROVENANCE.md`).
pub fn provinces() -> Vec<Province> {
    include_str!("../data/provinces.csv")
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split(',');
            Some(Province {
                code: fields.next()?,
                name_fr: fields.next()?,
                name_ar: fields.next()?,
                region_code: fields.next()?,
                population: fields.next()?.parse().ok()?,
            })
        })
        .collect()
}

/// Shares out `total` in proportion to `weights`, by largest remainders; the parts add up to `total`.
pub fn share_out(total: u32, weights: &[u32]) -> Vec<u32> {
    let sum: u64 = weights.iter().map(|w| u64::from(*w)).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: u32| u64::from(total) * u64::from(weight);
    let mut parts: Vec<u32> = weights
        .iter()
        // A part is at most the total.
        .map(|w| (exact(*w) / sum) as u32)
        .collect();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|i| std::cmp::Reverse((exact(weights[*i]) % sum, weights[*i])));
    let missing = total - parts.iter().sum::<u32>();
    for index in by_remainder.into_iter().take(missing as usize) {
        parts[index] += 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_75_provinces_in_12_regions() {
        let provinces = provinces();
        assert_eq!(provinces.len(), 75);
        let mut regions: Vec<_> = provinces.iter().map(|p| p.region_code).collect();
        regions.sort_unstable();
        regions.dedup();
        assert_eq!(regions.len(), 12);
        assert!(provinces.iter().all(|p| p.code.starts_with(p.region_code)));
    }

    #[test]
    fn parts_add_up() {
        assert_eq!(share_out(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(
            share_out(75, &[311, 330, 270, 252, 180, 157]),
            [16, 16, 13, 13, 9, 8]
        );
        assert_eq!(share_out(3, &[0, 0]), [0, 0]);
    }
}
