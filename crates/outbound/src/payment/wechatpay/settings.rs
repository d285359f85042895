//! What an account at WeChat Pay needs: its JSON, checked and ready for use.
//!
//! Invariant: what stands here is secret and is never shown, neither by `Debug` nor in an objection: an objection names
//! the field, never its value.

use reqwest::Url;
use serde::Deserialize;

use super::keys::{MerchantKey, PlatformKeys, WrittenKey};
use super::resource::ApiV3Key;

/// Where API v3 is served.
const BASE_URL: &str = "https://api.mch.weixin.qq.com";
/// The longest `mchid` and `appid`, as published.
const ID_BYTES_MAX: usize = 32;

/// How buyers pay unless the attempt says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TradeType {
    /// The buyer scans a code.
    Native,
    /// Inside WeChat: an official account's page or a mini program.
    Jsapi,
    /// A mobile browser outside WeChat.
    H5,
    /// The merchant's own app.
    App,
}

/// An account at WeChat Pay, ready for use.
pub(in crate::payment) struct Settings {
    pub(super) mchid: String,
    pub(super) appid: String,
    pub(super) trade_type: TradeType,
    pub(super) merchant: MerchantKey,
    pub(super) platform: PlatformKeys,
    pub(super) api_v3_key: ApiV3Key,
    pub(super) base_url: Url,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("mchid", &self.mchid).finish_non_exhaustive()
    }
}

/// The JSON of an account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    mchid: String,
    appid: String,
    api_v3_key: String,
    merchant_private_key: String,
    merchant_serial_no: String,
    platform_keys: Vec<WrittenKey>,
    trade_type: TradeType,
    base_url: Option<String>,
}

impl Settings {
    /// Parses the settings of an account.
    pub(in crate::payment) fn try_new(json: &str) -> Result<Self, String> {
        // The library's own message may quote what stands at the place: a private key, perhaps.
        // An array would be read as well, by the order of the fields: nobody means that.
        if !json.trim_ascii_start().starts_with('{') {
            return Err("must be an object".to_owned());
        }
        let written: Written = serde_json::from_str(json).map_err(|error| {
            format!(
                "must be an object with mchid, appid, api_v3_key, merchant_private_key, merchant_serial_no, \
                 platform_keys: [{{id, pem}}], trade_type: native | jsapi | h5 | app, and perhaps base_url, all text; \
                 it is not at line {}, column {}",
                error.line(),
                error.column()
            )
        })?;
        if !is_id(&written.mchid, u8::is_ascii_digit) {
            return Err("mchid must be digits, at most 32".to_owned());
        }
        if !is_id(&written.appid, u8::is_ascii_alphanumeric) {
            return Err("appid must be letters and digits, at most 32".to_owned());
        }
        Ok(Self {
            merchant: MerchantKey::try_new(&written.merchant_private_key, &written.merchant_serial_no)?,
            platform: PlatformKeys::try_new(&written.platform_keys)?,
            api_v3_key: ApiV3Key::try_new(&written.api_v3_key)?,
            base_url: base_url(written.base_url.as_deref().unwrap_or(BASE_URL))?,
            mchid: written.mchid,
            appid: written.appid,
            trade_type: written.trade_type,
        })
    }
}

fn is_id(text: &str, allowed: impl Fn(&u8) -> bool) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len()) && text.as_bytes().iter().all(allowed)
}

/// A base without a path: the path is signed, and a proxy that adds one would break every signature.
fn base_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("base_url cannot be read: {error}"))?;
    if !matches!(url.scheme(), "http" | "https")
        || url.path() != "/"
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err("base_url must be http(s) and a host, without a path".to_owned());
    }
    Ok(url)
}
