//! Delivery by Standard Webhooks 1.0 (<https://www.standardwebhooks.com>): signed, and repeated until it is taken.
//!
//! An answer is about the message, or about the link. What says that this very message is not wanted sets it aside;
//! everything else (no connection, time out, 5xx, 429, but also 401, 403, 404 and redirects, which a wrong secret or
//! address brings) says nothing about it, and is tried again for ever: a fault in a configuration loses no alert.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use backon::{ExponentialBuilder, Retryable as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hissa_links::{LinkError, secret};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{StatusCode, redirect};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};

use crate::config::WebhookConfig;
use crate::message::Message;

const SECRET: &str = "the webhook secret";
/// No receiver makes an alert wait for longer than that.
const RETRY_AFTER_MOST: Duration = Duration::from_secs(15 * 60);

/// Answers that speak of the message: malformed, known to conflict, gone, too large, of the wrong type, unprocessable.
const REFUSALS: [u16; 7] = [400, 409, 410, 413, 415, 422, 431];

/// The webhook, with its secret.
pub struct Webhook {
    client: reqwest::Client,
    url: reqwest::Url,
    signer: standardwebhooks::Webhook,
    backoff: ExponentialBuilder,
    /// The last try failed: so trouble, and its end, is logged once.
    failing: AtomicBool,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has the message.
    Taken,
    /// The receiver does not want this message, for the status it gave.
    Refused(u16),
}

/// A try that failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("the receiver does not want the message (status {0})")]
    Refused(u16),
    #[error("the receiver answered {status}")]
    Answered {
        status: u16,
        retry_after: Option<Duration>,
    },
    #[error("no answer: {0}")]
    Silent(String),
}

impl Webhook {
    /// Reads the secret; nothing is sent yet.
    ///
    /// # Errors
    /// The secret's file is absent, open to others, or does not hold `whsec_` and 24 to 64 bytes in base64.
    pub fn new(config: &WebhookConfig) -> anyhow::Result<Webhook> {
        let client = reqwest::Client::builder()
            .timeout(config.timeout())
            .user_agent(concat!("hissa-notify/", env!("CARGO_PKG_VERSION")))
            // A signed message goes where it was addressed, or nowhere.
            .redirect(redirect::Policy::none())
            .build()
            .context("preparing the webhook's client")?;
        Ok(Webhook {
            client,
            url: config.url.parse().context("reading `webhook.url`")?,
            signer: signer(&config.secret_file)?,
            backoff: ExponentialBuilder::new()
                .with_min_delay(Duration::from_millis(config.retry_first_ms))
                .with_max_delay(Duration::from_millis(config.retry_most_ms))
                .without_max_times()
                .with_jitter(),
            failing: AtomicBool::new(false),
        })
    }

    /// Sends a message until it is taken or refused; `failed` is told of every try that will be repeated.
    pub async fn deliver(&self, message: &Message, mut failed: impl FnMut(&Failure)) -> Verdict {
        // Messages that failed together do not come back together.
        let seed = message.id.bytes().fold(0, |seed: u64, byte| {
            seed.wrapping_mul(31).wrapping_add(byte.into())
        });
        let sent = (|| self.try_once(message))
            .retry(self.backoff.with_jitter_seed(seed))
            .when(|failure| !matches!(failure, Failure::Refused(_)))
            .adjust(|failure, wait| match failure {
                Failure::Answered {
                    retry_after: Some(asked),
                    ..
                } => Some(wait.unwrap_or_default().max(*asked)),
                _ => wait,
            })
            .notify(|failure, _| {
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%failure, "the webhook does not take messages; they are kept and sent again");
                }
                failed(failure);
            })
            .await;
        match sent {
            Ok(()) => {
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("the webhook takes messages again");
                }
                Verdict::Taken
            }
            Err(Failure::Refused(status) | Failure::Answered { status, .. }) => {
                Verdict::Refused(status)
            }
            // Without a bound on the number of tries, the last failure is a refusal.
            Err(Failure::Silent(_)) => Verdict::Refused(0),
        }
    }

    async fn try_once(&self, message: &Message) -> Result<(), Failure> {
        // The time of the try, not of the alert: a receiver takes no message that is minutes old for a new one.
        let timestamp = now_seconds();
        let signature = self
            .signer
            .sign(&message.id, timestamp, message.body.as_bytes())
            .map_err(|why| Failure::Silent(why.to_string()))?;
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, &message.id)
            .header(HEADER_WEBHOOK_TIMESTAMP, timestamp)
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .body(message.body.clone());
        // The address may hold a secret.
        let answer = request
            .send()
            .await
            .map_err(|why| Failure::Silent(causes(&why.without_url())))?;
        judge(answer.status(), answer.headers())
    }
}

