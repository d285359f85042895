-- Order numbers that more than one tenant has.
SELECT order_no, min(tenant) AS one, max(tenant) AS other FROM orders GROUP BY order_no HAVING count(*) > 1
ORDER BY order_no
