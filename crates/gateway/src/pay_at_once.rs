//! Paying with the submit: two transactions in one request. The orders stand, whatever becomes of the payment.

use holdline_app::{PayRequest, PayScope};
use holdline_domain::id::IdempotencyKey;
use holdline_domain::order::{Order, OrderStatus};
use holdline_domain::payment::{Attempt, ProviderName};

use crate::call::Call;
use crate::problem::Problem;

/// How the orders of a submit are to be paid as soon as they exist.
pub(crate) struct PayAtOnce {
    /// Where.
    pub(crate) provider: ProviderName,
    /// How, in the provider's words.
    pub(crate) method: Option<String>,
    /// Where the buyer's browser goes afterwards.
    pub(crate) return_url: Option<String>,
}

/// What became of it.
pub(crate) enum Paid {
    /// Nobody wanted to pay, or nothing is owed.
    Nothing,
    /// This attempt is open, or has ended already.
    Opened(Box<Attempt>),
    /// There is no attempt: the orders wait, and can be paid like any others.
    Failed(Problem),
}

/// Opens one attempt for all orders of a submit that wait for payment, under the submit's own key: sent again, it opens
/// nothing again.
pub(crate) async fn pay(call: &Call, key: &IdempotencyKey, orders: &[Order], wish: Option<PayAtOnce>) -> Paid {
    let waiting = orders.iter().find(|order| order.status == OrderStatus::PendingPayment);
    let (Some(wish), Some(first)) = (wish, waiting) else { return Paid::Nothing };
    let request = PayRequest {
        tenant: call.tenant(),
        client: call.access.key.client.clone(),
        key: key.clone(),
        scope: PayScope::Group(first.group.clone()),
        buyer: Some(first.buyer.clone()),
        provider: wish.provider,
        method: wish.method,
        return_url: wish.return_url,
    };
    match call.app.open_payment(request).await {
        Ok((attempt, _)) => Paid::Opened(Box::new(attempt)),
        Err(error) => Paid::Failed(error.into()),
    }
}
