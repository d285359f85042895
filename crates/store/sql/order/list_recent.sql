-- Numbers of a tenant's orders below a number, newest first.
SELECT order_no
FROM orders
WHERE tenant = $1 AND order_no < $2
ORDER BY order_no DESC
LIMIT CAST($3 AS bigint)
