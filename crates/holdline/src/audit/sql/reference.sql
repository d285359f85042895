-- Each use of a reference (what = 0) followed by the movements after $1 that carry it (what = 1).
SELECT tenant, account_no, reference, CAST(0 AS bigint) AS what, CAST(0 AS bigint) AS seq, kind, quantity
FROM reference
UNION ALL
SELECT tenant, account_no, reference, CAST(1 AS bigint) AS what, seq, kind, quantity
FROM movement
WHERE reference IS NOT NULL AND seq > $1
ORDER BY 1, 2, 3, 4, 5
