//! What happened in a run: counters, a digest of every step, and the steps themselves when somebody wants to read them.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use parking_lot::Mutex;

/// Interleavings that a run must have seen to prove anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// A database went away before a commit.
    CrashBeforeCommit,
    /// A database went away after a commit, before the answer.
    CrashAfterCommit,
    /// A write was durable, its answer was lost.
    LostAnswer,
    /// A request was lost: nothing was written, nobody knew.
    LostRequest,
    /// An order insert was refused by a tombstone.
    FenceHit,
    /// An order insert that had been stalled found its key taken.
    LateInsertRefused,
    /// A change of an order lost against its deadline, or the sweep lost against a change.
    ExpiryRace,
    /// A batch was applied a second time.
    Duplicate,
    /// A clock stepped.
    ClockStep,
    /// A step of a clock stopped the writing.
    ClockStopped,
    /// A batch had more than one request.
    BatchOfMany,
    /// A client went away before its answer.
    HangUp,
    /// A process died.
    ProcessCrash,
    /// A refusal came after the hold and spent the key.
    RefusedAfterHold,
    /// A hold was asked for again under a known id.
    HoldRepeated,
    /// An outside hold was given up before it arrived.
    HoldGivenUp,
    /// A submit was accepted before it was decided.
    Accepted,
    /// Orders of an accepted submit had drawn other numbers than were promised.
    PromisedNumbers,
    /// An accepted submit was ended because its time was over.
    NotInTime,
    /// What was left of an ended period was moved on.
    RestMoved,
    /// An order was paid.
    Paid,
    /// A callback was taken before its payment's creation was answered.
    CallbackBeforeAnswer,
    /// A callback was delivered again.
    DuplicateCallback,
    /// A provider captured another amount than was owed.
    WrongAmount,
    /// Money came for orders that had ended, or were paid otherwise.
    LateMoney,
    /// Money went back.
    Refunded,
    /// Late money brought an expired order back to life.
    Revived,
    /// An attempt was opened after another one of the same payment.
    MeansChanged,
    /// A provider was away for long.
    ProviderDown,
    /// Money came for a payment that nobody had opened.
    OrphanPayment,
    /// The hold of an unpaid order lapsed.
    Lapsed,
    /// A lapsed hold was taken again.
    HeldAgain,
    /// A refund of more than was left was refused.
    RefundRefused,
    /// A parcel left.
    Shipped,
    /// Units were taken off a paid order before they left.
    TakenOff,
    /// Goods came back.
    Returned,
    /// Some of them were put up for sale again.
    Restocked,
    /// An order was completed.
    Completed,
}

impl Seen {
    /// Everything that is counted.
    pub const ALL: [Self; 38] = [
        Self::CrashBeforeCommit,
        Self::CrashAfterCommit,
        Self::LostAnswer,
        Self::LostRequest,
        Self::FenceHit,
        Self::LateInsertRefused,
        Self::ExpiryRace,
        Self::Duplicate,
        Self::ClockStep,
        Self::ClockStopped,
        Self::BatchOfMany,
        Self::HangUp,
        Self::ProcessCrash,
        Self::RefusedAfterHold,
        Self::HoldRepeated,
        Self::HoldGivenUp,
        Self::Accepted,
        Self::PromisedNumbers,
        Self::NotInTime,
        Self::RestMoved,
        Self::Paid,
        Self::CallbackBeforeAnswer,
        Self::DuplicateCallback,
        Self::WrongAmount,
        Self::LateMoney,
        Self::Refunded,
        Self::Revived,
        Self::MeansChanged,
        Self::ProviderDown,
        Self::OrphanPayment,
        Self::Lapsed,
        Self::HeldAgain,
        Self::RefundRefused,
        Self::Shipped,
        Self::TakenOff,
        Self::Returned,
        Self::Restocked,
        Self::Completed,
    ];

    /// The name in the summary.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CrashBeforeCommit => "crash_before_commit",
            Self::CrashAfterCommit => "crash_after_commit",
            Self::LostAnswer => "lost_answer",
            Self::LostRequest => "lost_request",
            Self::FenceHit => "fence_hit",
            Self::LateInsertRefused => "late_insert_refused",
            Self::ExpiryRace => "expiry_race",
            Self::Duplicate => "duplicate",
            Self::ClockStep => "clock_step",
            Self::ClockStopped => "clock_stopped",
            Self::BatchOfMany => "batch_of_many",
            Self::HangUp => "hang_up",
            Self::ProcessCrash => "process_crash",
            Self::RefusedAfterHold => "refused_after_hold",
            Self::HoldRepeated => "hold_repeated",
            Self::HoldGivenUp => "hold_given_up",
            Self::Accepted => "accepted",
            Self::PromisedNumbers => "promised_numbers",
            Self::NotInTime => "not_in_time",
            Self::RestMoved => "rest_moved",
            Self::Paid => "paid",
            Self::CallbackBeforeAnswer => "callback_before_answer",
            Self::DuplicateCallback => "duplicate_callback",
            Self::WrongAmount => "wrong_amount",
            Self::LateMoney => "late_money",
            Self::Refunded => "refunded",
            Self::Revived => "revived",
            Self::MeansChanged => "means_changed",
            Self::ProviderDown => "provider_down",
            Self::OrphanPayment => "orphan_payment",
            Self::Lapsed => "lapsed",
            Self::HeldAgain => "held_again",
            Self::RefundRefused => "refund_refused",
            Self::Shipped => "shipped",
            Self::TakenOff => "taken_off",
            Self::Returned => "returned",
            Self::Restocked => "restocked",
            Self::Completed => "completed",
        }
    }
}

/// Counters of one run or of many.
pub type Counters = BTreeMap<Seen, u64>;

/// The history of one run.
#[derive(Debug, Default)]
pub struct History {
    /// Guards the counters and the digest; owned by the history, held for one note.
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    counters: Counters,
    digest: Digest,
    steps: Option<Vec<String>>,
}

impl History {
    /// An empty history. With `traced` it keeps every step as text.
    pub fn new(traced: bool) -> Self {
        let inner = Inner { steps: traced.then(Vec::new), ..Inner::default() };
        Self { inner: Mutex::new(inner) }
    }

    /// Counts an interleaving.
    pub fn saw(&self, seen: Seen) {
        *self.inner.lock().counters.entry(seen).or_default() += 1;
    }

    /// Notes a step: it goes into the digest, and into the trace if one is kept.
    pub fn note(&self, at_ms: i64, step: fmt::Arguments<'_>) {
        let mut inner = self.inner.lock();
        // Writing to a digest cannot fail.
        let _ = writeln!(inner.digest, "{at_ms} {step}");
        if let Some(steps) = &mut inner.steps {
            steps.push(format!("{at_ms:>8} {step}"));
        }
    }

    /// The counters.
    pub fn counters(&self) -> Counters {
        self.inner.lock().counters.clone()
    }

    /// One number that two runs share only if every step was the same.
    pub fn digest(&self) -> u64 {
        self.inner.lock().digest.0
    }

    /// The steps, if they were kept.
    pub fn steps(&self) -> Vec<String> {
        self.inner.lock().steps.clone().unwrap_or_default()
    }
}

/// FNV-1a 64 over written text.
#[derive(Debug)]
struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = text.bytes().fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Ok(())
    }
}
