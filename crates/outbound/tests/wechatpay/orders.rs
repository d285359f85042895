//! What the fake knows: orders and refunds by their numbers, and what each call does with them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fake::Seen;

/// An order.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// As it was created: the same once more must be the same.
    pub(crate) created: Value,
    /// Its `trade_state`.
    pub(crate) state: &'static str,
    /// What was paid.
    pub(crate) paid: i64,
}

/// A refund.
#[derive(Debug, Clone)]
pub(crate) struct Refund {
    pub(crate) of: String,
    pub(crate) amount: i64,
    pub(crate) status: &'static str,
}

/// Orders and refunds.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) refunds: BTreeMap<String, Refund>,
}

/// A status and a body.
type Answer = (u16, String);

impl Orders {
    /// The buyer pays, so much.
    pub(crate) fn pay(&mut self, no: &str, total: i64) {
        let order = self.orders.get_mut(no).unwrap();
        assert_eq!(order.state, "NOTPAY", "only what is open is paid");
        order.state = "SUCCESS";
        order.paid = total;
    }

    pub(crate) fn set(&mut self, no: &str, state: &'static str) {
        self.orders.get_mut(no).unwrap().state = state;
    }

    /// Does what a request asks for.
    pub(crate) fn answer(&mut self, seen: &Seen) -> Answer {
        let (path, query) = seen.url.split_once('?').unwrap_or((&seen.url, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (seen.method.as_str(), parts.as_slice()) {
            ("GET", ["v3", "pay", "transactions", "out-trade-no", no]) if query == "mchid=1900000001" => self.query(no),
            ("POST", ["v3", "pay", "transactions", "out-trade-no", no, "close"]) => self.close(no, &seen.body),
            ("POST", ["v3", "pay", "transactions", way]) => self.create(way, &seen.body),
            ("POST", ["v3", "refund", "domestic", "refunds"]) => self.refund(&seen.body),
            ("GET", ["v3", "refund", "domestic", "refunds", no]) => self.query_refund(no),
            _ => refused(404, "NOT_FOUND"),
        }
    }

    fn create(&mut self, way: &str, body: &Value) -> Answer {
        let Some(no) = body["out_trade_no"].as_str().filter(|no| is_creatable(way, no, body)) else {
            return refused(400, "PARAM_ERROR");
        };
        if let Some(order) = self.orders.get(no) {
            match order.state {
                "NOTPAY" if order.created == *body => {}
                "NOTPAY" => return refused(403, "OUT_TRADE_NO_USED"),
                "CLOSED" => return refused(400, "ORDER_CLOSED"),
                _ => return refused(400, "ORDERPAID"),
            }
        }
        self.orders.insert(no.to_owned(), Order { created: body.clone(), state: "NOTPAY", paid: 0 });
        let opened = match way {
            "native" => json!({ "code_url": format!("weixin://wxpay/bizpayurl?pr={no}") }),
            "h5" => {
                json!({ "h5_url": format!("https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx{no}&package=1") })
            }
            _ => json!({ "prepay_id": format!("wx{no}") }),
        };
        (200, opened.to_string())
    }

    fn query(&self, no: &str) -> Answer {
        let Some(order) = self.orders.get(no) else { return refused(404, "ORDER_NOT_EXIST") };
        (200, transaction(no, order).to_string())
    }

    /// 204 also for what is closed or not known, as merchants report.
    fn close(&mut self, no: &str, body: &Value) -> Answer {
        if body["mchid"] != "1900000001" {
            return refused(400, "PARAM_ERROR");
        }
        match self.orders.get_mut(no) {
            Some(order) if order.state == "NOTPAY" => order.state = "CLOSED",
            Some(order) if order.state != "CLOSED" => return refused(400, "ORDERPAID"),
            Some(_) | None => {}
        }
        (204, String::new())
    }

    fn refund(&mut self, body: &Value) -> Answer {
        let texts = (body["out_trade_no"].as_str(), body["out_refund_no"].as_str());
        let (Some(no), Some(refund_no)) = texts else { return refused(400, "PARAM_ERROR") };
        let amount = body["amount"]["refund"].as_i64().unwrap_or_default();
        let reason_fits = body["reason"].as_str().is_some_and(|reason| (1..=80).contains(&reason.len()));
        if amount < 1 || body["amount"]["currency"] != "CNY" || !reason_fits {
            return refused(400, "PARAM_ERROR");
        }
        if let Some(known) = self.refunds.get(refund_no) {
            if known.amount != amount {
                return refused(400, "INVALID_REQUEST");
            }
            return self.query_refund(refund_no);
        }
        let Some(order) = self.orders.get_mut(no).filter(|order| matches!(order.state, "SUCCESS" | "REFUND")) else {
            return refused(404, "RESOURCE_NOT_EXISTS");
        };
        let before: i64 = self.refunds.values().filter(|refund| refund.of == no).map(|refund| refund.amount).sum();
        if body["amount"]["total"] != order.paid || before + amount > order.paid {
            return refused(400, "INVALID_REQUEST");
        }
        order.state = "REFUND";
        let refund = Refund { of: no.to_owned(), amount, status: "PROCESSING" };
        self.refunds.insert(refund_no.to_owned(), refund);
        self.query_refund(refund_no)
    }

    fn query_refund(&self, no: &str) -> Answer {
        let Some(refund) = self.refunds.get(no) else { return refused(404, "RESOURCE_NOT_EXISTS") };
        let answer = json!({
            "refund_id": format!("50{no}"), "out_refund_no": no, "out_trade_no": refund.of, "status": refund.status,
            "amount": { "refund": refund.amount, "currency": "CNY" },
        });
        (200, answer.to_string())
    }
}

/// A payment, as queries and callbacks tell it.
pub(crate) fn transaction(no: &str, order: &Order) -> Value {
    let mut told = json!({
        "appid": "wx8888888888888888", "mchid": "1900000001", "out_trade_no": no, "trade_state": order.state,
        "trade_state_desc": "…", "amount": { "total": order.created["amount"]["total"], "currency": "CNY" },
    });
    if order.paid > 0 {
        told["transaction_id"] = format!("42{no}").into();
        told["amount"] =
            json!({ "total": order.paid, "payer_total": order.paid, "currency": "CNY", "payer_currency": "CNY" });
        told["payer"] = json!({ "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" });
    }
    told
}

fn is_creatable(way: &str, no: &str, body: &Value) -> bool {
    let is_text =
        |field: &str, bytes_max: usize| body[field].as_str().is_some_and(|text| (1..=bytes_max).contains(&text.len()));
    let time_expire = body["time_expire"].as_str().unwrap_or_default();
    let has_buyer = match way {
        "native" | "app" => body.get("payer").is_none() && body.get("scene_info").is_none(),
        "jsapi" => body["payer"]["openid"].is_string(),
        "h5" => body["scene_info"]["payer_client_ip"].is_string() && body["scene_info"]["h5_info"]["type"] == "Wap",
        _ => false,
    };
    has_buyer
        && (6..=32).contains(&no.len())
        && no.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-|*".contains(&byte))
        && body["mchid"] == "1900000001"
        && body["appid"] == "wx8888888888888888"
        && is_text("description", 127)
        && is_text("notify_url", 255)
        && !body["notify_url"].as_str().unwrap_or("?").contains('?')
        && time_expire.len() == "2018-06-08T10:34:56+08:00".len()
        && time_expire.ends_with("+08:00")
        && body["amount"]["total"].as_i64().is_some_and(|total| total > 0)
        && body["amount"]["currency"] == "CNY"
}

fn refused(status: u16, code: &str) -> Answer {
    (status, json!({ "code": code, "message": "refused" }).to_string())
}
