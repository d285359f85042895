-- Movements after $1 up to $2, oldest first.
SELECT seq, account_no, kind, quantity FROM movement WHERE seq > $1 AND seq <= $2 ORDER BY seq
