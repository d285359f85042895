//! Orders by themselves: amounts, states, numbers, timers, and the history that the feed tells of each.

use super::number;
use super::order_faults::{Event, Line, OrderRow, amount_fault, history_fault, money_fault, state_fault};
use super::report::Check;
use super::source::{Source, statement};

/// The checks of this file.
pub(super) struct Orders {
    sequence: Check,
    history: Check,
    amount: Check,
    state: Check,
    money: Check,
    number: Check,
    timer: Check,
}

impl Orders {
    fn new() -> Self {
        Self {
            sequence: Check::new("event_sequence", "events are numbered without a gap up to the feed's head"),
            history: Check::new("order_history", "an order's events are its versions 1 to n and lead to its status"),
            amount: Check::new("order_amount", "an order's amounts follow from its lines and adjustments"),
            state: Check::new("order_state", "an order's status, payment, hold, end and deadline fit together"),
            money: Check::new(
                "order_money",
                "what is captured of an order, given back and left fits its state and payment",
            ),
            number: Check::new("order_number", "an order's number is well formed, its buyer's, and nobody else's"),
            timer: Check::new("order_timer", "an order that waits for payment has the timer that looks at it next"),
        }
    }

    pub(super) fn into_checks(self) -> [Check; 7] {
        [self.sequence, self.history, self.amount, self.state, self.money, self.number, self.timer]
    }
}

/// Returns the checks and how many orders there are. `next_seq`: what the feed's head says.
pub(super) fn judge(orders: &Source, next_seq: i64, tenants: usize) -> anyhow::Result<(Orders, u64)> {
    let mut checks = Orders::new();
    judge_feed(orders, next_seq, &mut checks.sequence)?;
    let mut count = 0;
    let mut current: Option<Order> = None;
    let mut rows = orders.rows(statement!("order"), &[])?;
    while let Some(row) = rows.next()? {
        let (tenant, order_no, what, n) = (row.int(0)?, row.text(1)?, row.int(2)?, row.int(3)?);
        if current.as_ref().is_none_or(|order| order.tenant != tenant || order.no != order_no) {
            if let Some(order) = current.take() {
                order.judge(&mut checks);
            }
            current = Some(Order::new(tenant, order_no));
        }
        let Some(order) = current.as_mut() else { continue };
        match what {
            0 => {
                count += 1;
                order.row = Some(OrderRow {
                    amounts: [row.int(4)?, row.int(5)?, row.int(6)?, row.int(7)?],
                    version: row.int(8)?,
                    created_ms: row.int(9)?,
                    pay_deadline_ms: row.int(10)?,
                    ended_ms: row.opt_int(11)?,
                    has_timer: row.opt_int(12)?.is_some(),
                    captured: row.int(13)?,
                    refunding: row.int(14)?,
                    refunded: row.int(15)?,
                    delivered_ms: row.opt_int(16)?,
                    completed_ms: row.opt_int(17)?,
                    hold_until_ms: row.opt_int(18)?,
                    status: row.text(19)?.to_owned(),
                    payment: row.text(20)?.to_owned(),
                    hold: row.text(21)?.to_owned(),
                    ended_by: row.opt_text(22)?.map(str::to_owned),
                    buyer: row.text(23)?.to_owned(),
                    adjustments: row.opt_text(24)?.map(str::to_owned),
                    has_attempt: row.opt_text(25)?.is_some(),
                });
            }
            1 => order.lines.push(Line { no: n, quantity: row.int(4)?, unit_price: row.int(5)?, total: row.int(6)? }),
            _ => {
                let kind = row.text(19)?.to_owned();
                order.events.push(Event { version: n, seq: row.int(4)?, at_ms: row.int(5)?, kind });
            }
        }
    }
    if let Some(order) = current {
        order.judge(&mut checks);
    }
    // Within one tenant the primary key keeps numbers apart.
    if tenants < 2 {
        return Ok((checks, count));
    }
    let mut shared = orders.rows(statement!("shared_number"), &[])?;
    while let Some(row) = shared.next()? {
        let (order_no, one, other) = (row.text(0)?, row.int(1)?, row.int(2)?);
        checks.number.mismatch(|| format!("order {order_no} exists twice: with tenant {one} and with tenant {other}"));
    }
    Ok((checks, count))
}

fn judge_feed(orders: &Source, next_seq: i64, check: &mut Check) -> anyhow::Result<()> {
    let mut expected = 1_i64;
    let mut rows = orders.rows(statement!("event"), &[])?;
    while let Some(row) = rows.next()? {
        let seq = row.int(0)?;
        check.judge(seq == expected, || format!("events {expected} to {} are missing", seq - 1));
        expected = seq.saturating_add(1);
    }
    if expected != next_seq {
        let newest = expected - 1;
        check.mismatch(|| format!("the head says that event {next_seq} comes next, but the newest event is {newest}"));
    }
    Ok(())
}

struct Order {
    tenant: i64,
    no: String,
    row: Option<OrderRow>,
    lines: Vec<Line>,
    events: Vec<Event>,
}

impl Order {
    fn new(tenant: i64, no: &str) -> Self {
        Self { tenant, no: no.to_owned(), row: None, lines: Vec::new(), events: Vec::new() }
    }

    fn judge(&self, checks: &mut Orders) {
        let Self { tenant, no, .. } = self;
        let Some(row) = &self.row else {
            if !self.lines.is_empty() {
                checks.amount.judge(false, || format!("order {no} does not exist, but has lines"));
            }
            if let Some(event) = self.events.first() {
                checks
                    .history
                    .judge(false, || format!("order {no} does not exist, but event {} tells of it", event.seq));
            }
            return;
        };
        let put = |check: &mut Check, fault: Option<String>| {
            check.judge(fault.is_none(), || format!("order {no}: {}", fault.unwrap_or_default()));
        };
        put(&mut checks.history, history_fault(row, &self.events));
        put(&mut checks.amount, amount_fault(row, &self.lines));
        put(&mut checks.state, state_fault(row));
        put(&mut checks.money, money_fault(row));
        put(&mut checks.number, number::fault(no, *tenant, &row.buyer));
        // An open attempt keeps its order, and sets the timer when it ends.
        if row.status == "pending_payment" && row.payment != "processing" {
            let missing = || format!("it waits for payment, but no timer looks at it at {} ms", row.due_ms());
            put(&mut checks.timer, (!row.has_timer).then(missing));
        }
    }
}
