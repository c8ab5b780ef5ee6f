-- Below the views for analysts, and not for them: rows of single SIMs.

-- Bytes of enrolled SIMs by usage day and booked day, at the place where the SIM was on the usage day: a tablet that
-- moves leaves its bytes behind. Bytes of days on which a SIM was not enrolled are nobody's here.
CREATE OR REPLACE VIEW hissa.sim_day_placed AS
SELECT
    day.sim                        AS sim,
    stay.cohort                    AS cohort,
    stay.region                    AS region,
    stay.province                  AS province,
    toStartOfMonth(day.usage_day)  AS month,
    day.booked_day                 AS booked_day,
    day.class                      AS class,
    day.bytes                      AS bytes,
    day.records                    AS records
FROM
(
    SELECT sim, usage_day, booked_day, toString(class) AS class, uplink_bytes + downlink_bytes AS bytes, records
    FROM hissa.sim_day FINAL
    WHERE generation = (SELECT generation FROM pub.reporting_rule)
      AND booked_day < (SELECT open_booked_day FROM hissa.closed)
) AS day
ASOF INNER JOIN hissa.stay AS stay ON day.sim = stay.sim AND day.usage_day >= stay.valid_from
WHERE day.usage_day < stay.valid_until;

-- Bytes of every SIM in every month and every place in which it was enrolled, zeros in, up to the month of the last
-- closed booked day. counts is 1 at one place a month, that of the SIM's last enrolled day in it: there it is one of the
-- enrolled. learning is education and unknown: what may have been education.
CREATE OR REPLACE VIEW hissa.sim_month AS
SELECT
    sim,
    cohort,
    region,
    province,
    month,
    max(is_last)                                     AS counts,
    sumIf(bytes, class = 'education')                AS education_bytes,
    sumIf(bytes, class = 'unknown')                  AS unknown_bytes,
    sumIf(bytes, class IN ('education', 'unknown'))  AS learning_bytes,
    sum(bytes)                                       AS all_bytes
FROM
(
    SELECT sim, cohort, region, province, month, class, bytes, toUInt8(0) AS is_last
    FROM hissa.sim_day_placed
    UNION ALL
    SELECT
        sim, cohort, region, province, month,
        '' AS class,
        toUInt64(0) AS bytes,
        toUInt8(valid_from = max(valid_from) OVER (PARTITION BY sim, month)) AS is_last
    FROM
    (
        SELECT
            sim, cohort, region, province, valid_from,
            arrayJoin(arrayMap(
                n -> addMonths(toStartOfMonth(valid_from), n),
                range(greatest(0, toInt32(1 + dateDiff('month', toStartOfMonth(valid_from), toStartOfMonth(last_day)))))
            )) AS month
        FROM
        (
            SELECT *, least(valid_until, (SELECT open_booked_day FROM hissa.closed)) - 1 AS last_day
            FROM hissa.stay
        )
    )
)
GROUP BY sim, cohort, region, province, month;
