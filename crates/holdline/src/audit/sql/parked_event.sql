-- How many events settlement could not work off: the ledger has not followed the orders of these.
SELECT count(*) AS parked FROM parked_event WHERE consumer = 'ledger'
