-- Every tenant.
SELECT tenant, name, price_source, commit_on, pay_within_ms, business_code, policies
FROM tenant
ORDER BY tenant
