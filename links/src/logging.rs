//! Logs to stderr: pleasant in a terminal, JSON lines where a machine reads them.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts logging at `info`, or as `HISSA_LOG` says (`debug`, `hissa_ingest=debug`, …). A second call does nothing.
pub fn start(quiet: bool) {
    let filter = EnvFilter::try_from_env("HISSA_LOG").unwrap_or_else(|_| {
        // librdkafka warns of properties that are set on purpose; its errors are of interest.
        EnvFilter::new(if quiet {
            "error"
        } else {
            "info,rdkafka=warn,librdkafka=error"
        })
    });
    let terminal = std::io::stderr().is_terminal();
    let colours = terminal && std::env::var_os("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours);
    // The one error is that logging was started before.
    let _ = if terminal {
        lines.with_target(false).try_init()
    } else {
        lines.json().flatten_event(true).try_init()
    };
}
