-- The most that any version of a SKU ever let one buyer have.
SELECT tenant, sku, max(quota_per_buyer) AS quota
FROM sku_snapshot
GROUP BY tenant, sku
HAVING max(quota_per_buyer) IS NOT NULL
