SELECT account_no, tenant, kind, sku FROM account ORDER BY account_no
