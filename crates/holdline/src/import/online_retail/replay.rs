//! Sends the invoices in the order of the file, one after the other, and keeps what was answered.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::file::{CURRENCY, Invoice, InvoiceLine, Invoices, Kind};
use crate::child::{Answer, Client, Progress, Stop, adjust};

/// How often a submit without a definite answer is sent again.
const ATTEMPTS_MAX: usize = 20;

/// What was answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Replayed {
    /// Lines by outcome.
    pub(super) placed: u64,
    pub(super) written_off: u64,
    pub(super) unsupported: u64,
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
}

/// Sends every invoice.
pub(super) fn replay(
    invoices: &Invoices,
    shop: &mut Client,
    admin: &mut Client,
    progress: Progress,
    stop: &Stop,
) -> anyhow::Result<Replayed> {
    let bar = progress.bar("replaying invoices", invoices.invoices.len() as u64);
    let mut replayed = Replayed::default();
    for invoice in &invoices.invoices {
        stop.check()?;
        let of = |kind: Kind| invoice.lines.iter().filter(move |line| line.kind == kind);
        let sold: Vec<&InvoiceLine> = of(Kind::Sold).collect();
        if !sold.is_empty() {
            replayed.submit(invoice, &sold, shop).with_context(|| format!("invoice {}", invoice.number))?;
        }
        for line in of(Kind::WrittenOff) {
            replayed.write_off(invoice, line, admin).with_context(|| format!("line {}", line.number))?;
        }
        replayed.unsupported += of(Kind::Unsupported).count() as u64;
        bar.inc(1);
    }
    bar.finish();
    Ok(replayed)
}

impl Replayed {
    fn submit(&mut self, invoice: &Invoice, lines: &[&InvoiceLine], shop: &mut Client) -> anyhow::Result<()> {
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
            200 | 201 => self.placed(lines, &answer.json()?)?,
            413 | 422 => {
                self.refused += lines.len() as u64;
                self.refuse(&answer)?;
            }
            status => bail!("the server answered {status}: {}", String::from_utf8_lossy(&answer.body)),
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
