SELECT next_seq, next_account_no, reaper_cursor FROM ledger_head
