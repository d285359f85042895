-- Numbers of a seller's orders below a number, newest first.
SELECT order_no
FROM seller_order
WHERE tenant = $1 AND seller = $2 AND order_no < $3
ORDER BY order_no DESC
LIMIT CAST($4 AS bigint)
