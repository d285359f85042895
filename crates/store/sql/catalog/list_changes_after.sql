-- Sellers and SKUs as they are now that changed after a place of the catalog's sequence, in its order.
SELECT changed_seq, kind, tenant, code, version, source_version, title, seller, price, currency, on_shelf,
    quota_per_buyer
FROM (
    SELECT changed_seq, 'seller' AS kind, tenant, seller AS code, version, source_version, name AS title, '' AS seller,
        CAST(0 AS bigint) AS price, '' AS currency, CAST(0 AS bigint) AS on_shelf,
        CAST(NULL AS bigint) AS quota_per_buyer
    FROM seller
    WHERE changed_seq > $1
    UNION ALL
    SELECT changed_seq, 'sku', tenant, sku, version, source_version, title, seller, price, currency, on_shelf,
        quota_per_buyer
    FROM sku
    WHERE changed_seq > $1
) AS change
ORDER BY changed_seq
LIMIT CAST($2 AS bigint)
