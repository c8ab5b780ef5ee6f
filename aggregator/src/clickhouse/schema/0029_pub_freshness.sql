-- As of when the views speak: everything up to and with complete_through (a booked day) is shown, and never changes.
-- clock_from and clock_to are the oldest and the newest clock of a partition. One row; none before the first facts.
CREATE OR REPLACE VIEW pub.freshness
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    min(open_booked_day) - 1                            AS complete_through,
    fromUnixTimestamp64Milli(min(clock_ms), 'UTC')      AS clock_from,
    fromUnixTimestamp64Milli(max(clock_ms), 'UTC')      AS clock_to,
    count()                                             AS partitions
FROM hissa.freshness FINAL
WHERE generation = (SELECT generation FROM pub.reporting_rule)
HAVING partitions > 0;
