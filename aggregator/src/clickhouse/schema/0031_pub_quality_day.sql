-- For operators: what is to be said about records beside their outcome, by closed booked day. Counters: sentinel,
-- late_reading, wrap, reset. Used behind a block: leaked_education, leaked_other. By feed alone: no place, no cohort.
CREATE OR REPLACE VIEW pub.quality_day
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    booked_day,
    toString(feed)    AS feed,
    toString(flag)    AS flag,
    sum(day.records)  AS records,
    sum(day.bytes)    AS bytes
FROM hissa.flag_day AS day FINAL
WHERE generation = (SELECT generation FROM pub.reporting_rule)
  AND booked_day < (SELECT open_booked_day FROM hissa.closed)
GROUP BY booked_day, feed, flag;
