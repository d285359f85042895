-- Callbacks of providers as they stand, without what they said.
SELECT provider, event_id, state, next_try_ms FROM payment_callback
