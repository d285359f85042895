-- Uses of references that gave back what was sold (kind 4); those of an order's end are `<order number>/ended`.
SELECT account_no, reference, quantity
FROM reference
WHERE kind = 4
