-- Below the views for analysts, and not for them: cells of few SIMs are not hidden yet.

-- Cohorts by month, as a whole (level cohort; region and province are empty) and by province (level province). Bytes
-- are those used there; enrolled_sims, zero_sims and the median are of the SIMs that count there, a SIM that moved
-- within a cell being one. The median is exact (the mean of the middle two), and over SIMs, never over provinces.
CREATE OR REPLACE VIEW hissa.cell_month AS
SELECT
    level,
    cohort,
    region,
    province,
    month,
    countIf(sim.counts)                                            AS enrolled_sims,
    countIf(sim.counts AND sim.learning_bytes = 0)                 AS zero_sims,
    quantileExactInclusiveIf(0.5)(sim.learning_bytes, sim.counts)  AS median_bytes,
    sum(sim.learning_bytes)                                        AS learning_bytes,
    sum(sim.education_bytes)                                       AS education_bytes,
    sum(sim.all_bytes)                                             AS all_bytes
FROM
(
    SELECT
        level,
        cohort,
        if(level = 'province', part.region, '')    AS region,
        if(level = 'province', part.province, '')  AS province,
        month,
        sim,
        max(part.counts)                           AS counts,
        sum(part.education_bytes)                  AS education_bytes,
        sum(part.learning_bytes)                   AS learning_bytes,
        sum(part.all_bytes)                        AS all_bytes
    FROM hissa.sim_month AS part
    ARRAY JOIN ['cohort', 'province'] AS level
    GROUP BY level, cohort, region, province, month, sim
) AS sim
GROUP BY level, cohort, region, province, month;
