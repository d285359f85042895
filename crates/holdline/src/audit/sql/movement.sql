SELECT seq, tenant, account_no, prev_seq, kind, quantity, hold_no,
    CASE WHEN reference IS NULL THEN CAST(0 AS bigint) ELSE CAST(1 AS bigint) END AS referred
FROM movement
WHERE seq > $1
ORDER BY seq
