//! Signatures: the published strings, answers known from OpenSSL, and everything that is refused.

use super::keys::{MerchantKey, PlatformKeys, SignedRequest};
use super::settings::Settings;

const MERCHANT: &str = include_str!("../../../tests/wechatpay/keys/test-only-merchant.pem");
const PUBLIC: &str = include_str!("../../../tests/wechatpay/keys/test-only-platform-public.pem");
const CERTIFICATE: &str = include_str!("../../../tests/wechatpay/keys/test-only-certificate.pem");
const NOT_RSA: &str = include_str!("../../../tests/wechatpay/keys/test-only-not-rsa-public.pem");
const SHORT: &str = include_str!("../../../tests/wechatpay/keys/test-only-short.pem");

const KEY_ID: &str = "PUB_KEY_ID_0000000000000024101100397200000006";
const SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";

/// The answer of WeChat Pay's page on verifying, signed by the test's key with `openssl dgst -sha256 -sign`.
const BODY: &[u8] = br#"{"code_url":"weixin://wxpay/bizpayurl?pr=JyC91EIz1"}"#;
const NOW_S: i64 = 1_722_850_421;
const SIGNATURE: &str = "BtlUf2w2i0yeUY3dYOG/EAOdcyrA6P5tRQ0WIrzXz4JpekQRST9wrNjC4NqajF8J2CvZSSizddoGMmrpAFOMGQvxV0ph3/ht6gelGqDVieYUApZWr0q4g6IMcXcJvsn8e4cZmKJF0eIPdkXtifEyBMhQYkcb72PJZjvkbGb21ExdlXDB0lXmV2KkPgbp2xLsj9WtzBi+0zBisi+fwWoC840HR5lq6NgNxmqWn/lFFif+C5K4jhBiyoktgNOVpWa/Hoo9iOTNJAG8Br+xFdA7dLer6uTIvFmYjrNgxCMUe9E2NSJihpjbndlx/smhxLge9iEgonPLC5sj2El7g2GcQw==";

fn platform(keys: &[(&str, &str)]) -> Result<PlatformKeys, String> {
    let keys: Vec<_> = keys.iter().map(|(id, pem)| serde_json::json!({ "id": id, "pem": pem })).collect();
    PlatformKeys::try_new(&serde_json::from_value::<Vec<_>>(keys.into()).unwrap())
}

type Headers = Vec<(&'static str, &'static str)>;

fn headers() -> Headers {
    vec![
        ("wechatpay-signature", SIGNATURE),
        ("wechatpay-timestamp", "1722850421"),
        ("wechatpay-nonce", "d824f2e086d3c1df967785d13fcd22ef"),
        ("wechatpay-serial", KEY_ID),
        ("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048"),
    ]
}

fn verify(headers: &Headers, body: &[u8], now_s: i64) -> Result<(), String> {
    let header = |name: &str| headers.iter().find(|(of, _)| *of == name).map(|(_, value)| *value);
    platform(&[(KEY_ID, PUBLIC)]).unwrap().verify(header, body, now_s)
}

fn with(name: &'static str, value: &'static str) -> Headers {
    headers().into_iter().map(|(of, was)| (of, if of == name { value } else { was })).collect()
}

/// The request of WeChat Pay's page on signing.
#[test]
fn a_request_is_signed_as_published() {
    let request = SignedRequest {
        method: "GET",
        url: "/v3/certificates",
        timestamp_s: 1_554_208_460,
        nonce: "593BEC0C930BF1AFEB40B4A08C8FB242",
        body: "",
    };
    let message = "GET\n/v3/certificates\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\n\n";
    assert_eq!(request.message(), message);
    let merchant = MerchantKey::try_new(MERCHANT, "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB").unwrap();
    // By `openssl dgst -sha256 -sign` on the same message and key.
    let signature = "RN+KSRELkqc1u66PSgb2ctcYheFOYKFzHjB6jDzAQeaGmhQbN7mdzK9bo62zfQ/7dYrw+RbZ8h3ByU4/Kzl5td4Ns6CV8EC1/wonkBe5Y4WBhx68ToxjrI9mHiVA3Xd9Woyj5BsU6b6xCVbpFN1XL4eSsubxKpuKKMoYLzfSLptxe+cvtK+p+eBQiZrZq+fwzoS5EFcpr2XRe/1vmc6Ql78acvwuBneefXB3WDcmesdJ9WPCC6mUmrx/MxKiC9jpNPwFhq4qMtzgY8cvaQWPFUszD4gOIonGYNLUtXdOulF+LxTyKfs+x3tylSn7qhn1wkBQ8n9NtdKGmgv/ZTca4w==";
    assert_eq!(merchant.sign(message), signature);
    let header = merchant.authorization("1900009191", &request);
    let expected = "WECHATPAY2-SHA256-RSA2048 mchid=\"1900009191\",nonce_str=\"593BEC0C930BF1AFEB40B4A08C8FB242\",\
                    timestamp=\"1554208460\",serial_no=\"408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB\",signature=\"";
    assert_eq!(header, format!("{expected}{signature}\""));
}

