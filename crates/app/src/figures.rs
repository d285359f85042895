//! What the figures of this crate mean, in the words that `/metrics` shows an operator.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Tells the recorder. Once per process, after the recorder is in place.
pub(crate) fn describe() {
    describe_histogram!("holdline_batch_size", Unit::Count, "Requests written in one transaction, by queue");
    describe_histogram!(
        "holdline_flush_seconds",
        Unit::Seconds,
        "From sending a batch to knowing that it is durable, by queue"
    );
    describe_counter!("holdline_batches_total", "Batches sent, by queue");
    describe_gauge!("holdline_queue_depth", "Requests waiting for the next batch, by queue");
    describe_gauge!("holdline_holds_open", "Holds of which a part is held, in the whole store");
    describe_gauge!("holdline_feed_last_page", "Events in a consumer's newest page: 500 again and again is a backlog");
    describe_counter!("holdline_submits_accepted_total", "Submits answered with numbers before they were decided");
    describe_gauge!(
        "holdline_submits_undecided",
        "Accepted submits that wait to be decided, in the whole store; 100 means at least as many"
    );
    describe_counter!("holdline_fences_hit_total", "Submits that found a fence and gave their hold back");
    describe_counter!("holdline_orphan_holds_total", "Holds without an order that the reaper fenced");
    describe_counter!("holdline_holds_expired_total", "Parts of outside holds released at their deadline, unasked");
    describe_counter!("holdline_hold_checks_total", "Takers asked what became of an overdue hold, by answer");
    describe_gauge!(
        "holdline_parked_events",
        "Events that a consumer could not work off, in the whole store, by consumer; 1000 means at least as many"
    );
    describe_counter!("holdline_webhook_tries_total", "Requests to endpoints of webhooks, by how they ended");
    describe_counter!("holdline_webhook_events_given_up_total", "Events that an endpoint did not take in ten tries");
    describe_gauge!("holdline_webhooks_blocked", "Endpoints that take nothing, as far as this process knows");
    describe_gauge!(
        "holdline_unsettled",
        "Attempts, refunds and callbacks unsettled for 15 minutes, in the whole store, by kind; 1000 means at least as many"
    );
    describe_gauge!(
        "holdline_unsettled_oldest_seconds",
        Unit::Seconds,
        "For how long the oldest of them is unsettled, by kind; 0 if none is"
    );
    describe_counter!("holdline_callbacks_refused_total", "Callbacks of providers that were not believed, by why");
    describe_counter!("holdline_orphan_payments_total", "Callbacks about captured money of no payment known here");
    describe_counter!("holdline_late_payments_total", "Money that came after its orders had ended, or twice");
    describe_counter!("holdline_parked_tries_total", "Tries of parked events, by consumer and how they ended");
}
