//! What every command that changes the registry does with its plan: show it, ask, enter it.

use super::{ImportError, Plan, Session};
use crate::args::ChangeArgs;
use crate::console::Console;
use crate::exit::Exit;

/// Shows the difference, asks, applies; says whether anything was applied. `what` is a word such as "SIMs", and
/// `remarks` is shown below the difference.
///
/// # Errors
/// Nobody agrees, or Kafka does not take all of it.
pub async fn settle(
    session: &mut Session,
    mut plan: Plan,
    what: &str,
    remarks: &str,
    change: &ChangeArgs,
    now_ms: i64,
    console: &Console,
) -> anyhow::Result<bool> {
    plan.reason.clone_from(&change.reason);
    if !console.json {
        console.data(&plan.difference.text(what));
        console.data(remarks);
    }
    if plan.is_empty() {
        console.remark("nothing to do: the registry says the same");
        return Ok(false);
    }
    if change.dry_run {
        console.remark("--dry-run: nothing was changed");
        return Ok(false);
    }
    let count = plan.commands.len();
    if !change.yes
        && !console.agrees(&format!("Enter this ({count} commands) into the registry?"))?
    {
        return Err(ImportError::NotAgreed.into());
    }
    let mut progress = console.progress("importing");
    session
        .apply(plan, now_ms, move |done, all| progress.at(done, all))
        .await?;
    let commands = if count == 1 { "command" } else { "commands" };
    console.remark(&format!(
        "entered {count} {commands}; the registry has {} revisions",
        session.view().revisions
    ));
    Ok(true)
}

/// The same for a plan that needs no remark, with its one line of JSON.
///
/// # Errors
/// As [`settle`].
pub async fn settle_and_tell(
    session: &mut Session,
    plan: Plan,
    what: &str,
    change: &ChangeArgs,
    now_ms: i64,
    console: &Console,
) -> anyhow::Result<Exit> {
    let (difference, commands) = (plan.difference.clone(), plan.commands.len());
    let applied = settle(session, plan, what, "", change, now_ms, console).await?;
    if console.json {
        console.json_line(&serde_json::json!({
            "difference": difference,
            "commands": commands,
            "applied": applied,
            "revisions": session.view().revisions,
        }))?;
    }
    Ok(Exit::Fine)
}
