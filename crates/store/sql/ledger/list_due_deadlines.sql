-- Parts of outside holds whose deadline is to be looked at by $1, the most overdue first.
SELECT h.tenant, h.hold_key, d.part, d.deadline_ms, d.visit_ms, d.visits, o.check_url
FROM hold_deadline d
JOIN hold h ON h.hold_no = d.hold_no
JOIN outside_hold o ON o.tenant = h.tenant AND o.hold_key = h.hold_key
WHERE d.visit_ms <= $1
ORDER BY d.visit_ms
LIMIT CAST($2 AS bigint)
