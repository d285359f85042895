//! How a buyer pays: what WeChat Pay wants to know for it, and what the storefront needs then.
//!
//! An attempt's `method` is `native`, `app`, `jsapi:<openid>` or `h5:<the buyer's IP address>`; without one the account's
//! `trade_type` counts, which is enough for `native` and `app`.

use std::net::IpAddr;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::settings::{Settings, TradeType};

/// The longest openid, as published.
const OPENID_BYTES_MAX: usize = 128;

/// How a buyer pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Means {
    Native,
    Jsapi { openid: String },
    H5 { client_ip: IpAddr },
    App,
}

/// What a request says of the buyer.
#[derive(Serialize, Default)]
pub(super) struct Scene {
    #[serde(skip_serializing_if = "Option::is_none")]
    payer: Option<Payer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scene_info: Option<SceneInfo>,
}

#[derive(Serialize)]
struct Payer {
    openid: String,
}

#[derive(Serialize)]
struct SceneInfo {
    payer_client_ip: IpAddr,
    h5_info: H5Info,
}

#[derive(Serialize)]
struct H5Info {
    r#type: &'static str,
}

/// The longest `code_url`, `prepay_id` or `h5_url`: what is stored of them has a bound. Published: 64 to 512.
const OPENED_BYTES_MAX: usize = 2_048;

/// What a created order is opened with: one of three, by the way of paying.
#[derive(Deserialize)]
pub(super) struct Opened {
    code_url: Option<String>,
    prepay_id: Option<String>,
    h5_url: Option<String>,
}

impl Means {
    /// Reads an attempt's method.
    pub(super) fn try_new(method: Option<&str>, usual: TradeType) -> Result<Self, String> {
        let (name, of) = match method {
            Some(method) => method.split_once(':').unwrap_or((method, "")),
            None => (usual.name(), ""),
        };
        match name {
            "native" if of.is_empty() => Ok(Self::Native),
            "app" if of.is_empty() => Ok(Self::App),
            "jsapi" if is_openid(of) => Ok(Self::Jsapi { openid: of.to_owned() }),
            "jsapi" => Err("a payment inside WeChat needs method jsapi:<openid>".to_owned()),
            "h5" => match of.parse() {
                Ok(client_ip) => Ok(Self::H5 { client_ip }),
                Err(_) => Err("a payment in a browser needs method h5:<the buyer's IP address>".to_owned()),
            },
            _ => Err("method must be native, app, jsapi:<openid> or h5:<IP address>".to_owned()),
        }
    }

    /// The last part of the address that creates it.
    pub(super) fn path(&self) -> &'static str {
        match self {
            Self::Native => TradeType::Native.name(),
            Self::Jsapi { .. } => TradeType::Jsapi.name(),
            Self::H5 { .. } => TradeType::H5.name(),
            Self::App => TradeType::App.name(),
        }
    }

    pub(super) fn scene(&self) -> Scene {
        match self {
            Self::Native | Self::App => Scene::default(),
            Self::Jsapi { openid } => Scene { payer: Some(Payer { openid: openid.clone() }), scene_info: None },
            Self::H5 { client_ip } => Scene {
                payer: None,
                scene_info: Some(SceneInfo { payer_client_ip: *client_ip, h5_info: H5Info { r#type: "Wap" } }),
            },
        }
    }

    /// What the storefront needs: JSON. `None` if WeChat Pay did not say what it should.
    pub(super) fn pay(
        &self,
        settings: &Settings,
        opened: Opened,
        return_url: Option<&str>,
        (timestamp_s, nonce): (i64, &str),
    ) -> Option<String> {
        let appid = &settings.appid;
        let signed = |last: &str| settings.merchant.sign(&format!("{appid}\n{timestamp_s}\n{nonce}\n{last}\n"));
        let pay = match self {
            Self::Native => json!({ "code_url": bounded(opened.code_url)? }),
            Self::H5 { .. } => {
                let mut url = bounded(opened.h5_url)?;
                if let Some(to) = return_url {
                    url.push_str("&redirect_url=");
                    url.extend(utf8_percent_encode(to, NON_ALPHANUMERIC));
                }
                json!({ "h5_url": url })
            }
            Self::Jsapi { .. } => {
                let package = format!("prepay_id={}", bounded(opened.prepay_id)?);
                json!({
                    "appId": appid, "timeStamp": timestamp_s.to_string(), "nonceStr": nonce, "signType": "RSA",
                    "paySign": signed(&package), "package": package,
                })
            }
            Self::App => {
                let prepay_id = bounded(opened.prepay_id)?;
                json!({
                    "appid": appid, "partnerid": settings.mchid, "timestamp": timestamp_s.to_string(),
                    "noncestr": nonce, "package": "Sign=WXPay", "sign": signed(&prepay_id), "prepayid": prepay_id,
                })
            }
        };
        Some(pay.to_string())
    }
}

impl TradeType {
    fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Jsapi => "jsapi",
            Self::H5 => "h5",
            Self::App => "app",
        }
    }
}

fn bounded(text: Option<String>) -> Option<String> {
    text.filter(|text| (1..=OPENED_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn is_openid(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=OPENID_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed)
}