#[test]
fn an_answer_is_verified_as_published() {
    assert_eq!(verify(&headers(), BODY, NOW_S), Ok(()));
    let without_type: Headers = headers().into_iter().filter(|(name, _)| *name != "wechatpay-signature-type").collect();
    assert_eq!(verify(&without_type, BODY, NOW_S), Ok(()), "older answers do not name their algorithm");
}

#[test]
fn a_signature_counts_for_five_minutes_either_way() {
    for (now_s, holds) in [(NOW_S + 300, true), (NOW_S - 300, true), (NOW_S + 301, false), (NOW_S - 301, false)] {
        assert_eq!(verify(&headers(), BODY, now_s).is_ok(), holds, "{}", now_s - NOW_S);
    }
    for timestamp in ["", "now", "1722850421.0", "-9223372036854775808"] {
        assert!(verify(&with("wechatpay-timestamp", timestamp), BODY, NOW_S).is_err(), "{timestamp:?}");
    }
}

#[test]
fn nothing_of_what_is_signed_can_be_changed() {
    assert!(verify(&headers(), br#"{"code_url":"weixin://wxpay/bizpayurl?pr=JyC91EIz2"}"#, NOW_S).is_err());
    assert!(verify(&headers(), b"", NOW_S).is_err());
    assert!(verify(&with("wechatpay-timestamp", "1722850422"), BODY, NOW_S).is_err());
    assert!(verify(&with("wechatpay-nonce", "d824f2e086d3c1df967785d13fcd22ee"), BODY, NOW_S).is_err());
    for signature in ["", "%", "WECHATPAY/SIGNTEST/", "AAAA"] {
        assert!(verify(&with("wechatpay-signature", signature), BODY, NOW_S).is_err(), "{signature:?}");
    }
    for missing in ["wechatpay-signature", "wechatpay-timestamp", "wechatpay-nonce", "wechatpay-serial"] {
        let rest: Headers = headers().into_iter().filter(|(name, _)| *name != missing).collect();
        assert!(verify(&rest, BODY, NOW_S).unwrap_err().contains(missing));
    }
}

#[test]
fn another_key_or_algorithm_is_refused_by_name() {
    let refused = verify(&with("wechatpay-serial", SERIAL), BODY, NOW_S).unwrap_err();
    assert!(refused.contains("platform_keys"), "{refused}");
    let refused = verify(&with("wechatpay-signature-type", "WECHATPAY2-SM2-WITH-SM3"), BODY, NOW_S).unwrap_err();
    assert!(refused.contains("algorithm"), "{refused}");
}

#[test]
fn a_probe_is_refused_as_one() {
    let refused = verify(&with("wechatpay-signature", "WECHATPAY/SIGNTEST/BtlUf2w2i0ye"), BODY, NOW_S).unwrap_err();
    assert!(refused.contains("probe"), "{refused}");
}

#[test]
fn a_public_key_is_asked_for_and_a_certificate_is_not() {
    let both = platform(&[(SERIAL, CERTIFICATE), (KEY_ID, PUBLIC)]).unwrap();
    assert_eq!(both.wanted(), Some(KEY_ID));
    assert_eq!(platform(&[(SERIAL, CERTIFICATE)]).unwrap().wanted(), None);
}

#[test]
fn keys_that_cannot_be_used_are_refused() {
    for (id, pem) in [
        (SERIAL, PUBLIC),
        (KEY_ID, CERTIFICATE),
        ("5157F09EFDC096DE15EBE81A47057A7232F1B8E2", CERTIFICATE),
        (KEY_ID, NOT_RSA),
        (KEY_ID, MERCHANT),
        (KEY_ID, "not PEM"),
        (KEY_ID, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
        ("", PUBLIC),
        ("PUB_KEY_ID_\"", PUBLIC),
    ] {
        assert!(platform(&[(id, pem)]).is_err(), "{id} {}", &pem[..pem.len().min(30)]);
    }
    assert!(platform(&[]).is_err());
    assert!(platform(&[(KEY_ID, PUBLIC); 9]).is_err());
    for pem in [PUBLIC, SHORT, "", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert!(MerchantKey::try_new(pem, SERIAL).is_err(), "{}", &pem[..pem.len().min(30)]);
    }
    assert!(MerchantKey::try_new(MERCHANT, "a\"b").is_err());
}

#[test]
fn settings_show_no_secret() {
    let settings = serde_json::json!({
        "mchid": "1900000001", "appid": "wx8888888888888888", "trade_type": "native",
        "api_v3_key": "0123456789abcdefGHIJKLMNOPQRSTUV", "merchant_private_key": MERCHANT, "merchant_serial_no": SERIAL,
        "platform_keys": [{ "id": KEY_ID, "pem": PUBLIC }],
    });
    let shown = format!("{:?}", Settings::try_new(&settings.to_string()).unwrap());
    assert_eq!(shown, "Settings { mchid: \"1900000001\", .. }");
}
