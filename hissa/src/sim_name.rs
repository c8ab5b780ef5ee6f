//! Which SIM a user means: an asset tag, a pseudonym, or (from stdin alone) an IMSI.

use std::io::BufRead as _;

use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::sim::{Imsi, SimId};
use hissa_links::key;

use crate::args::SimArg;
use crate::config::deployment::Deployment;
use crate::exit::{NotFound, UsageError};
use crate::import::RegistryView;

/// A SIM, and what people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedSim {
    pub sim: SimId,
    /// The asset tag; the pseudonym, where the directory knows none.
    pub name: String,
}

/// Finds the SIM; none where the user named none. Reads stdin where that is asked for.
///
/// # Errors
/// The name is a raw identifier or unknown; the key cannot be read.
pub fn find(
    arg: &SimArg,
    deployment: &Deployment,
    view: &RegistryView,
) -> anyhow::Result<Option<NamedSim>> {
    if arg.stdin {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        let key = key::load(&deployment.key_file)?;
        return Ok(Some(by_imsi(&line, &key, view)?));
    }
    arg.sim
        .as_deref()
        .map(|name| by_name(name, view))
        .transpose()
}

/// Finds the SIM of an IMSI.
///
/// # Errors
/// The line is none.
pub fn by_imsi(
    line: &str,
    key: &Pseudonymizer,
    view: &RegistryView,
) -> Result<NamedSim, UsageError> {
    let imsi = Imsi::parse(line.trim())
        .map_err(|_| UsageError("stdin has no IMSI: one line of 6 to 15 digits".into()))?;
    Ok(named(key.sim(&imsi), view))
}

/// Finds the SIM of an asset tag or a pseudonym.
///
/// # Errors
/// The name is a raw identifier or unknown.
pub fn by_name(name: &str, view: &RegistryView) -> anyhow::Result<NamedSim> {
    if let Ok(sim) = name.parse::<SimId>() {
        return Ok(named(sim, view));
    }
    if let Some(sim) = view.sim_of_tag(name) {
        return Ok(named(sim, view));
    }
    if (10..=22).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_digit()) {
        let why = "that looks like a raw identifier, which a shell's history would keep: give an asset tag, or pipe the IMSI in with --stdin";
        return Err(UsageError(why.into()).into());
    }
    let nearest = view
        .directory
        .keys()
        .filter_map(|key| key.strip_prefix("tag/"))
        .map(|tag| (strsim::osa_distance(tag, name), tag))
        .min();
    let remedy = match nearest {
        Some((distance, tag)) if distance <= 1 => format!("did you mean {tag}?"),
        Some(_) => "name a tag of the imported roster, or a pseudonym of 32 digits".into(),
        None => "no roster is imported yet: `hissa import roster roster.csv`".into(),
    };
    Err(NotFound(format!("no tablet has the tag {name}: {remedy}")).into())
}

fn named(sim: SimId, view: &RegistryView) -> NamedSim {
    let name = view
        .entry(sim)
        .map_or_else(|| sim.to_string(), |entry| entry.asset_tag);
    NamedSim { sim, name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> RegistryView {
        let mut view = RegistryView::default();
        let hex = "0102030405060708090a0b0c0d0e0f10";
        view.record("tag/T-0412", Some(format!("{{\"sim\":\"{hex}\"}}")));
        let entry = r#"{"asset_tag":"T-0412","school_name_fr":"","school_name_ar":"","alert_lang":"","admin_groups":[]}"#;
        view.record(&format!("sim/{hex}"), Some(entry.into()));
        view
    }

    #[test]
    fn a_tag_and_a_pseudonym_name_the_same_sim() {
        let by_tag = by_name("T-0412", &view()).unwrap();
        assert_eq!(by_tag.name, "T-0412");
        assert_eq!(by_name(&by_tag.sim.to_string(), &view()).unwrap(), by_tag);
    }

    #[test]
    fn a_raw_identifier_on_the_command_line_is_refused() {
        let why = by_name("001012120000412", &view()).unwrap_err().to_string();
        assert!(why.contains("--stdin"), "{why}");
        assert!(!why.contains("0412"), "{why}");
    }

    #[test]
    fn a_tag_that_is_nearly_one_is_told() {
        let why = by_name("T-0413", &view()).unwrap_err().to_string();
        assert_eq!(why, "no tablet has the tag T-0413: did you mean T-0412?");
    }
}
