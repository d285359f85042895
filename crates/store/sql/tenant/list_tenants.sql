-- Every tenant.
SELECT tenant, name, price_source, commit_on, pay_within_ms, business_code
FROM tenant
ORDER BY tenant
