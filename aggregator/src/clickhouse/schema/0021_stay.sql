-- Below the views for analysts, and not for them: rows of single SIMs.

-- The first booked day that is not over in every partition; views show booked days before it, which never change.
CREATE OR REPLACE VIEW hissa.closed AS
SELECT min(open_booked_day) AS open_booked_day
FROM hissa.freshness FINAL
WHERE generation = (SELECT generation FROM pub.reporting_rule);

-- Where a SIM was enrolled, from its valid_from until (not on) its valid_until: its own end, or the next valid_from,
-- whichever is earlier; so stays of a SIM never overlap. Of an assignment the last closed booked day that speaks of it
-- holds; one that ends before it begins was taken back.
CREATE OR REPLACE VIEW hissa.stay AS
SELECT
    sim,
    place.1 AS cohort,
    place.2 AS region,
    place.3 AS province,
    valid_from,
    least(place.4, leadInFrame(valid_from, 1, toDate32('2299-12-31')) OVER (
        PARTITION BY sim ORDER BY valid_from ASC ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING
    )) AS valid_until
FROM
(
    SELECT
        sim,
        valid_from,
        argMax(
            (toString(cohort), toString(region), toString(province), ifNull(valid_until, toDate32('2299-12-31'))),
            booked_day
        ) AS place
    FROM hissa.assignment FINAL
    WHERE generation = (SELECT generation FROM pub.reporting_rule)
      AND booked_day < (SELECT open_booked_day FROM hissa.closed)
    GROUP BY sim, valid_from
    HAVING place.4 > valid_from
);
