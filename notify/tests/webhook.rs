//! Signed messages between the webhook and the receiver, without Kafka.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use hissa_links::stop::Stop;
use hissa_notify::config::WebhookConfig;
use hissa_notify::message::Message;
use hissa_notify::receiver::{Answer, Receiver, Tally};
use hissa_notify::webhook::{Verdict, Webhook, create_secret};

const BODY: &str = r#"{"type":"hissa.alert.fired","timestamp":"2026-02-13T16:26:40Z","data":{"alert_id":"a","revision":1,"alert":"OrdersHeld","details":{"class":"education","held":412},"severity":"critical","audience":"operators","asset_tag":null,"school_name_fr":null,"school_name_ar":null,"cohort":"c","text":{"fr":"…"}}}"#;

struct Line {
    receiver: Receiver,
    config: WebhookConfig,
    folder: tempfile::TempDir,
}

async fn line() -> Line {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    create_secret(&secret).unwrap();
    let receiver = Receiver::start(([127, 0, 0, 1], 0).into(), &secret, Stop::new())
        .await
        .unwrap();
    let mut config = WebhookConfig::to(receiver.url(), secret);
    (config.retry_first_ms, config.retry_most_ms) = (1, 20);
    Line {
        receiver,
        config,
        folder,
    }
}

fn message(id: &str) -> Message {
    Message {
        id: id.into(),
        body: BODY.into(),
    }
}

#[tokio::test]
async fn a_message_that_comes_again_is_known_by_its_id() {
    let line = line().await;
    let webhook = Webhook::new(&line.config).unwrap();
    for id in ["msg_1", "msg_1", "msg_2"] {
        assert_eq!(webhook.deliver(&message(id), |_| ()).await, Verdict::Taken);
    }
    let expected = Tally {
        fired: 2,
        repeated: 1,
        ..Tally::default()
    };
    assert_eq!(line.receiver.tally(), expected);
    let ids: Vec<_> = line
        .receiver
        .messages(1)
        .into_iter()
        .map(|m| m.id)
        .collect();
    assert_eq!(ids, ["msg_2"]);
}

#[tokio::test]
async fn a_receiver_in_trouble_gets_the_message_when_it_is_well() {
    let line = line().await;
    for (status, retry_after_seconds) in [(500, None), (404, None), (503, Some(0)), (429, Some(0))]
    {
        line.receiver.answer(Answer::TurnAway {
            status,
            retry_after_seconds,
        });
        let webhook = Webhook::new(&line.config).unwrap();
        let before = line.receiver.tally().turned_away;
        let (message, mut failed) = (message(&format!("msg_{status}")), 0);
        let sent = webhook.deliver(&message, |_| failed += 1);
        let healed = async {
            line.receiver
                .until(|tally| tally.turned_away >= before + 3)
                .await;
            line.receiver.answer(Answer::Take);
        };
        let (verdict, ()) = tokio::join!(sent, healed);
        assert_eq!(verdict, Verdict::Taken);
        assert!(failed >= 3);
    }
    assert_eq!(
        (line.receiver.tally().fired, line.receiver.tally().repeated),
        (4, 0)
    );
}

#[tokio::test]
async fn a_message_that_is_not_wanted_is_not_sent_again() {
    let line = line().await;
    let webhook = Webhook::new(&line.config).unwrap();
    for status in [400, 410, 422] {
        line.receiver.answer(Answer::TurnAway {
            status,
            retry_after_seconds: None,
        });
        let verdict = webhook.deliver(&message("msg_1"), |_| ()).await;
        assert_eq!(verdict, Verdict::Refused(status));
    }
    assert_eq!(line.receiver.tally().turned_away, 3);
}

#[tokio::test]
async fn a_message_signed_with_another_secret_is_not_let_in() {
    let line = line().await;
    let other: PathBuf = line.folder.path().join("other");
    create_secret(&other).unwrap();
    let forger = Webhook::new(&WebhookConfig {
        secret_file: other,
        ..line.config.clone()
    })
    .unwrap();
    let message = message("msg_1");
    tokio::select! {
        verdict = forger.deliver(&message, |_| ()) => panic!("it was let in: {verdict:?}"),
        _ = line.receiver.until(|tally| tally.invalid >= 3) => {}
    }
    assert_eq!(line.receiver.tally().fired, 0);
}
