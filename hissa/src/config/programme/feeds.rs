//! The feeds of a programme beside each other.

use super::refuse_second;
use crate::config::feed::{self, FeedConfig};
use crate::config::section::{Located, Section};

/// Reads them all.
pub(super) fn read(root: &Section<'_>) -> Vec<FeedConfig> {
    let read: Vec<Located<FeedConfig>> = root
        .tables("feed", feed::read)
        .into_iter()
        .flatten()
        .collect();
    let mut ids: Vec<Located<String>> = Vec::new();
    let mut topics: Vec<Located<String>> = Vec::new();
    for feed in &read {
        let id = Located {
            value: feed.value.id.to_string(),
            span: feed.span.clone(),
        };
        refuse_second(root, "feed", &ids, &id);
        ids.push(id);
        if let Some(first) = topics.iter().find(|first| first.value == feed.value.topic) {
            let source = root.source();
            root.add(
                source
                    .finding(
                        feed.span.clone(),
                        format!(
                            "topic \"{}\" is read by two feeds: each record would be counted under both",
                            feed.value.topic
                        ),
                        "keep one of the two",
                    )
                    .seeing(source.place(first.span.clone(), "the first")),
            );
        }
        topics.push(Located {
            value: feed.value.topic.clone(),
            span: feed.span.clone(),
        });
    }
    if let Some(played) = read.iter().find(|feed| feed.value.played)
        && read.len() > 1
    {
        root.report(
            played.span.clone(),
            format!(
                "feed \"{}\" is played in its own time, and another feed stands beside it",
                played.value.id
            ),
            "a played feed is alone: play it first, and name the live feeds afterwards",
        );
    }
    read.into_iter().map(|feed| feed.value).collect()
}
