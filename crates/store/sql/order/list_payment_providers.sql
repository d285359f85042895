-- Every account at a provider.
SELECT tenant, provider, kind, settings, enabled, version
FROM payment_provider
ORDER BY tenant, provider
