//! Ways to break a store with SQL that both databases understand, and the checks that must find each.

/// One way to break a store.
pub(crate) struct Corruption {
    pub(crate) name: &'static str,
    /// `ledger` or `orders`.
    pub(crate) database: &'static str,
    pub(crate) sql: &'static str,
    /// The checks that must report it, all of them.
    pub(crate) found_by: &'static [&'static str],
}

pub(crate) const fn in_ledger(name: &'static str, sql: &'static str, found_by: &'static [&'static str]) -> Corruption {
    Corruption { name, database: "ledger", sql, found_by }
}

pub(crate) const fn in_orders(name: &'static str, sql: &'static str, found_by: &'static [&'static str]) -> Corruption {
    Corruption { name, database: "orders", sql, found_by }
}

pub(crate) const CORRUPTIONS: &[Corruption] = &[
    in_ledger(
        "an account's held is changed",
        "UPDATE account SET held = held + 1 WHERE account_no = (SELECT min(account_no) FROM account)",
        &["account_balance"],
    ),
    in_ledger(
        "the row beside an outside hold is deleted",
        "DELETE FROM outside_hold WHERE hold_no IS NOT NULL",
        &["outside_hold"],
    ),
    in_ledger(
        "the row beside an outside hold names another",
        "UPDATE outside_hold SET hold_no = 1 WHERE hold_no IS NOT NULL",
        &["outside_hold"],
    ),
    in_ledger("a held part of an outside hold loses its deadline", "DELETE FROM hold_deadline", &["outside_hold"]),
    in_ledger(
        "an account's on hand is changed",
        "UPDATE account SET on_hand = on_hand - 1 WHERE account_no = (SELECT max(account_no) FROM account)",
        &["account_balance"],
    ),
    in_ledger(
        "an account's version is changed",
        "UPDATE account SET version = version + 1 WHERE account_no = (SELECT min(account_no) FROM account)",
        &["account_chain"],
    ),
    in_ledger(
        "an account is deleted",
        "DELETE FROM account WHERE account_no = (SELECT max(account_no) FROM account)",
        &["account_chain", "movement_sequence"],
    ),
    in_ledger(
        "an account gets a flag that no movement set",
        "UPDATE account SET infinite = 1 WHERE sku = 'cup' AND kind = 0",
        &["account_flags"],
    ),
    in_ledger(
        "a movement is deleted",
        "DELETE FROM movement WHERE seq = 12",
        &["movement_sequence", "account_balance"],
    ),
    in_ledger(
        "the newest movement is deleted",
        "DELETE FROM movement WHERE seq = (SELECT max(seq) FROM movement)",
        &["movement_sequence", "account_balance", "hold_part"],
    ),
    in_ledger(
        "a stock-in is made too small for what was held afterwards, in every place at once",
        "UPDATE account SET on_hand = on_hand - 998 WHERE tenant = 1 AND sku = 'cup' AND kind = 0;
         UPDATE movement SET quantity = quantity - 998 WHERE kind = 5 AND account_no =
             (SELECT account_no FROM account WHERE tenant = 1 AND sku = 'cup' AND kind = 0);
         UPDATE reference SET quantity = quantity - 998 WHERE kind = 5 AND account_no =
             (SELECT account_no FROM account WHERE tenant = 1 AND sku = 'cup' AND kind = 0)",
        &["oversold"],
    ),
    in_ledger(
        "an account was sold beyond the shortage that its flags allow",
        "UPDATE account SET shortage_max = 3 WHERE tenant = 1 AND sku = 'preorder' AND kind = 0",
        &["oversold"],
    ),
    in_orders(
        "a buyer has more than the quota ever was",
        "UPDATE sku_snapshot SET quota_per_buyer = 2 WHERE sku = 'kettle'",
        &["quota_exceeded"],
    ),
    in_ledger(
        "a part's state is flipped",
        "UPDATE hold SET parts = replace(parts, '\"h\"', '\"c\"') WHERE hold_no = (SELECT min(hold_no) FROM hold)",
        &["hold_part", "order_hold"],
    ),
    in_ledger(
        "a hold's lines are changed",
        "UPDATE hold SET lines = replace(lines, ',3]', ',4]') WHERE hold_no = (SELECT min(hold_no) FROM hold)",
        &["hold_part", "order_hold"],
    ),
    in_ledger(
        "a part is sold twice, in every place at once",
        "INSERT INTO movement (seq, tenant, account_no, prev_seq, kind, quantity, hold_no, part, reference, at_ms)
             SELECT h.next_seq, m.tenant, m.account_no, a.last_seq, m.kind, m.quantity, m.hold_no, m.part, NULL, m.at_ms
             FROM movement m, ledger_head h, account a
             WHERE m.seq = (SELECT min(seq) FROM movement WHERE kind = 1) AND a.account_no = m.account_no;
         UPDATE account SET held = held, allocated = allocated + 2, version = version + 1,
             last_seq = (SELECT next_seq FROM ledger_head)
             WHERE account_no = (SELECT account_no FROM movement WHERE seq = (SELECT next_seq FROM ledger_head));
         UPDATE ledger_head SET next_seq = next_seq + 1",
        &["hold_part"],
    ),
    in_ledger(
        "a hold is deleted",
        "DELETE FROM hold WHERE hold_no = (SELECT min(hold_no) FROM hold)",
        &["hold_part", "order_hold"],
    ),
    in_ledger(
        "a reference's quantity is changed",
        "UPDATE reference SET quantity = quantity + 1 WHERE reference = 'parcel-1'",
        &["reference"],
    ),
    in_ledger(
        "an order that was sold and ended gave nothing back under its own name",
        "UPDATE movement SET reference = reference || '?' WHERE reference LIKE '%/ended';
         UPDATE reference SET reference = reference || '?' WHERE reference LIKE '%/ended'",
        &["order_hold"],
    ),
    in_ledger(
        "units moved between accounts of a SKU arrive at another one, in every place at once",
        "UPDATE movement SET account_no = (SELECT min(account_no) FROM account WHERE sku = 'cup' AND kind = 0)
             WHERE kind = 9 AND quantity > 0",
        &["transfer"],
    ),
    in_ledger(
        "units moved between accounts arrive as fewer",
        "UPDATE movement SET quantity = quantity - 1 WHERE kind = 9 AND quantity > 0",
        &["transfer", "account_balance"],
    ),
    in_ledger("the head counts a hold too many", "UPDATE ledger_head SET open_holds = open_holds + 1", &["open_holds"]),
    in_ledger("a reference is deleted", "DELETE FROM reference WHERE reference = 'parcel-1'", &["reference"]),
    in_ledger(
        "the stock of a live order is given back, in every place at once",
        "INSERT INTO movement (seq, tenant, account_no, prev_seq, kind, quantity, hold_no, part, reference, at_ms)
             SELECT h.next_seq, m.tenant, m.account_no, a.last_seq, 2, m.quantity, m.hold_no, m.part, NULL, m.at_ms
             FROM movement m, ledger_head h, account a
             WHERE m.seq = (SELECT min(hold_no) FROM hold) AND a.account_no = m.account_no;
         UPDATE account SET held = held - 3, version = version + 1, last_seq = (SELECT next_seq FROM ledger_head)
             WHERE account_no = (SELECT account_no FROM movement WHERE seq = (SELECT next_seq FROM ledger_head));
         UPDATE hold SET parts = replace(parts, '[\"s:north\",\"h\"]', '[\"s:north\",\"r\"]')
             WHERE hold_no = (SELECT min(hold_no) FROM hold);
         UPDATE ledger_head SET next_seq = next_seq + 1",
        &["order_hold"],
    ),
    in_orders("an event is deleted", "DELETE FROM event WHERE seq = 3", &["event_sequence", "order_history"]),
    in_orders(
        "the newest event is deleted",
        "DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)",
        &["event_sequence", "order_history"],
    ),
    in_orders("the feed's head is moved", "UPDATE feed_head SET next_seq = next_seq + 1", &["event_sequence"]),
    in_orders(
        "an order is deleted",
        "DELETE FROM orders WHERE order_no = (SELECT order_no FROM event WHERE seq = 1)",
        &["order_group", "order_history", "order_amount"],
    ),
    in_orders(
        "an order is deleted with all that belongs to it, its events left alone",
        "DELETE FROM order_group WHERE group_key =
             (SELECT group_key FROM orders WHERE order_no = (SELECT order_no FROM event WHERE seq = 1));
         DELETE FROM order_line WHERE order_no IN (SELECT order_no FROM event WHERE seq <= 2);
         DELETE FROM orders WHERE order_no IN (SELECT order_no FROM event WHERE seq <= 2)",
        &["orphan_hold", "order_history"],
    ),
    in_orders(
        "an order line's quantity is changed, and all amounts with it",
        "UPDATE order_line SET quantity = quantity + 1, total = total + unit_price
             WHERE line_no = 1 AND order_no = (SELECT order_no FROM event WHERE seq = 1);
         UPDATE orders SET goods = goods + 500, total = total + 500
             WHERE order_no = (SELECT order_no FROM event WHERE seq = 1)",
        &["order_hold"],
    ),
    in_orders(
        "an order's total is changed",
        "UPDATE orders SET total = total + 1 WHERE order_no = (SELECT order_no FROM event WHERE seq = 1)",
        &["order_amount"],
    ),
    in_orders(
        "an order's discount is forgotten",
        "UPDATE orders SET discount = 0, total = goods + freight WHERE discount > 0",
        &["order_amount"],
    ),
    in_orders(
        "a group with orders becomes a tombstone",
        "UPDATE order_group SET state = '{\"state\":\"abandoned\"}' WHERE group_key =
             (SELECT group_key FROM orders WHERE order_no = (SELECT order_no FROM event WHERE seq = 1))",
        &["order_group"],
    ),
    in_orders(
        "a fence is deleted behind which a hold was given back",
        "DELETE FROM order_group WHERE state LIKE '%refused%'",
        &["orphan_hold"],
    ),
    in_orders(
        "an order's hold state is changed",
        "UPDATE orders SET hold = 'released' WHERE order_no = (SELECT order_no FROM event WHERE seq = 1)",
        &["order_state"],
    ),
    in_orders(
        "an order is cancelled without an event",
        "UPDATE orders SET status = 'cancelled', hold = 'released', ended_by = 'buyer', ended_ms = created_ms
             WHERE order_no = (SELECT order_no FROM event WHERE seq = 1)",
        &["order_history", "order_hold"],
    ),
    in_orders(
        "an order expired before its deadline",
        "UPDATE orders SET ended_ms = pay_deadline_ms - 1 WHERE status = 'expired'",
        &["order_state"],
    ),
    in_orders(
        "an order's buyer is changed, and the group's with it",
        "UPDATE order_group SET buyer = 'somebody else' WHERE group_key =
             (SELECT group_key FROM orders WHERE order_no = (SELECT order_no FROM event WHERE seq = 1));
         UPDATE orders SET buyer = 'somebody else' WHERE group_key =
             (SELECT group_key FROM orders WHERE order_no = (SELECT order_no FROM event WHERE seq = 1))",
        &["order_number"],
    ),
    in_orders(
        "the timer of an order is deleted",
        "DELETE FROM timer WHERE order_no = (SELECT order_no FROM event WHERE seq = 1)",
        &["order_timer"],
    ),
    in_orders("an accepted submit is lost", "DELETE FROM accepted_submit", &["accepted_submit"]),
    in_orders("a promised number is lost", "DELETE FROM accepted_number", &["accepted_submit"]),
    in_orders(
        "an accepted submit is left undecided",
        "UPDATE accepted_submit SET decide_by_ms = accepted_ms - 3600000",
        &["accepted_submit"],
    ),
    in_orders(
        "a promise outlives the end of its submit",
        "UPDATE accepted_submit SET group_key = (SELECT min(group_key) FROM order_group)",
        &["accepted_submit"],
    ),
    in_orders(
        "a number that is an order stays promised",
        "UPDATE accepted_number SET order_no = (SELECT min(order_no) FROM orders WHERE orders.tenant = accepted_number.tenant)
             WHERE group_key IN (SELECT group_key FROM accepted_submit)",
        &["accepted_submit"],
    ),
    in_orders("an event's version is changed", "UPDATE event SET version = 5 WHERE seq = 1", &["order_history"]),
];

/// Ways to break a store so that it cannot be judged, and a word of the reason.
pub(crate) const UNREADABLE: &[(&str, &str, &str)] = &[
    ("ledger", "DROP TABLE movement", "movement"),
    ("orders", "UPDATE schema_version SET version = 99", "run the newer Holdline"),
    ("ledger", "UPDATE hold SET format = 9", "run the newer Holdline"),
    ("orders", "DELETE FROM feed_head", "feed_head"),
];
