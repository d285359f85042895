//! Sends the invoices in the order of the file, one after the other, and keeps what was answered.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::cancellation::{Cancellations, OrderKey, Part};
use super::file::{CURRENCY, Invoice, InvoiceLine, Invoices, Kind, seller};
use crate::child::{Answer, Buyer, CenterBooks, Client, Progress, Stop, adjust};

/// How often a submit without a definite answer is sent again.
const ATTEMPTS_MAX: usize = 20;

/// What was answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Replayed {
    /// Lines by outcome.
    pub(super) placed: u64,
    pub(super) written_off: u64,
    /// Lines that ended their order, that were taken off it, and whose original is not in the file.
    pub(super) cancelled: u64,
    pub(super) refunded: u64,
    pub(super) cancelled_elsewhere: u64,
    pub(super) refused: u64,
    /// Submits and write-offs that were refused.
    pub(super) refused_requests: u64,
    /// Numbers of the placed orders, one text per submit, separated by commas.
    pub(super) orders: Vec<String>,
    /// Reasons of refusals, by code: how often each was given.
    pub(super) reasons: BTreeMap<String, u64>,
    /// Stock codes that were short, with how often.
    pub(super) short: BTreeMap<String, u64>,
    /// Units placed and written off by stock code.
    pub(super) sold_units: BTreeMap<String, i64>,
    pub(super) written_off_units: BTreeMap<String, i64>,
    /// What the placed lines come to, in pence; and what the server says they come to.
    pub(super) total_minor: i64,
    pub(super) answered_minor: i64,
    /// Units that came back by stock code.
    pub(super) returned_units: BTreeMap<String, i64>,
    /// Orders that something is taken back from.
    paid: BTreeMap<OrderKey, PaidOrder>,
    /// What the center said that it captured, and what the cancelled lines come to, in pence.
    pub(super) captured_minor: i64,
    pub(super) refunded_minor: i64,
}

/// An order that was paid.
#[derive(Clone, Debug)]
struct PaidOrder {
    number: String,
    /// Units of it that nobody has cancelled.
    left: i64,
}

/// What the server and the center say of money, in pence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Money {
    pub(super) captured: i64,
    pub(super) refunded: i64,
    pub(super) books: CenterBooks,
}

/// Who sends.
pub(super) struct Replay<'a> {
    pub(super) shop: Client,
    pub(super) admin: Client,
    pub(super) buyer: Buyer<'a>,
}

impl Replay<'_> {
    /// Sends every invoice.
    pub(super) fn all(&mut self, invoices: &Invoices, progress: Progress, stop: &Stop) -> anyhow::Result<Replayed> {
        let bar = progress.bar("replaying invoices", invoices.invoices.len() as u64);
        let cancellations = Cancellations::find(&invoices.invoices);
        let mut replayed = Replayed::default();
        for (place, invoice) in invoices.invoices.iter().enumerate() {
            stop.check()?;
            let of = |kind: Kind| invoice.lines.iter().filter(move |line| line.kind == kind);
            let sold: Vec<&InvoiceLine> = invoice.sold().collect();
            if !sold.is_empty() {
                let answer = replayed.submit(invoice, &sold, &mut self.shop);
                let answer = answer.with_context(|| format!("invoice {}", invoice.number))?;
                if let Some(answer) = answer {
                    let pays = replayed.pay(place, &sold, &answer, &cancellations, &mut self.buyer);
                    pays.with_context(|| format!("paying invoice {}", invoice.number))?;
                }
            }
            for line in of(Kind::WrittenOff) {
                replayed.write_off(invoice, line, &mut self.admin).with_context(|| format!("line {}", line.number))?;
            }
            let cancelled: Vec<&InvoiceLine> = of(Kind::Cancelled).collect();
            replayed
                .cancel(invoice, &cancelled, &cancellations, &mut self.buyer)
                .with_context(|| format!("cancellation {}", invoice.number))?;
            bar.inc(1);
        }
        bar.finish();
        Ok(replayed)
    }

    /// Waits until no refund is under way, and adds up what the server says of the paid orders.
    pub(super) fn money(
        &mut self,
        replayed: &Replayed,
        books: impl Fn() -> anyhow::Result<CenterBooks>,
    ) -> anyhow::Result<Money> {
        let (mut captured, mut refunded) = (0, 0);
        for order in replayed.paid.values() {
            let of = |order: &Value, name: &str| order["paid"][name]["amount"].as_i64();
            let order = self.buyer.until(&order.number, |order| of(order, "refunding") == Some(0))?;
            captured += of(&order, "captured").context("a paid order without what was captured")?;
            refunded += of(&order, "refunded").context("a paid order without what was refunded")?;
        }
        Ok(Money { captured, refunded, books: books()? })
    }
}

impl Replayed {
    fn submit(
        &mut self,
        invoice: &Invoice,
        lines: &[&InvoiceLine],
        shop: &mut Client,
    ) -> anyhow::Result<Option<Value>> {
        let body = json!({
            "buyer_id": invoice.buyer,
            "lines": lines.iter().map(|line| json!({
                "sku": line.code,
                "quantity": line.units,
                "unit_price": {"amount": line.price_minor, "currency": CURRENCY},
                "title": line.title,
            })).collect::<Vec<_>>(),
        });
        let answer = definite(|| shop.submit("/v1/orders", &invoice.number, &body))?;
        match answer.status {
            200 | 201 => {
                let answer = answer.json()?;
                self.placed(lines, &answer)?;
                return Ok(Some(answer));
            }
            413 | 422 => {
                self.refused += lines.len() as u64;
                self.refuse(&answer)?;
            }
            status => bail!("the server answered {status}: {}", String::from_utf8_lossy(&answer.body)),
        }
        Ok(None)
    }

