-- The books by closed booked day: every record has exactly one outcome. reason is empty where the outcome has none.
CREATE OR REPLACE VIEW pub.outcome_day
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    booked_day,
    toString(feed)     AS feed,
    toString(outcome)  AS outcome,
    toString(reason)   AS reason,
    sum(day.records)   AS records,
    sum(day.bytes)     AS bytes
FROM hissa.outcome_day AS day FINAL
WHERE generation = (SELECT generation FROM pub.reporting_rule)
  AND booked_day < (SELECT open_booked_day FROM hissa.closed)
GROUP BY booked_day, feed, outcome, reason;
