SELECT closing_no, seq, walked_seq, accounts, checksum FROM closing ORDER BY closing_no
