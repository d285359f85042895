//! The shape of a tenant's policies. Durations are whole seconds.

use std::collections::BTreeMap;

use holdline_domain::id::{InvalidCode, InvalidField};
use holdline_domain::tenant::{LatePayment, Policies};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a tenant's orders live after they were placed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Policies)]
pub(crate) struct PoliciesBody {
    /// Seconds that an order of these channels may stay unpaid; other channels have the tenant's own deadline.
    #[serde(default)]
    channel_pay_within: BTreeMap<String, i64>,
    /// Seconds that the stock of an unpaid order is kept, where that is shorter than it may stay unpaid: it is then taken
    /// again before a payment opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hold_within: Option<i64>,
    /// What is done with money that comes after its orders have expired.
    #[serde(default)]
    late_payment: LatePaymentName,
    /// Seconds after delivery at which an order counts as received.
    receive_after: i64,
    /// Seconds after delivery in which goods may be returned.
    return_within: i64,
}

/// What is done with late money.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LatePaymentName {
    /// It goes back.
    #[default]
    Refund,
    /// If all goods can be held again, the orders come back to life; else it goes back.
    ReviveElseRefund,
}

impl PoliciesBody {
    pub(crate) fn new(policies: &Policies) -> Self {
        let seconds = |ms: i64| ms / 1_000;
        let channels = &policies.channel_pay_within_ms;
        Self {
            channel_pay_within: channels.iter().map(|(channel, ms)| (channel.clone(), seconds(*ms))).collect(),
            hold_within: policies.hold_within_ms.map(seconds),
            late_payment: match policies.late_payment {
                LatePayment::Refund => LatePaymentName::Refund,
                LatePayment::ReviveElseRefund => LatePaymentName::ReviveElseRefund,
            },
            receive_after: seconds(policies.receive_after_ms),
            return_within: seconds(policies.return_within_ms),
        }
    }

    pub(crate) fn parse(&self) -> Result<Policies, InvalidField> {
        let ms = |seconds: i64| seconds.saturating_mul(1_000);
        if let Some(channel) = self.channel_pay_within.keys().find(|channel| channel.len() > 64) {
            let problem =
                format!("the channel {:?} has more than 64 bytes", channel.chars().take(8).collect::<String>());
            return Err(InvalidField::new("/channel_pay_within", InvalidCode::TooLong, problem));
        }
        let channels = self.channel_pay_within.iter();
        let policies = Policies {
            channel_pay_within_ms: channels.map(|(channel, seconds)| (channel.clone(), ms(*seconds))).collect(),
            hold_within_ms: self.hold_within.map(ms),
            late_payment: match self.late_payment {
                LatePaymentName::Refund => LatePayment::Refund,
                LatePaymentName::ReviveElseRefund => LatePayment::ReviveElseRefund,
            },
            receive_after_ms: ms(self.receive_after),
            return_within_ms: ms(self.return_within),
        };
        policies.check().map_err(|invalid| {
            let pointer = format!("/{}", invalid.field);
            invalid.at(pointer)
        })?;
        Ok(policies)
    }
}
