//! The stored form of attempts. `shares` is the JSON of [order number, amount] pairs.

use holdline_domain::fault::Fault;
use holdline_domain::id::{BuyerId, Fingerprint, TenantId, Version};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::order::OrderNo;
use holdline_domain::payment::{
    Attempt, AttemptFlag, AttemptId, AttemptState, Captured, PaymentNo, ProviderName, Share,
};
use holdline_domain::time::UnixMillis;

use super::Table;
use crate::engine::{Column, Row};
use crate::order::stored::{ORDERS, small};
use crate::rows::{Fields, ints, json, made_texts, opt_ints, opt_texts, schema, texts};

pub(super) const TABLE: Table = Table {
    name: "payment_attempt",
    key: &["tenant", "payment_no", "n"],
    version: &["tenant", "payment_no", "n", "version"],
    columns: &[
        "tenant",
        "payment_no",
        "n",
        "version",
        "provider",
        "buyer",
        "shares",
        "amount",
        "currency",
        "state",
        "request",
        "method",
        "return_url",
        "opened_ms",
        "deadline_ms",
        "pay",
        "reference",
        "captured",
        "captured_currency",
        "captured_ms",
        "attached",
        "flag",
        "reason",
        "looks",
        "next_look_ms",
    ],
};

pub(super) fn values(attempts: &[&Attempt]) -> Vec<Column> {
    let captured = |attempt: &&Attempt| attempt.captured;
    vec![
        ints(attempts, |attempt| attempt.tenant.0),
        texts(attempts, |attempt| attempt.id.payment.as_str()),
        ints(attempts, |attempt| i64::from(attempt.id.n)),
        ints(attempts, |attempt| attempt.version.0),
        texts(attempts, |attempt| attempt.provider.as_str()),
        texts(attempts, |attempt| attempt.buyer.as_str()),
        made_texts(attempts, |attempt| {
            let shares: Vec<_> = attempt.shares.iter().map(|share| (&share.order_no, share.amount)).collect();
            json(&shares)
        }),
        ints(attempts, |attempt| attempt.amount.0),
        texts(attempts, |attempt| attempt.currency.as_str()),
        texts(attempts, |attempt| attempt.state.as_str()),
        Column::Bytes(attempts.iter().map(|attempt| attempt.request.0.to_vec()).collect()),
        opt_texts(attempts, |attempt| attempt.method.clone()),
        opt_texts(attempts, |attempt| attempt.return_url.clone()),
        ints(attempts, |attempt| attempt.opened.0),
        ints(attempts, |attempt| attempt.deadline.0),
        opt_texts(attempts, |attempt| attempt.pay.clone()),
        opt_texts(attempts, |attempt| attempt.reference.clone()),
        opt_ints(attempts, |attempt| captured(attempt).map(|captured| captured.amount.0)),
        opt_texts(attempts, |attempt| captured(attempt).map(|captured| captured.currency.as_str().to_owned())),
        opt_ints(attempts, |attempt| captured(attempt).map(|captured| captured.at.0)),
        opt_ints(attempts, |attempt| captured(attempt).map(|captured| i64::from(captured.attached))),
        opt_texts(attempts, |attempt| attempt.flag.map(|flag| flag.as_str().to_owned())),
        opt_texts(attempts, |attempt| attempt.reason.clone()),
        ints(attempts, |attempt| i64::from(attempt.looks)),
        opt_ints(attempts, |attempt| attempt.next_look.map(|next| next.0)),
    ]
}

/// An attempt, from the columns of [`TABLE`].
pub(super) fn read(row: Row) -> Result<Attempt, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    let fields = &mut fields;
    Ok(Attempt {
        tenant: TenantId(fields.int()?),
        id: AttemptId { payment: PaymentNo::from_stored(fields.text()?), n: small(fields.int()?)? },
        version: Version(fields.int()?),
        provider: ProviderName::from_stored(fields.text()?),
        buyer: BuyerId::from_stored(fields.text()?),
        shares: {
            let shares: Vec<(OrderNo, Minor)> = fields.json("list of shares")?;
            shares.into_iter().map(|(order_no, amount)| Share { order_no, amount }).collect()
        },
        amount: Minor(fields.int()?),
        currency: fields.parsed("currency", |code| Currency::try_new(code).ok())?,
        state: fields.parsed("state of an attempt", AttemptState::parse)?,
        request: Fingerprint(fields.hash()?),
        method: fields.opt_text()?,
        return_url: fields.opt_text()?,
        opened: UnixMillis(fields.int()?),
        deadline: UnixMillis(fields.int()?),
        pay: fields.opt_text()?,
        reference: fields.opt_text()?,
        captured: captured(fields)?,
        flag: fields.opt_parsed("flag of an attempt", AttemptFlag::parse)?,
        reason: fields.opt_text()?,
        looks: small(fields.int()?)?,
        next_look: fields.opt_int()?.map(UnixMillis),
    })
}

fn captured(fields: &mut Fields) -> Result<Option<Captured>, Fault> {
    let amount = fields.opt_int()?;
    let currency = fields.opt_parsed("currency", |code| Currency::try_new(code).ok())?;
    match (amount, currency, fields.opt_int()?, fields.opt_int()?) {
        (Some(amount), Some(currency), Some(at), Some(attached)) => {
            Ok(Some(Captured { amount: Minor(amount), currency, at: UnixMillis(at), attached: attached != 0 }))
        }
        (None, None, None, None) => Ok(None),
        _ => Err(schema(ORDERS, "an attempt has captured a sum without its currency or instant")),
    }
}
