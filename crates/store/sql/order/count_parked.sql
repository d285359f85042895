-- How many events a consumer has parked, counted up to a limit.
SELECT count(*)
FROM (SELECT seq FROM parked_event WHERE consumer = $1 LIMIT CAST($2 AS bigint)) AS counted
