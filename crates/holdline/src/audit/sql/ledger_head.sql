SELECT next_seq, next_account_no, reaper_cursor, open_holds FROM ledger_head
