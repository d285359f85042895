SELECT account_no, closing_no, adjusted, transferred, shipped, taken, committed, released, unallocated, changes, flags_set,
    last_seq
FROM closing_account
WHERE account_no >= $1 AND account_no < $2
ORDER BY account_no, closing_no
