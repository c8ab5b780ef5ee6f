//! The files with secrets: whether they can be used, where they are on this machine.

use std::path::Path;

use hissa_links::{LinkError, key, secret};

use crate::config::deployment::{Secret, secrets};
use crate::config::finding::{Finding, Source};

/// What is wrong with the secrets that a deployment names, and which of them are not here to be looked at: the files are
/// often checked on another machine than the one that runs.
pub fn look(source: &Source, folder: &Path) -> (Vec<Finding>, Vec<String>) {
    let (mut wrong, mut absent) = (Vec::new(), Vec::new());
    for found in secrets(source, folder) {
        let (secret, path) = &found.value;
        let why = match secret {
            Secret::PseudonymKey => key::load(path).map(drop),
            Secret::Webhook => hissa_notify::webhook::signer(path).map(drop),
            Secret::Password => secret::read("the secret", path).map(drop),
        };
        let (message, remedy) = match why {
            Ok(()) => continue,
            Err(LinkError::Unreadable { what, path, why }) => {
                absent.push(format!(
                    "{what} {} was not looked at: {why}",
                    path.display()
                ));
                continue;
            }
            Err(LinkError::Permissions { what, path, mode }) => (
                format!("{what} can be read by others (mode {mode:o})"),
                format!("run `chmod 600 {}`", path.display()),
            ),
            Err(LinkError::Malformed { what, path, why }) => (
                format!("{what} is not usable"),
                format!("{}: {why}", path.display()),
            ),
            Err(other) => (other.to_string(), "see the message".into()),
        };
        wrong.push(source.finding(found.span, message, remedy));
    }
    (wrong, absent)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_that_is_here_and_cannot_be_used_is_found_at_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str, mode| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write("key", "0011", 0o600);
        write("password", "s3cret", 0o644);
        write("webhook", "whsec_short", 0o600);
        let source = Source::new(
            "hissa.toml",
            "[deployment]\nkey_file = \"key\"\n[clickhouse]\npassword_file = \"password\"\n\
            [kafka.internal]\n\"sasl.password_file\" = \"gone\"\n\
            [notify]\nwebhook = { url = \"https://a\", secret_file = \"webhook\" }\n",
        );
        let (wrong, absent) = look(&source, folder.path());
        let shown: String = wrong.iter().map(|finding| finding.render(false)).collect();
        let shown = shown.replace(&folder.path().display().to_string(), "FOLDER");
        insta::assert_snapshot!(shown, @r#"
        error: the pseudonym key is not usable
         --> hissa.toml:2:12
          |
        2 | key_file = "key"
          |            ^^^^^
          = help: FOLDER/key: expected 32 hexadecimal digits; make one with `openssl rand -hex 16`
        error: the secret can be read by others (mode 644)
         --> hissa.toml:4:17
          |
        4 | password_file = "password"
          |                 ^^^^^^^^^^
          = help: run `chmod 600 FOLDER/password`
        error: the webhook secret is not usable
         --> hissa.toml:8:46
          |
        8 | webhook = { url = "https://a", secret_file = "webhook" }
          |                                              ^^^^^^^^^
          = help: FOLDER/webhook: expected `whsec_` and 24 to 64 random bytes in base64
        "#);
        assert_eq!(absent.len(), 1);
        assert!(absent[0].contains("gone was not looked at"), "{absent:?}");
    }
}
