-- What is not settled, by the instant since which it is not: what the list and the gauges of unsettled money read. A
-- program that does not know these may go on writing.

CREATE INDEX payment_attempt_unsettled
    ON payment_attempt ((COALESCE(captured_ms, CASE WHEN flag IS NULL THEN deadline_ms ELSE opened_ms END)))
    WHERE next_look_ms IS NOT NULL;
CREATE INDEX refund_unsettled ON refund (created_ms) WHERE next_try_ms IS NOT NULL;
DROP INDEX payment_callback_undone;
CREATE INDEX payment_callback_unsettled ON payment_callback (received_ms) WHERE state <> 'done';
