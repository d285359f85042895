-- The feed's head, and how far settlement has followed it: 0 if it has not begun, or in another epoch.
SELECT h.next_seq, h.last_ms, coalesce(p.seq, CAST(0 AS bigint)) AS settled_seq
FROM feed_head h
LEFT JOIN feed_position p ON p.consumer = 'ledger' AND p.epoch = h.epoch
