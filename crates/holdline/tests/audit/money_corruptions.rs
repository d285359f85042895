//! Ways to break what stores know of money, and of the goods that were paid for.

use super::corruptions::{Corruption, in_ledger, in_orders};

pub(crate) const MONEY_CORRUPTIONS: &[Corruption] = &[
    in_orders(
        "a captured sum is changed",
        "UPDATE payment_attempt SET captured = captured + 1 WHERE attached = 1",
        &["captured_money"],
    ),
    in_orders(
        "captured money is taken from its orders",
        "UPDATE payment_attempt SET attached = 0 WHERE attached = 1",
        &["captured_money"],
    ),
    in_orders(
        "money was captured in another currency than was owed, and counts all the same",
        "UPDATE payment_attempt SET captured_currency = 'USD' WHERE attached = 1",
        &["captured_money", "refund"],
    ),
    in_orders(
        "an attempt is to pay more than its shares",
        "UPDATE payment_attempt SET amount = amount + 1 WHERE state = 'open'",
        &["payment_attempt"],
    ),
    in_orders(
        "an attempt that paid is deleted",
        "DELETE FROM payment_attempt WHERE attached = 1",
        &["payment_attempt"],
    ),
    in_orders(
        "money is forgotten",
        "UPDATE payment_attempt SET captured = NULL, captured_currency = NULL, captured_ms = NULL, attached = NULL
             WHERE attached = 1",
        &["payment_attempt", "captured_money"],
    ),
    in_orders(
        "an attempt was opened when its orders' deadline had come",
        "UPDATE payment_attempt SET opened_ms = deadline_ms WHERE state = 'open'",
        &["payment_attempt"],
    ),
    in_orders(
        "an attempt may be paid after its orders' deadline",
        "UPDATE payment_attempt SET deadline_ms = deadline_ms + 1 WHERE state = 'open'",
        &["open_attempt"],
    ),
    in_orders(
        "nobody looks at an open attempt",
        "UPDATE payment_attempt SET next_look_ms = NULL WHERE state = 'open'",
        &["payment_attempt"],
    ),
    in_orders(
        "an open attempt is called closed, and its orders wait for ever",
        "UPDATE payment_attempt SET state = 'closed', next_look_ms = NULL WHERE state = 'open'",
        &["open_attempt"],
    ),
    in_orders(
        "an order forgets its open attempt",
        "UPDATE orders SET payment = 'unpaid', attempt = NULL WHERE order_no =
             (SELECT min(order_no) FROM orders WHERE payment = 'processing')",
        &["open_attempt"],
    ),
    in_orders(
        "nobody looks at money that belongs to no order",
        "UPDATE payment_attempt SET next_look_ms = NULL WHERE attached = 0",
        &["captured_money"],
    ),
    in_orders(
        "the refund of late money is deleted",
        "DELETE FROM refund WHERE reason = 'late_payment'",
        &["captured_money"],
    ),
    in_orders(
        "the refund of late money is for less",
        "UPDATE refund SET amount = amount - 1 WHERE reason = 'late_payment'",
        &["captured_money"],
    ),
    in_orders("a refund's sum is changed", "UPDATE refund SET amount = amount + 1 WHERE reason = 'cancelled'", &["refund"]),
    in_orders("the refund of an order is deleted", "DELETE FROM refund WHERE reason = 'unshipped'", &["refund", "order_goods"]),
    in_orders(
        "a refund that is under way counts as succeeded",
        "UPDATE refund SET state = 'succeeded', next_try_ms = NULL WHERE state = 'submitted'",
        &["refund"],
    ),
    in_orders(
        "nobody drives a refund that failed",
        "UPDATE refund SET next_try_ms = NULL WHERE state = 'failed'",
        &["refund"],
    ),
    in_orders(
        "a refund that succeeded is sent again",
        "UPDATE refund SET next_try_ms = created_ms WHERE state = 'succeeded'",
        &["refund"],
    ),
    in_orders(
        "a refund of an order belongs to none",
        "UPDATE refund SET order_no = NULL WHERE reason = 'goodwill'",
        &["captured_money", "refund"],
    ),
    in_orders(
        "a paid order has less than it was paid",
        "UPDATE orders SET captured = captured - 1 WHERE status = 'confirmed' AND captured > 0",
        &["order_money", "captured_money"],
    ),
    in_orders(
        "more of an order went back than came",
        "UPDATE orders SET refunded = captured + 1 WHERE payment = 'partially_refunded'",
        &["order_money", "refund"],
    ),
    in_orders(
        "an order is called refunded of which a part went back",
        "UPDATE orders SET payment = 'refunded' WHERE payment = 'partially_refunded'",
        &["order_money"],
    ),
    in_orders(
        "a cancelled order keeps its money, in every place at once",
        "DELETE FROM refund WHERE reason = 'cancelled' AND state <> 'succeeded';
         UPDATE orders SET refunding = 0 WHERE status = 'cancelled'",
        &["order_money"],
    ),
    in_orders(
        "an order has been completed before it arrived",
        "UPDATE orders SET delivered_ms = NULL WHERE status = 'completed'",
        &["order_money"],
    ),
    in_orders(
        "an expired order has money",
        "UPDATE orders SET captured = total WHERE status = 'expired'",
        &["order_money"],
    ),
    in_orders(
        "a callback is done with and tried again",
        "UPDATE payment_callback SET next_try_ms = 1 WHERE state = 'done'",
        &["payment_callback"],
    ),
    in_orders(
        "nobody acts on a callback",
        "UPDATE payment_callback SET next_try_ms = NULL WHERE state = 'new'",
        &["payment_callback"],
    ),
    in_orders("a shipment is deleted", "DELETE FROM shipment", &["order_goods"]),
    in_orders(
        "a shipment has fewer units",
        "UPDATE shipment SET lines = replace(lines, '\"quantity\":2', '\"quantity\":1')",
        &["order_goods"],
    ),
    in_orders("a refund forgets its units", "UPDATE refund SET lines = NULL", &["order_goods"]),
    in_orders("a return has put nothing back", "UPDATE goods_return SET restocked = '[]'", &["order_goods"]),
    in_ledger(
        "the ledger does not know a shipment",
        "UPDATE movement SET reference = 'x' || reference WHERE reference LIKE '%/shipment/1';
         UPDATE reference SET reference = 'x' || reference WHERE reference LIKE '%/shipment/1'",
        &["order_goods"],
    ),
    in_ledger(
        "the ledger knows a refund that is not there",
        "UPDATE movement SET reference = replace(reference, '/refund/1', '/refund/9') WHERE reference LIKE '%/refund/1';
         UPDATE reference SET reference = replace(reference, '/refund/1', '/refund/9') WHERE reference LIKE '%/refund/1'",
        &["order_goods"],
    ),
    in_ledger(
        "the ledger knows a shipment of an order that is not there",
        "UPDATE movement SET reference = replace(reference, '26', '99') WHERE reference LIKE '%/shipment/1';
         UPDATE reference SET reference = replace(reference, '26', '99') WHERE reference LIKE '%/shipment/1'",
        &["order_goods"],
    ),
    in_orders(
        "a lapsed hold is said to be held",
        "UPDATE orders SET hold = 'held' WHERE hold = 'lapsed'",
        &["order_hold"],
    ),
    in_orders(
        "an order forgets that it is held again",
        "UPDATE orders SET hold_n = 1 WHERE hold_n = 2",
        &["order_hold"],
    ),
    in_ledger(
        "a hold that an order had before is held once more",
        "UPDATE hold SET parts = replace(parts, '\"r\"', '\"h\"') WHERE n = 1 AND hold_key =
             (SELECT hold_key FROM hold WHERE n = 2)",
        &["order_hold", "hold_part", "open_holds"],
    ),
];
