SELECT tenant, hold_key, n, hold_no, parts, lines, taken_ms FROM hold ORDER BY tenant, hold_key, n
