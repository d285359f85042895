-- The newest closing.
SELECT closing_no, seq, at_ms, walked_seq, accounts, checksum FROM closing ORDER BY closing_no DESC LIMIT 1
