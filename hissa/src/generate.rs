//! `hissa generate`: a seeded feed, its registry files and its truth, as files.

use hissa_carrier::{Date, Dirt, Scenario, files};

use crate::args::{DirtArg, GenerateArgs};
use crate::console::Console;
use crate::exit::{Exit, UsageError};

/// Runs the command. Blocking.
///
/// # Errors
/// The scenario cannot be generated, or the folder not written.
pub fn run(args: &GenerateArgs, console: &Console) -> anyhow::Result<Exit> {
    let scenario = scenario(args)?;
    let generated =
        hissa_carrier::generate(&scenario).map_err(|why| UsageError(why.to_string()))?;
    let truth = files::write_files(&args.out, generated, |count| {
        if count % 100_000 == 0 {
            console.remark(&format!("{count} messages"));
        }
    })?;
    console.remark(&format!(
        "{} holds the feed of {} to {}, its registry files, and truth.json",
        args.out.display(),
        scenario.from,
        scenario.to
    ));
    if console.json {
        let (fired, resolved) = truth.alerts_fired_and_resolved();
        console.json_line(&serde_json::json!({
            "out": args.out,
            "scenario": scenario,
            "alerts": { "fired": fired, "resolved": resolved },
        }))?;
    }
    Ok(Exit::Fine)
}

fn scenario(args: &GenerateArgs) -> Result<Scenario, UsageError> {
    let windowed = match args.window.as_deref() {
        None => Scenario::full(args.seed),
        Some(window) => of_window(args.seed, window)?,
    };
    Ok(Scenario {
        pupils: args.pupils,
        dirt: match args.dirt {
            DirtArg::None => Dirt::None,
            DirtArg::Default => Dirt::Default,
        },
        ..windowed
    })
}

/// The scenario of a window: `last-60d`, or `FIRST..LAST` with ten more days in which the late tail arrives.
///
/// # Errors
/// The text is neither.
pub fn of_window(seed: u64, window: &str) -> Result<Scenario, UsageError> {
    if window == "last-60d" {
        let today = jiff::Timestamp::from_millisecond(crate::import::command::now_ms())
            .map(|now| now.to_string())
            .unwrap_or_default();
        return match date(today.split('T').next().unwrap_or_default()) {
            Some(today) => Ok(Scenario::last_60_days(seed, today)),
            None => Err(UsageError(
                "the clock of this machine shows no date: set it".into(),
            )),
        };
    }
    let days = window.split_once("..");
    let days = days.and_then(|(from, to)| Some((date(from)?, date(to)?)));
    let Some((from, to)) = days else {
        return Err(UsageError(format!(
            "--window {window} is not understood: write 2026-02-01..2026-03-31, or last-60d"
        )));
    };
    Ok(Scenario {
        from,
        to,
        fed_to: to.iter_days().nth(10).unwrap_or(to),
        ..Scenario::full(seed)
    })
}

fn date(text: &str) -> Option<Date> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_two_days_or_the_last_sixty() {
        let scenario = of_window(7, "2026-02-01..2026-02-10").unwrap();
        let days = [scenario.from, scenario.to, scenario.fed_to].map(|day| day.to_string());
        assert_eq!(days, ["2026-02-01", "2026-02-10", "2026-02-20"]);
        assert!(of_window(7, "last-60d").is_ok());
        assert!(
            of_window(7, "february")
                .unwrap_err()
                .to_string()
                .contains("last-60d")
        );
    }
}
