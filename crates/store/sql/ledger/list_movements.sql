-- Movements of an account with seq < $1, newest first. Walks the account's chain from $1 if that is one of its
-- movements (as the last of a page is), else from its newest.
WITH RECURSIVE chain (seq, tenant, account_no, prev_seq, kind, quantity, hold_no, part, reference, at_ms, found) AS (
    SELECT m.seq, m.tenant, m.account_no, m.prev_seq, m.kind, m.quantity, m.hold_no, m.part, m.reference, m.at_ms,
        CAST(CASE WHEN m.seq < $1 THEN 1 ELSE 0 END AS bigint)
    FROM movement m
    WHERE m.seq = COALESCE(
        (SELECT b.prev_seq FROM movement b WHERE b.seq = $1 AND b.account_no = $2),
        (SELECT a.last_seq FROM account a WHERE a.account_no = $2))
    UNION ALL
    SELECT m.seq, m.tenant, m.account_no, m.prev_seq, m.kind, m.quantity, m.hold_no, m.part, m.reference, m.at_ms,
        CAST(chain.found + CASE WHEN m.seq < $1 THEN 1 ELSE 0 END AS bigint)
    FROM chain
    JOIN movement m ON m.seq = chain.prev_seq
    WHERE chain.found < CAST($3 AS bigint)
)
SELECT seq, tenant, account_no, prev_seq, kind, quantity, hold_no, part, reference, at_ms
FROM chain
WHERE seq < $1
ORDER BY seq DESC
