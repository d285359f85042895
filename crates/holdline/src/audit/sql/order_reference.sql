-- Uses of references that say what became of an order's goods: `<order number>/ended` for its first hold, and `/ended/`
-- for a later one, `/shipment/`, `/refund/` or `/return/` with a number.
SELECT tenant, reference, account_no, kind, quantity
FROM reference
WHERE reference LIKE '%/ended' OR reference LIKE '%/ended/%' OR reference LIKE '%/shipment/%'
    OR reference LIKE '%/refund/%' OR reference LIKE '%/return/%'
