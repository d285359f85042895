-- Each hold (what = 0) followed by its movements (what = 1) in their order.
SELECT hold_no, CAST(0 AS bigint) AS what, CAST(0 AS bigint) AS seq, tenant, format, CAST(0 AS bigint) AS account_no,
    CAST(0 AS bigint) AS quantity, parts AS part, lines
FROM hold
UNION ALL
SELECT hold_no, CAST(1 AS bigint) AS what, seq, tenant, kind, account_no, quantity, part, CAST(NULL AS text) AS lines
FROM movement
WHERE hold_no IS NOT NULL
ORDER BY 1, 2, 3
