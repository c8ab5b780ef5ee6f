-- As pub.province_month, over a cohort as a whole; the median is over its SIMs, not over its provinces. A SIM that
-- moved between provinces is one SIM here. Cohorts of fewer than k SIMs are hidden.
CREATE OR REPLACE VIEW pub.programme_month
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    cohort,
    month,
    enrolled_sims,
    zero_sims / enrolled_sims               AS zero_share,
    learning_bytes,
    all_bytes,
    learning_bytes / enrolled_sims / 1e9    AS mean_gb,
    median_bytes / 1e9                      AS median_gb,
    education_bytes / nullIf(all_bytes, 0)  AS education_share_low,
    learning_bytes / nullIf(all_bytes, 0)   AS education_share_high
FROM
(
    SELECT
        cohort,
        month,
        count()                                          AS enrolled_sims,
        countIf(sim.learning_bytes = 0)                  AS zero_sims,
        quantileExactInclusive(0.5)(sim.learning_bytes)  AS median_bytes,
        sum(sim.learning_bytes)                          AS learning_bytes,
        sum(sim.education_bytes)                         AS education_bytes,
        sum(sim.all_bytes)                               AS all_bytes
    FROM
    (
        SELECT
            cohort,
            month,
            sim,
            sum(part.education_bytes)  AS education_bytes,
            sum(part.learning_bytes)   AS learning_bytes,
            sum(part.all_bytes)        AS all_bytes
        FROM hissa.sim_month AS part
        GROUP BY cohort, month, sim
    ) AS sim
    GROUP BY cohort, month
)
WHERE enrolled_sims >= (SELECT k FROM pub.reporting_rule);