    /// Pays those orders of a submit that something is taken back from later.
    fn pay(
        &mut self,
        place: usize,
        lines: &[&InvoiceLine],
        answer: &Value,
        cancellations: &Cancellations,
        buyer: &mut Buyer<'_>,
    ) -> anyhow::Result<()> {
        for order in answer["orders"].as_array().into_iter().flatten() {
            let of = order["seller"].as_str().context("an order without its seller")?;
            let key = (place, of.to_owned());
            if !cancellations.touches(&key) {
                continue;
            }
            let number = order["order_no"].as_str().context("an order without its number")?.to_owned();
            let payment = buyer.open(&number, "card")?;
            self.captured_minor += buyer.pay(&payment)?;
            buyer.until(&number, |order| order["status"] == "confirmed")?;
            let left = lines.iter().filter(|line| seller(&line.code) == of).map(|line| line.units).sum();
            self.paid.insert(key, PaidOrder { number, left });
        }
        Ok(())
    }

    /// Takes back what the lines of one cancellation name, order by order.
    fn cancel(
        &mut self,
        invoice: &Invoice,
        lines: &[&InvoiceLine],
        cancellations: &Cancellations,
        buyer: &mut Buyer<'_>,
    ) -> anyhow::Result<()> {
        let mut by_order: BTreeMap<&OrderKey, Vec<&Part>> = BTreeMap::new();
        let mut taken: Vec<(&InvoiceLine, &[Part])> = Vec::new();
        for line in lines {
            match cancellations.of(line.number) {
                None => self.cancelled_elsewhere += 1,
                Some(parts) if parts.iter().any(|part| !self.paid.contains_key(&part.order)) => {
                    self.refused += 1;
                    *self.reasons.entry("original_refused".to_owned()).or_default() += 1;
                }
                Some(parts) => {
                    taken.push((line, parts));
                    for part in parts {
                        by_order.entry(&part.order).or_default().push(part);
                    }
                }
            }
        }
        for (key, parts) in &by_order {
            let order = self.paid.get_mut(*key).context("an order that was not paid")?;
            order.left -= parts.iter().map(|part| part.units).sum::<i64>();
            if order.left == 0 {
                buyer.cancel(&order.number)?;
            } else {
                let mut units: BTreeMap<usize, i64> = BTreeMap::new();
                for part in parts {
                    *units.entry(part.line_no).or_default() += part.units;
                }
                let lines: Vec<(usize, i64)> = units.into_iter().collect();
                buyer.take_off(&order.number, &format!("{}-{}", invoice.number, order.number), &lines)?;
            }
        }
        for (line, parts) in taken {
            let ended = parts.iter().all(|part| self.paid.get(&part.order).is_some_and(|order| order.left == 0));
            *(if ended { &mut self.cancelled } else { &mut self.refunded }) += 1;
            *self.returned_units.entry(line.code.clone()).or_default() += line.units;
            self.refunded_minor += line.units * line.price_minor;
        }
        Ok(())
    }

    fn placed(&mut self, lines: &[&InvoiceLine], answer: &Value) -> anyhow::Result<()> {
        let orders = answer["orders"].as_array().context("an answer without orders")?;
        let numbers = orders.iter().map(|order| order["order_no"].as_str().context("an order without its number"));
        self.orders.push(numbers.collect::<anyhow::Result<Vec<_>>>()?.join(","));
        self.placed += lines.len() as u64;
        for line in lines {
            *self.sold_units.entry(line.code.clone()).or_default() += line.units;
            self.total_minor += line.units * line.price_minor;
        }
        self.answered_minor += answer["total"]["amount"].as_i64().context("an answer without a total")?;
        Ok(())
    }

    fn write_off(&mut self, invoice: &Invoice, line: &InvoiceLine, admin: &mut Client) -> anyhow::Result<()> {
        let reference = format!("write-off-{}-{}", invoice.number, line.number);
        let answer = definite(|| adjust(admin, &line.code, -line.units, &reference))?;
        if answer.status == 422 {
            self.refused += 1;
            return self.refuse(&answer);
        }
        answer.success()?;
        self.written_off += 1;
        *self.written_off_units.entry(line.code.clone()).or_default() += line.units;
        Ok(())
    }

    fn refuse(&mut self, answer: &Answer) -> anyhow::Result<()> {
        self.refused_requests += 1;
        let problem = answer.json()?;
        let reasons = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        if reasons.is_empty() {
            *self.reasons.entry(answer.code()).or_default() += 1;
        }
        for reason in reasons {
            let code = reason["code"].as_str().context("a reason without its code")?;
            *self.reasons.entry(code.to_owned()).or_default() += 1;
            if let Some(sku) = reason["sku"].as_str() {
                *self.short.entry(sku.to_owned()).or_default() += 1;
            }
        }
        Ok(())
    }
}

/// Sends until the answer is definite: 503 says that nothing was begun or that the same request tells.
fn definite(mut send: impl FnMut() -> anyhow::Result<Answer>) -> anyhow::Result<Answer> {
    let mut answer = send()?;
    for _ in 1..ATTEMPTS_MAX {
        if answer.status != 503 {
            break;
        }
        answer = send()?;
    }
    Ok(answer)
}
