-- Each row beside a hold, and each hold whose key ends as an outside caller's does, with its deadlines.
SELECT o.tenant, o.hold_key, CAST(1 AS bigint) AS has_row, o.hold_no AS named, h.hold_no, h.parts, d.part
FROM outside_hold o
LEFT JOIN hold h ON h.tenant = o.tenant AND h.hold_key = o.hold_key
LEFT JOIN hold_deadline d ON d.hold_no = h.hold_no
UNION ALL
SELECT h.tenant, h.hold_key, CAST(0 AS bigint), CAST(NULL AS bigint), h.hold_no, h.parts, CAST(NULL AS text)
FROM hold h
LEFT JOIN outside_hold o ON o.tenant = h.tenant AND o.hold_key = h.hold_key
WHERE h.hold_key LIKE '%/hold' AND o.hold_key IS NULL
UNION ALL
SELECT CAST(0 AS bigint), CAST('' AS text), CAST(0 AS bigint), d.hold_no, CAST(NULL AS bigint), CAST(NULL AS text), d.part
FROM hold_deadline d
LEFT JOIN outside_hold o ON o.hold_no = d.hold_no
WHERE o.hold_no IS NULL
ORDER BY 1, 2, 7