fn judge(status: StatusCode, headers: &HeaderMap) -> Result<(), Failure> {
    if status.is_success() {
        Ok(())
    } else if REFUSALS.contains(&status.as_u16()) {
        Err(Failure::Refused(status.as_u16()))
    } else {
        Err(Failure::Answered {
            status: status.as_u16(),
            retry_after: retry_after(headers, now_seconds()),
        })
    }
}

/// `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now_seconds: i64) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse().ok().or_else(|| {
        let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        u64::try_from(at.as_second() - now_seconds).ok()
    })?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MOST))
}

/// An error with what lies behind it: "error sending request: connection refused".
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn now_seconds() -> i64 {
    // A clock before 1970 is wrong by more than any receiver tolerates.
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs().cast_signed())
}

/// Reads a secret for signing and checking signatures.
///
/// # Errors
/// As [`Webhook::new`].
pub fn signer(path: &Path) -> Result<standardwebhooks::Webhook, LinkError> {
    let text = secret::read(SECRET, path)?;
    let malformed = || LinkError::Malformed {
        what: SECRET,
        path: path.into(),
        why: "expected `whsec_` and 24 to 64 random bytes in base64",
    };
    let encoded = text.strip_prefix("whsec_").ok_or_else(malformed)?;
    let bytes = BASE64.decode(encoded).map_err(|_| malformed())?;
    if !(24..=64).contains(&bytes.len()) {
        return Err(malformed());
    }
    standardwebhooks::Webhook::from_bytes(bytes).map_err(|_| malformed())
}

/// Writes a new secret into a new file that only its owner can read.
///
/// # Errors
/// The file exists already, or cannot be written; the system gives no random bytes.
pub fn create_secret(path: &Path) -> Result<(), LinkError> {
    use std::io::Read as _;
    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .map_err(|why| LinkError::Unreadable {
            what: "random bytes from",
            path: "/dev/urandom".into(),
            why: why.to_string(),
        })?;
    secret::create(SECRET, path, &format!("whsec_{}", BASE64.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_about_the_message_or_about_the_link() {
        let table = [
            (200, "taken"),
            (202, "taken"),
            (204, "taken"),
            (301, "again"),
            (400, "refused"),
            (401, "again"),
            (403, "again"),
            (404, "again"),
            (408, "again"),
            (410, "refused"),
            (413, "refused"),
            (422, "refused"),
            (425, "again"),
            (429, "again"),
            (500, "again"),
            (503, "again"),
        ];
        for (status, expected) in table {
            let found = match judge(StatusCode::from_u16(status).unwrap(), &HeaderMap::new()) {
                Ok(()) => "taken",
                Err(Failure::Refused(_)) => "refused",
                Err(_) => "again",
            };
            assert_eq!(found, expected, "{status}");
        }
    }

    #[test]
    fn a_receiver_may_ask_for_patience_but_not_for_ever() {
        // 784887151 is Tue, 15 Nov 1994 08:12:31 GMT.
        let table = [
            ("0", Some(0)),
            ("120", Some(120)),
            ("864000", Some(900)),
            ("Tue, 15 Nov 1994 08:12:41 GMT", Some(10)),
            ("Tue, 15 Nov 1994 08:00:00 GMT", None),
            ("soon", None),
        ];
        for (text, expected) in table {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            let found = retry_after(&headers, 784_887_151);
            assert_eq!(found, expected.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn a_secret_is_made_once_and_checked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create_secret(&path).unwrap();
        assert!(create_secret(&path).is_err());
        signer(&path).unwrap();
        for wrong in ["hunter2", "whsec_c2hvcnQ=", "whsec_%%%"] {
            let path = folder.path().join(format!("wrong-{}", wrong.len()));
            secret::create("a secret", &path, wrong).unwrap();
            let message = signer(&path).err().unwrap().to_string();
            assert!(
                message.contains("24 to 64") && !message.contains(wrong),
                "{message}"
            );
        }
    }
}
