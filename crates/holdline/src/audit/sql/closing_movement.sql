-- Each account's movements up to $1 (what = 0), with its rows in the closings up to $2 (what = 1) where they were written.
SELECT account_no, seq, CAST(0 AS bigint) AS what, kind, quantity, CAST(0 AS bigint) AS transferred,
    CAST(0 AS bigint) AS shipped,
    CAST(0 AS bigint) AS taken, CAST(0 AS bigint) AS committed, CAST(0 AS bigint) AS released,
    CAST(0 AS bigint) AS unallocated, CAST(0 AS bigint) AS changes, CAST(0 AS bigint) AS flags_set,
    CAST(0 AS bigint) AS last_seq
FROM movement
WHERE seq <= $1
UNION ALL
SELECT r.account_no, c.seq, CAST(1 AS bigint) AS what, r.closing_no, r.adjusted, r.transferred, r.shipped, r.taken, r.committed,
    r.released, r.unallocated, r.changes, r.flags_set, r.last_seq
FROM closing_account r
JOIN closing c ON c.closing_no = r.closing_no
WHERE c.closing_no <= $2
ORDER BY 1, 2, 3
