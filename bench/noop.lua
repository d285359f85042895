-- The submit of `bench noop` for wrk, to compare load generators on the same server:
--   holdline serve --noop --listen 127.0.0.1:7071 &
--   wrk -t1 -c100 -d8s -s bench/noop.lua http://127.0.0.1:7071
wrk.method = "POST"
wrk.path = "/v1/orders"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer hl_noop"
wrk.headers["Idempotency-Key"] = "019abcde-0000-7000-8000-000000000000"
wrk.body = '{"buyer_id":"123456","lines":[{"sku":"HOT-1","quantity":1,"unit_price":{"amount":1999,"currency":"CNY"}}]}'
