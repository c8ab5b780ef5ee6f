//! Where the SIMs are: schools, associations and offices, all of them fictitious, in real provinces.

use crate::dice::Dice;
use crate::places::{Province, share_out};
use crate::policy::{INSPECTORS, KHATWAT, PILOT, SCHOOLS, TEACHERS};

/// A school, an association or an office.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct School {
    pub cohort: usize,
    /// Index into the provinces.
    pub province: usize,
    pub code: String,
    pub name_fr: String,
    pub name_ar: String,
    /// Made up: its cercle 99 does not exist.
    pub commune_code: String,
    pub rural: bool,
    /// SIMs that belong to it.
    pub sims: u32,
}

/// The provinces of `pilote-rural`, and the SIMs in each.
pub const PILOT_PROVINCES: [(&str, u32); 6] = [
    ("07.211", 311), // Essaouira
    ("06.467", 330), // Sidi Bennour
    ("05.301", 270), // Khénifra
    ("07.427", 252), // Rehamna
    ("07.585", 180), // Youssoufia
    ("02.265", 157), // Guercif
];

const NAMES: [(&str, &str); 12] = [
    ("Al Amal", "الأمل"),
    ("Annour", "النور"),
    ("Al Massira", "المسيرة"),
    ("Ibn Khaldoun", "ابن خلدون"),
    ("Al Farabi", "الفارابي"),
    ("Ibn Batouta", "ابن بطوطة"),
    ("Al Wahda", "الوحدة"),
    ("Arrazi", "الرازي"),
    ("Al Khawarizmi", "الخوارزمي"),
    ("Ibn Rochd", "ابن رشد"),
    ("Al Atlas", "الأطلس"),
    ("Annakhil", "النخيل"),
];

/// How many SIMs each cohort has, when `pilote-rural` has that many.
pub fn cohort_sizes(pupils: u32) -> [u32; 5] {
    // 1,500 pupils make 1,300, 600, 600 and 640 of the others.
    let scaled = |whole: u32| {
        (u64::from(pupils) * u64::from(whole))
            .div_ceil(1_500)
            .max(2) as u32
    };
    [pupils, scaled(1_300), scaled(600), scaled(600), scaled(640)]
}

/// All schools of all cohorts, cohort by cohort.
pub fn schools(pupils: u32, provinces: &[Province], dice: &mut Dice) -> Vec<School> {
    let sizes = cohort_sizes(pupils);
    let mut schools = Vec::new();
    pilot(sizes[PILOT], provinces, dice, &mut schools);

    let people: Vec<u32> = provinces.iter().map(|p| p.population).collect();
    for (province, sims) in at_least_one_each(sizes[TEACHERS], &people)
        .into_iter()
        .enumerate()
    {
        // About eight teachers share a school.
        for part in even_parts(sims, sims.div_ceil(8)) {
            let rural = dice.chance(0.5);
            schools.push(school(TEACHERS, province, part, rural));
        }
    }
    for (province, sims) in seats(provinces)
        .into_iter()
        .zip(share_out(sizes[INSPECTORS], &[1; 12]))
    {
        schools.push(school(INSPECTORS, province, sims, false));
    }
    for (place, sims) in even_parts(sizes[KHATWAT], sizes[KHATWAT].div_ceil(25))
        .into_iter()
        .enumerate()
    {
        let province = (place * 29 + 3) % provinces.len();
        schools.push(school(KHATWAT, province, sims, place % 3 == 0));
    }
    for (place, sims) in even_parts(sizes[SCHOOLS], sizes[SCHOOLS].div_ceil(40))
        .into_iter()
        .enumerate()
    {
        let province = (place * 31 + 11) % provinces.len();
        schools.push(school(SCHOOLS, province, sims, false));
    }
    schools.retain(|school| school.sims > 0);
    name(&mut schools, provinces);
    schools
}

