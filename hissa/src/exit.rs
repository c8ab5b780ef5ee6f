//! Exit codes, and which error ends with which.

use std::process::ExitCode;

use hissa_links::LinkError;
use hissa_stack::StackError;

use crate::config::load::ConfigError;
use crate::import::ImportError;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Fine = 0,
    /// The command worked, and found something: an error in a file, books that do not balance.
    Finding = 1,
    /// The command line is not understood.
    Usage = 2,
    /// The configuration is not usable.
    Configuration = 3,
    /// Something that Hissa depends on is missing, does not answer, or failed.
    Dependency = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        // The discriminants are the codes.
        ExitCode::from(exit as u8)
    }
}

/// An argument that can only be judged while the command runs.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// A question about something that is not there, such as an unknown tag.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotFound(pub String);

/// The exit code of an error, by the first error in its chain that has one.
pub fn of(error: &anyhow::Error) -> Exit {
    for cause in error.chain() {
        if cause.is::<ConfigError>() {
            return Exit::Configuration;
        }
        if let Some(link) = cause.downcast_ref::<LinkError>() {
            return of_link(link);
        }
        if let Some(import) = cause.downcast_ref::<ImportError>() {
            match import {
                ImportError::Link(link) => return of_link(link),
                ImportError::NoProgramme | ImportError::Refused(_) => return Exit::Configuration,
                ImportError::Malformed { .. } => return Exit::Dependency,
                ImportError::NotAgreed => return Exit::Usage,
            }
        }
        if cause.is::<StackError>() {
            return Exit::Dependency;
        }
        if cause.is::<UsageError>() {
            return Exit::Usage;
        }
        if cause.is::<NotFound>() {
            return Exit::Finding;
        }
    }
    // What is left are files, sockets, clients: things outside.
    Exit::Dependency
}

fn of_link(link: &LinkError) -> Exit {
    match link {
        LinkError::KafkaProperties { .. } | LinkError::Partitions { .. } => Exit::Configuration,
        _ => Exit::Dependency,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn an_error_ends_with_the_code_of_what_is_behind_it() {
        let silent = || LinkError::ClickHouseSilent {
            url: "http://127.0.0.1:1".into(),
            why: "refused".into(),
        };
        let cases: [(anyhow::Error, Exit); 7] = [
            (ConfigError::NoDeployment.into(), Exit::Configuration),
            (ImportError::NoProgramme.into(), Exit::Configuration),
            (ImportError::NotAgreed.into(), Exit::Usage),
            (ImportError::Link(silent()).into(), Exit::Dependency),
            (UsageError("--at".into()).into(), Exit::Usage),
            (NotFound("T-1".into()).into(), Exit::Finding),
            (std::io::Error::other("disk full").into(), Exit::Dependency),
        ];
        for (error, expected) in cases {
            assert_eq!(of(&error), expected, "{error}");
        }
        let wrapped = Err::<(), _>(silent()).context("asking for decisions");
        assert_eq!(of(&wrapped.unwrap_err()), Exit::Dependency);
    }
}
