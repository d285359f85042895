-- The first entries of the index by seller.
SELECT tenant, seller, order_no
FROM seller_order
ORDER BY tenant, seller, order_no
LIMIT CAST($1 AS bigint)
