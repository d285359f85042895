-- Numbers of a buyer's orders below a number, newest first.
SELECT order_no
FROM orders
WHERE tenant = $1 AND buyer = $2 AND order_no < $3
ORDER BY order_no DESC
LIMIT CAST($4 AS bigint)