/// 75 schools of 4 to 40 tablets, 12 of them with fewer than 10.
fn pilot(pupils: u32, provinces: &[Province], dice: &mut Dice, schools: &mut Vec<School>) {
    let weights = PILOT_PROVINCES.map(|(_, sims)| sims);
    let sims_and_schools = share_out(pupils, &weights)
        .into_iter()
        .zip(share_out(pupils / 20, &weights));
    for ((code, _), (sims, count)) in PILOT_PROVINCES.iter().zip(sims_and_schools) {
        let Some(province) = provinces.iter().position(|p| p.code == *code) else {
            continue;
        };
        let count = count.max(1);
        let small = if count >= 6 { 2 } else { 0 };
        let mut sizes: Vec<u32> = (0..small).map(|_| 4 + dice.below(6) as u32).collect();
        let rest = sims - sizes.iter().sum::<u32>();
        // 10 in every larger school, the others as chance will have it, up to 40 in one.
        let weights: Vec<u32> = (small..count).map(|_| 4 + dice.below(13) as u32).collect();
        let larger = count - small;
        let base = if rest >= 10 * larger { 10 } else { 0 };
        sizes.extend(
            share_out(rest - base * larger, &weights)
                .into_iter()
                .map(|s| s + base),
        );
        schools.extend(
            sizes
                .into_iter()
                .map(|sims| school(PILOT, province, sims, true)),
        );
    }
}

fn at_least_one_each(total: u32, weights: &[u32]) -> Vec<u32> {
    let places = weights.len() as u32;
    if total < places {
        return share_out(total, weights);
    }
    share_out(total - places, weights)
        .into_iter()
        .map(|part| part + 1)
        .collect()
}

/// The most populous province of each region.
fn seats(provinces: &[Province]) -> Vec<usize> {
    let mut regions: Vec<&str> = provinces.iter().map(|p| p.region_code).collect();
    regions.dedup();
    let of = |region: &str| {
        let members = provinces
            .iter()
            .enumerate()
            .filter(|(_, p)| p.region_code == region);
        members
            .max_by_key(|(_, p)| p.population)
            .map_or(0, |(index, _)| index)
    };
    regions.into_iter().map(of).collect()
}

fn even_parts(total: u32, parts: u32) -> Vec<u32> {
    share_out(total, &vec![1; parts as usize])
}

fn school(cohort: usize, province: usize, sims: u32, rural: bool) -> School {
    School {
        cohort,
        province,
        code: String::new(),
        name_fr: String::new(),
        name_ar: String::new(),
        commune_code: String::new(),
        rural,
        sims,
    }
}

fn name(schools: &mut [School], provinces: &[Province]) {
    for (index, school) in schools.iter_mut().enumerate() {
        let province = &provinces[school.province];
        let (fr, ar) = NAMES[index % NAMES.len()];
        let number = index / NAMES.len() + 1;
        let (kind_fr, kind_ar) = match school.cohort {
            INSPECTORS => ("Inspection", "تفتيشية"),
            KHATWAT => ("Association", "جمعية"),
            _ => ("École", "مدرسة"),
        };
        school.code = format!("F{:04}", index + 1);
        school.name_fr = format!("{kind_fr} {fr} {number}, {} (fictif)", province.name_fr);
        school.name_ar = format!("{kind_ar} {ar} {number}، {} (خيالي)", province.name_ar);
        school.commune_code = format!("{}.99.{:02}", province.code, index % 20 + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Purpose;
    use crate::places::provinces;

    #[test]
    fn the_demo_has_its_schools_and_sims() {
        let provinces = provinces();
        let schools = schools(
            1_500,
            &provinces,
            &mut Dice::new(212, Purpose::Population, 0, 0),
        );
        let of = |cohort| schools.iter().filter(move |s| s.cohort == cohort);
        let sims = |cohort| of(cohort).map(|s| s.sims).sum::<u32>();
        assert_eq!([0, 1, 2, 3, 4].map(sims), [1_500, 1_300, 600, 600, 640]);
        assert_eq!(of(PILOT).count(), 75);
        assert_eq!(of(PILOT).filter(|s| s.sims < 10).count(), 12);
        assert!(of(PILOT).all(|s| (4..=40).contains(&s.sims)));
        for (code, expected) in PILOT_PROVINCES {
            let found: u32 = of(PILOT)
                .filter(|s| provinces[s.province].code == code)
                .map(|s| s.sims)
                .sum();
            assert_eq!(found, expected, "{code}");
        }
        let mut reached: Vec<usize> = of(TEACHERS).map(|s| s.province).collect();
        reached.dedup();
        assert_eq!(reached.len(), 75);
        assert_eq!(of(INSPECTORS).count(), 12);
        assert_eq!(of(KHATWAT).map(|s| s.sims).collect::<Vec<_>>(), [25; 24]);
        assert_eq!(of(SCHOOLS).map(|s| s.sims).collect::<Vec<_>>(), [40; 16]);
        assert!(schools.iter().all(|s| s.name_fr.ends_with("(fictif)")));
    }
}
