//! Callbacks: signed like answers, their resource encrypted, and sent again for a day until they are answered well.

use holdline_domain::port::{CallbackAnswer, CallbackRefused, CallbackWord, RawCallback, VerifiedCallback};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::resource::Resource;
use super::settings::Settings;
use super::wire::{RefundNotice, Transaction, is_refund_no, is_trade_no};

/// The longest id of an event: part of a key in the store. Published: 36.
const EVENT_ID_BYTES_MAX: usize = 128;

/// What every callback is.
#[derive(Deserialize)]
struct Notice {
    id: String,
    event_type: String,
    /// Read only of events that are understood.
    resource: serde_json::Value,
}

/// Verifies, opens and reads a callback.
pub(in crate::payment) fn verify(
    settings: &Settings,
    raw: &RawCallback,
    now_s: i64,
) -> Result<VerifiedCallback, CallbackRefused> {
    settings.platform.verify(|name| raw.header(name), &raw.body, now_s).map_err(CallbackRefused::Signature)?;
    read(settings, &raw.body).map_err(CallbackRefused::Malformed)
}

fn read(settings: &Settings, body: &[u8]) -> Result<VerifiedCallback, String> {
    let notice: Notice = serde_json::from_slice(body).map_err(|_| "it is not the JSON of a notice".to_owned())?;
    let word = match notice.event_type.as_str() {
        "TRANSACTION.SUCCESS" => {
            let transaction: Transaction = open(settings, notice.resource)?;
            ours(settings, &transaction.mchid)?;
            is_number(is_trade_no(&transaction.out_trade_no))?;
            CallbackWord::Payment { payment: transaction.out_trade_no.clone(), word: transaction.word()? }
        }
        "REFUND.SUCCESS" | "REFUND.ABNORMAL" | "REFUND.CLOSED" => {
            let refund: RefundNotice = open(settings, notice.resource)?;
            ours(settings, &refund.mchid)?;
            is_number(is_refund_no(&refund.out_refund_no))?;
            CallbackWord::Refund { key: refund.out_refund_no.clone(), word: refund.word()? }
        }
        // Complaints, coupons, whatever else the merchant subscribed to.
        _ => CallbackWord::Other,
    };
    if !(1..=EVENT_ID_BYTES_MAX).contains(&notice.id.len()) || !notice.id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("its id is none".to_owned());
    }
    Ok(VerifiedCallback { event_id: notice.id, word })
}

fn open<T: DeserializeOwned>(settings: &Settings, resource: serde_json::Value) -> Result<T, String> {
    let resource: Resource =
        serde_json::from_value(resource).map_err(|_| "its resource is not the JSON of one".to_owned())?;
    let plain = settings.api_v3_key.open(&resource)?;
    serde_json::from_slice(&plain).map_err(|_| "its resource holds something else than it should".to_owned())
}

/// WeChat Pay signs for all merchants with few keys: a notice for another merchant is not ours, however well it is signed.
fn ours(settings: &Settings, mchid: &str) -> Result<(), String> {
    if mchid == settings.mchid { Ok(()) } else { Err("it is for another mchid".to_owned()) }
}

/// Whether it is about something that can have been made here.
fn is_number(is: bool) -> Result<(), String> {
    if is { Ok(()) } else { Err("its out_trade_no or out_refund_no is none".to_owned()) }
}

/// What to answer. Anything but 200 and 204 makes WeChat Pay send it again; a probe must get such an answer.
pub(in crate::payment) fn answer(refused: Option<&CallbackRefused>) -> CallbackAnswer {
    let fail = |status, message: &str| CallbackAnswer {
        status,
        body: json!({ "code": "FAIL", "message": message }).to_string(),
    };
    match refused {
        None => CallbackAnswer { status: 204, body: String::new() },
        // What exactly does not hold is for the log, not for whoever sent it.
        Some(CallbackRefused::Signature(_)) => fail(401, "the signature does not hold"),
        Some(CallbackRefused::Malformed(_)) => fail(400, "it cannot be read"),
    }
}
