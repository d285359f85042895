-- Endpoints of the tenants from one number to another, by name.
SELECT tenant, name, url, types, disabled, created_ms, secret, old_secret, old_until_ms
FROM webhook_endpoint
WHERE tenant >= $1 AND tenant <= $2
ORDER BY tenant, name
