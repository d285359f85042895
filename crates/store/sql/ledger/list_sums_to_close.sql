-- The newest sums of each account that has a movement after $1 up to $2.
SELECT c.account_no, c.closing_no, c.adjusted, c.transferred, c.shipped, c.taken, c.committed, c.released, c.unallocated,
    c.changes, c.flags_set, c.last_seq
FROM (SELECT DISTINCT account_no FROM movement WHERE seq > $1 AND seq <= $2) m
JOIN closing_account c ON c.account_no = m.account_no
WHERE c.closing_no = (SELECT max(p.closing_no) FROM closing_account p WHERE p.account_no = m.account_no)
