-- When tablets are used: the shares of a cohort's bytes of a month by local hour of the day (0 to 23; an hour without
-- bytes is absent). learning is education and unknown. Bytes are placed as known when they were booked, so that a
-- cohort's here and those of pub.programme_month may differ; shares alone are shown, for that difference would tell of
-- single SIMs. Cohorts and months of fewer than k SIMs are hidden.
CREATE OR REPLACE VIEW pub.hour
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    cohort,
    month,
    hour,
    learning_bytes / nullIf(sum(learning_bytes) OVER (PARTITION BY cohort, month), 0)  AS learning_share,
    all_bytes / nullIf(sum(all_bytes) OVER (PARTITION BY cohort, month), 0)            AS all_share
FROM
(
    SELECT
        toString(place.cohort)           AS cohort,
        toStartOfMonth(place.usage_day)  AS month,
        hour,
        sumIf(uplink_bytes + downlink_bytes, class IN ('education', 'unknown'))  AS learning_bytes,
        sum(uplink_bytes + downlink_bytes)                                       AS all_bytes
    FROM hissa.place_hour AS place FINAL
    WHERE generation = (SELECT generation FROM pub.reporting_rule)
      AND booked_day < (SELECT open_booked_day FROM hissa.closed)
    GROUP BY cohort, month, hour
)
WHERE (cohort, month) IN (
    SELECT cohort, month
    FROM hissa.cell_month
    WHERE level = 'cohort' AND enrolled_sims >= (SELECT k FROM pub.reporting_rule)
);
