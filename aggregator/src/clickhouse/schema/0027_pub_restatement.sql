-- What changed after a month closed: bytes of the month (usage days) that were booked on or after closed_on, by the
-- booked day that brought them. reported_gb is what had been booked before closed_on; restated_gb is that and all
-- late bytes up to and with this booked day. All classes; cohorts of fewer than k SIMs are hidden.
CREATE OR REPLACE VIEW pub.restatement
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    cohort,
    month,
    closed_on,
    booked_day,
    late_records,
    late_bytes,
    late_bytes / 1e9                                       AS late_gb,
    reported_bytes / 1e9                                   AS reported_gb,
    (reported_bytes + late_bytes_so_far) / 1e9             AS restated_gb,
    late_bytes_so_far / nullIf(reported_bytes, 0)          AS change_share
FROM
(
    SELECT
        cohort,
        month,
        closed_on,
        booked_day,
        late_records,
        late_bytes,
        sum(timely_bytes) OVER (PARTITION BY cohort, month)  AS reported_bytes,
        sum(late_bytes) OVER (
            PARTITION BY cohort, month ORDER BY booked_day ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )                                                    AS late_bytes_so_far
    FROM
    (
        SELECT
            cohort,
            month,
            toDate32(addDays(addMonths(month, 1), assumeNotNull((SELECT closes_after_days FROM pub.reporting_rule)))) AS closed_on,
            booked_day,
            sumIf(day.records, booked_day >= closed_on)  AS late_records,
            sumIf(day.bytes, booked_day >= closed_on)    AS late_bytes,
            sumIf(day.bytes, booked_day < closed_on)     AS timely_bytes
        FROM hissa.sim_day_placed AS day
        GROUP BY cohort, month, booked_day
    )
)
WHERE late_records > 0
  AND cohort IN (
      SELECT cohort FROM hissa.stay GROUP BY cohort HAVING uniqExact(sim) >= (SELECT k FROM pub.reporting_rule)
  );
