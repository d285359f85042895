SELECT account_no, tenant, kind, sku, on_hand, held, allocated, version, last_seq, infinite, shortage_max, sold_out,
    danger_level
FROM account
WHERE account_no >= $1 AND account_no < $2
ORDER BY account_no
