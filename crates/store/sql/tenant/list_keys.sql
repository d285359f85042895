-- Every API key, revoked ones too.
SELECT tenant, key_id, secret_sha256, client, scopes, sellers, created_ms, revoked_ms
FROM api_key
ORDER BY tenant, key_id
