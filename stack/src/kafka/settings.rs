//! The settings of the one Kafka node.

use std::path::Path;

/// The JVM's flags. A small fixed heap and the quick compiler: this broker serves one machine, and most of its work
/// is the page cache's. Started so it takes about 150 MB.
pub(crate) const JVM: [&str; 9] = [
    "-Xms64m",
    "-Xmx192m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    // No file of ours outside the data folder, not even the JVM's own statistics in /tmp.
    "-XX:-UsePerfData",
    // A broker without memory would stagger on; it shall end, and say so.
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.net.preferIPv4Stack=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
];

/// The content of `server.properties`.
pub(crate) fn server_properties(log_folder: &Path, port: u16, controller_port: u16) -> String {
    let log_folder = escaped(log_folder);
    format!(
        "\
# Written anew at every start.
# One node is broker and controller, on the loopback interface only.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=BROKER://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=BROKER://127.0.0.1:{port}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=BROKER
log.dirs={log_folder}

# A misspelt topic shall be an error.
auto.create.topics.enable=false
# The time stamps of a feed are the carrier's; it is for Hissa to judge them, not for the broker to refuse them.
log.message.timestamp.after.max.ms=9223372036854775807

# A restart after kill -9 waits until the node's old session is over.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# The first consumer need not wait for others.
group.initial.rebalance.delay.ms=0

# One copy of everything, in few partitions.
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1

# Fits the small heap: the cleaner's map, and a bound on requests that wait for a thread (of 10 MB at most each).
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=4194304
socket.request.max.bytes=16777216
queued.max.request.bytes=50331648
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
"
    )
}

/// A path as a value of a Java properties file, in which a backslash escapes.
fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "\\\\")
}
