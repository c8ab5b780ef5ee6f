//! What people read. Templates are data (`templates/fr.toml`); numbers and dates are written as the language does.

use hissa_core::alert::{AlertChange, AlertKind, Change};
use jiff::civil::Date;
use serde::Deserialize;

const FRENCH: &str = include_str!("../templates/fr.toml");

/// All texts of a language. Every field is needed, so that a missing text is an error and never an empty message.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    months: [String; 12],
    tablet: Tablet,
    reasons: Reasons,
    states: States,
    sim_quota_80: QuotaTexts,
    sim_exhausted: ExhaustedTexts,
    sim_restored: RestoredTexts,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tablet {
    tagged: String,
    untagged: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reasons {
    reset: String,
    limit_raised: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct States {
    block: String,
    throttle: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuotaTexts {
    fire: String,
    fire_without_date: String,
    resolve: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExhaustedTexts {
    fire: String,
    fire_without_cut: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RestoredTexts {
    resolve: String,
    resolve_without_cut: String,
}

impl Texts {
    /// The French texts.
    ///
    /// # Errors
    /// The file in the binary lacks a text (its test forbids that).
    pub fn french() -> Result<Texts, toml::de::Error> {
        toml::from_str(FRENCH)
    }

    /// The text of a change, for the tablet with this asset tag.
    pub fn say(&self, change: &AlertChange, asset_tag: Option<&str>, link: &str) -> String {
        let tablet = match asset_tag {
            Some(tag) => self.tablet.tagged.replace("{tag}", tag),
            None => self.tablet.untagged.clone(),
        };
        let reset = self.date(change.resets_on);
        let reason = if ended_by_reset(change) {
            self.reasons.reset.replace("{reset}", &reset)
        } else {
            self.reasons.limit_raised.clone()
        };
        let state = match change.state.as_str() {
            "throttle" => &self.states.throttle,
            _ => &self.states.block,
        };
        let date = change.runs_out_on.map(|day| self.date(day));
        let values = [
            ("used", decimal_comma(&tenths(change.used_bytes))),
            ("quota", decimal_comma(&exact(change.limit_bytes))),
            ("date", date.unwrap_or_default()),
            ("reset", reset),
            ("reason", reason),
            ("state", state.clone()),
            ("link", link.to_owned()),
            ("tablet", tablet),
        ];
        fill(self.template(change), &values)
    }

    fn template(&self, change: &AlertChange) -> &str {
        let cut = change.state != "allow";
        match (change.kind, change.change) {
            (AlertKind::SimQuota80, Change::Fire) if change.runs_out_on.is_none() => {
                &self.sim_quota_80.fire_without_date
            }
            (AlertKind::SimQuota80, Change::Fire) => &self.sim_quota_80.fire,
            (AlertKind::SimQuota80, Change::Resolve) => &self.sim_quota_80.resolve,
            (AlertKind::SimExhausted, Change::Fire) if cut => &self.sim_exhausted.fire,
            (AlertKind::SimExhausted, Change::Fire) => &self.sim_exhausted.fire_without_cut,
            (AlertKind::SimExhausted, Change::Resolve) if cut => &self.sim_restored.resolve,
            (AlertKind::SimExhausted, Change::Resolve) => &self.sim_restored.resolve_without_cut,
        }
    }

    fn date(&self, day: Date) -> String {
        // A month is 1 to 12.
        let month = &self.months[usize::from(day.month().unsigned_abs()) - 1];
        format!("{} {month} {}", day.day(), day.year())
    }
}

/// Whether an alert is over because its cycle is.
fn ended_by_reset(change: &AlertChange) -> bool {
    change.at_ms >= change.resets_at_ms
}

/// Replaces each `{name}` once, from left to right, so that a value with braces in it stays as it is.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let known = after.split_once('}').and_then(|(name, behind)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((value, behind))
        });
        match known {
            Some((value, behind)) => {
                text.push_str(value);
                rest = behind;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

const BYTES_PER_GB: u64 = 1_000_000_000;

/// Gigabytes with one decimal, rounded down: `19.9` until the twentieth is full.
pub fn tenths(bytes: u64) -> String {
    let tenths = bytes / (BYTES_PER_GB / 10);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Gigabytes with all the decimals that they have and no more: `20`, `2.5`, `0.512`.
pub fn exact(bytes: u64) -> String {
    let (whole, part) = (bytes / BYTES_PER_GB, bytes % BYTES_PER_GB);
    if part == 0 {
        return whole.to_string();
    }
    let decimals = format!("{part:09}");
    format!("{whole}.{}", decimals.trim_end_matches('0'))
}

fn decimal_comma(number: &str) -> String {
    number.replace('.', ",")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::message::tests::change;

    #[test]
    fn french_texts_are_complete_and_know_their_placeholders() {
        let texts = Texts::french().unwrap();
        for kind in [AlertKind::SimQuota80, AlertKind::SimExhausted] {
            for what in [Change::Fire, Change::Resolve] {
                for state in ["block", "throttle", "allow"] {
                    for runs_out_on in [None, Some(date(2026, 2, 20))] {
                        for at_ms in [0, i64::MAX] {
                            let mut said = change(kind, what);
                            said.state = state.into();
                            said.runs_out_on = runs_out_on;
                            said.at_ms = at_ms;
                            let text = texts.say(&said, Some("T-0412"), "https://h.example/a");
                            assert!(!text.contains(['{', '}']), "{text}");
                            assert!(!text.contains("  ") && !text.contains("le ."), "{text}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_text_reads_as_a_person_would_write_it() {
        use AlertKind::{SimExhausted, SimQuota80};
        use Change::{Fire, Resolve};
        let texts = Texts::french().unwrap();
        let (late, reset) = (Some(date(2026, 2, 24)), 1_772_323_200_000);
        let table: [(_, _, _, _, _, _, &str); 9] = [
            (
                SimQuota80,
                Fire,
                "block",
                late,
                0,
                Some("T-0412"),
                "Tablette T-0412 : 16,0 Go sur 20 utilisés. À ce rythme, fin vers le 24 février 2026. Remise à zéro : 1 mars 2026. https://h.example/a",
            ),
            (
                SimQuota80,
                Fire,
                "block",
                None,
                0,
                Some("T-0412"),
                "Tablette T-0412 : 16,0 Go sur 20 utilisés. À ce rythme, le quota suffit jusqu'à la remise à zéro : 1 mars 2026. https://h.example/a",
            ),
            (
                SimQuota80,
                Resolve,
                "block",
                None,
                reset,
                Some("T-0412"),
                "Tablette T-0412 : de nouveau sous le seuil du quota (remise à zéro du 1 mars 2026).",
            ),
            (
                SimExhausted,
                Fire,
                "throttle",
                None,
                0,
                Some("T-0412"),
                "Tablette T-0412 : 20 Go épuisés. Sites éducatifs ralentis jusqu'au 1 mars 2026. Prolongation : https://h.example/a",
            ),
            (
                SimExhausted,
                Fire,
                "block",
                None,
                0,
                None,
                "Une tablette sans étiquette : 20 Go épuisés. Sites éducatifs bloqués jusqu'au 1 mars 2026. Prolongation : https://h.example/a",
            ),
            (
                SimExhausted,
                Fire,
                "allow",
                None,
                0,
                Some("T-0412"),
                "Tablette T-0412 : 20 Go épuisés. Les sites éducatifs restent accessibles. Remise à zéro : 1 mars 2026. https://h.example/a",
            ),
            (
                SimExhausted,
                Resolve,
                "block",
                None,
                reset,
                Some("T-0412"),
                "Tablette T-0412 : accès rétabli (remise à zéro du 1 mars 2026).",
            ),
            (
                SimExhausted,
                Resolve,
                "throttle",
                None,
                0,
                None,
                "Une tablette sans étiquette : accès rétabli (quota relevé).",
            ),
            (
                SimExhausted,
                Resolve,
                "allow",
                None,
                reset,
                Some("T-0412"),
                "Tablette T-0412 : quota de nouveau disponible (remise à zéro du 1 mars 2026).",
            ),
        ];
        for (kind, what, state, runs_out_on, at_ms, tag, expected) in table {
            let mut said = change(kind, what);
            said.state = state.into();
            said.runs_out_on = runs_out_on;
            said.at_ms = at_ms;
            assert_eq!(texts.say(&said, tag, "https://h.example/a"), expected);
        }
    }

    #[test]
    fn a_tag_with_braces_is_no_placeholder() {
        let texts = Texts::french().unwrap();
        let said = change(AlertKind::SimExhausted, Change::Resolve);
        let text = texts.say(&said, Some("{link}"), "https://h.example/a");
        assert!(text.starts_with("Tablette {link} :"), "{text}");
    }

    #[test]
    fn gigabytes_are_never_rounded_up() {
        for (bytes, in_tenths, exactly) in [
            (0, "0.0", "0"),
            (99_999_999, "0.0", "0.099999999"),
            (512_000_000, "0.5", "0.512"),
            (2_500_000_000, "2.5", "2.5"),
            (19_999_999_999, "19.9", "19.999999999"),
            (20_000_000_000, "20.0", "20"),
        ] {
            assert_eq!(
                (tenths(bytes).as_str(), exact(bytes).as_str()),
                (in_tenths, exactly)
            );
        }
    }
}
