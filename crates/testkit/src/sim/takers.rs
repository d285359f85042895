//! Takers: systems with their own orders, which hold stock, then sell it, give it back, or die before they say so.
//!
//! A taker writes down what it decides before it tells anyone: that is what its `check_url` answers, and what the judge
//! holds every end of its holds against.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use holdline_app::{Error, HoldName, OutsideHold};
use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::id::{ClientId, Fingerprint, IdempotencyKey, Quantity, SellerId};
use holdline_domain::ledger::{CheckUrl, Demand, Part, PartState, Terms};
use holdline_domain::port::{HoldChecker, HoldQuestion, HoldWord};
use holdline_domain::time::UnixMillis;
use parking_lot::Mutex;

use super::installation::Installation;
use super::scenario::TENANT;
use crate::dice::Dice;
use crate::history::Seen;
use crate::model::VirtualTime;

/// Holds of one run.
const HOLDS: u64 = 24;
/// How often a taker says the same thing at most.
const TRIES: usize = 4;
/// How long takers are waited for.
const PATIENCE: Duration = Duration::from_mins(30);

/// A hold's name and one of its parts.
pub type HoldPart = (String, String);

/// What takers decided and were told. Instants are true virtual milliseconds, but for deadlines.
#[derive(Debug, Clone, Default)]
pub struct TakerBook {
    /// Whether the hold has a `check_url`.
    pub asks: BTreeMap<String, bool>,
    /// What the taker decided of a part, and when; it never changes its mind.
    pub decided: BTreeMap<HoldPart, (HoldWord, i64)>,
    /// When the taker first asked for the release of a part or the whole hold.
    pub gave_up: BTreeMap<HoldPart, i64>,
    /// Parts as takers were told that they stand, with the deadline by the ledger's clock, and when they were told.
    pub told: Vec<(HoldPart, PartState, Option<UnixMillis>, i64)>,
    /// Holds of which a taker was told that they never will be.
    pub never: Vec<String>,
}

/// The book, and how it answers questions.
pub(super) struct Takers {
    book: Mutex<TakerBook>,
    dice: Dice,
    time: Arc<VirtualTime>,
}

impl Takers {
    pub(super) fn new(dice: Dice, time: Arc<VirtualTime>) -> Self {
        Self { book: Mutex::default(), dice, time }
    }

    pub(super) fn book(&self) -> TakerBook {
        self.book.lock().clone()
    }

    fn told(&self, name: &str, hold: &OutsideHold) {
        let now_ms = self.time.elapsed_ms();
        let mut book = self.book.lock();
        for (part, state) in &hold.record.parts {
            let deadline = hold.deadlines.iter().find(|(of, _)| of == part).map(|(_, deadline)| deadline.at);
            book.told.push(((name.to_owned(), part_name(part)), *state, deadline, now_ms));
        }
    }
}

fn part_name(part: &Part) -> String {
    match part {
        Part::Group => String::new(),
        Part::Seller(name) => name.to_string(),
    }
}

#[async_trait]
impl HoldChecker for Takers {
    fn objection(&self, _: &CheckUrl) -> Option<String> {
        None
    }

    async fn ask(&self, question: &HoldQuestion) -> Result<HoldWord, Fault> {
        tokio::time::sleep(Duration::from_millis(self.dice.ms(1, 400))).await;
        if self.dice.chance(200) {
            return Err(Fault::not_done("taker", FaultKind::Unavailable, "it does not answer"));
        }
        let decided = self.book.lock().decided.get(&(question.hold_id.clone(), part_name(&question.part))).copied();
        Ok(decided.map_or(HoldWord::Unknown, |(word, _)| word))
    }
}

/// Lets every taker act; returns when the last has gone. False: one waits for an answer that never comes.
pub(super) async fn run(installation: &Installation, takers: &Arc<Takers>, dice: Dice) -> bool {
    let holds: Vec<_> = (0..HOLDS)
        .map(|number| {
            let (installation, takers) = (installation.clone(), Arc::clone(takers));
            tokio::spawn(Taker { installation, takers, dice: dice.fork(), name: format!("po-{number}") }.live())
        })
        .collect();
    let all = async {
        for hold in holds {
            hold.await.expect("a taker does not panic");
        }
    };
    tokio::time::timeout(PATIENCE, all).await.is_ok()
}

struct Taker {
    installation: Installation,
    takers: Arc<Takers>,
    dice: Dice,
    name: String,
}

/// What a taker asks for.
#[derive(Clone, Copy)]
enum Ask<'a> {
    Take,
    Commit(&'a str),
    Release(Option<&'a str>),
    Extend(&'a str),
}

impl Taker {
    async fn live(self) {
        let open_ms = self.installation.scenario().open_ms;
        tokio::time::sleep(Duration::from_millis(self.dice.below(open_ms))).await;
        let (parts, within_ms) = (self.parts(), *self.dice.pick(&[2_000, 8_000, 40_000]));
        let check_url = self.dice.chance(500).then(|| CheckUrl::from_stored("https://taker.example/check".to_owned()));
        self.takers.book.lock().asks.insert(self.name.clone(), check_url.is_some());
        let terms = Terms { within_ms, check_url };
        let demands = self.demands(&parts);
        let taken = if self.dice.chance(250) {
            // The hold is on its way while its taker has given up waiting for it.
            let (taken, ()) = tokio::join!(self.ask(Ask::Take, &demands, &terms), self.give_up(&demands, &terms));
            taken
        } else {
            self.ask(Ask::Take, &demands, &terms).await
        };
        if !taken {
            if self.dice.chance(500) {
                self.give_up(&demands, &terms).await;
            }
            return;
        }
        for part in &parts {
            self.end(part, within_ms, &demands, &terms).await;
        }
    }

    /// Decides on a part, sometimes too late, and says so, sometimes to nobody.
    async fn end(&self, part: &str, within_ms: i64, demands: &[Demand], terms: &Terms) {
        let within_ms = u64::try_from(within_ms).unwrap_or(0);
        // Whoever extends at the last moment meets the job that ends the part.
        let at_the_deadline = self.dice.chance(300);
        let wait_ms = if at_the_deadline {
            within_ms.saturating_sub(100) + self.dice.below(700)
        } else {
            self.dice.below(within_ms + within_ms / 3)
        };
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        if at_the_deadline || self.dice.chance(150) {
            self.ask(Ask::Extend(part), demands, terms).await;
            tokio::time::sleep(Duration::from_millis(self.dice.below(within_ms))).await;
        }
        if self.dice.chance(100) {
            return;
        }
        let word = if self.dice.chance(600) { HoldWord::Committed } else { HoldWord::Released };
        let id = (self.name.clone(), part.to_owned());
        let now_ms = self.installation.elapsed_ms();
        // Who gave the hold up and could not say so to anyone has decided already.
        let (decided, _) = *self.takers.book.lock().decided.entry(id.clone()).or_insert((word, now_ms));
        let sells = decided == HoldWord::Committed;
        if self.dice.chance(300) {
            // It dies before it says so.
            return;
        }
        if !sells {
            self.takers.book.lock().gave_up.entry(id).or_insert(now_ms);
        }
        let ask = if sells { Ask::Commit(part) } else { Ask::Release(Some(part)) };
        for _ in 0..TRIES {
            if self.ask(ask, demands, terms).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(self.dice.ms(50, 2_000))).await;
        }
    }

    async fn give_up(&self, demands: &[Demand], terms: &Terms) {
        let now_ms = self.installation.elapsed_ms();
        for part in ["a", "b"] {
            let id = (self.name.clone(), part.to_owned());
            let mut book = self.takers.book.lock();
            book.gave_up.entry(id.clone()).or_insert(now_ms);
            book.decided.entry(id).or_insert((HoldWord::Released, now_ms));
        }
        for _ in 0..TRIES {
            if self.ask(Ask::Release(None), demands, terms).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(self.dice.ms(10, 1_000))).await;
        }
    }

    /// Asks one process. True: it said yes, whatever it said.
    async fn ask(&self, ask: Ask<'_>, demands: &[Demand], terms: &Terms) -> bool {
        let running = self.installation.running(self.dice.place(self.installation.count())).await;
        let (app, name) = (&running.app, self.hold_name());
        let part = |name: &str| Some(Part::Seller(SellerId::from_stored(name)));
        let answer = async {
            match ask {
                Ask::Take => {
                    let content = Fingerprint([1; 32]);
                    app.take_hold(&name, content, demands.to_vec(), terms.clone()).await.map(|(hold, _)| Some(hold))
                }
                Ask::Commit(of) => app.commit_hold(&name, part(of)).await.map(Some),
                Ask::Release(of) => app.release_hold(&name, of.and_then(part)).await,
                Ask::Extend(of) => app.extend_hold(&name, part(of), 20_000).await.map(Some),
            }
        };
        let answer = tokio::select! {
            biased;
            answer = answer => answer,
            () = running.process.died() => return false,
        };
        match answer {
            Ok(Some(hold)) => {
                self.takers.told(&self.name, &hold);
                true
            }
            Ok(None) => {
                self.installation.history().saw(Seen::HoldGivenUp);
                self.takers.book.lock().never.push(self.name.clone());
                true
            }
            // A business no is an end as well; whatever else may be said again.
            Err(Error::Refused(_)) => !matches!(ask, Ask::Take),
            Err(Error::Busy { .. } | Error::OutcomeUnknown | Error::Fault(_)) => false,
        }
    }

    fn hold_name(&self) -> HoldName {
        let name = IdempotencyKey::try_new(&self.name).expect("the name is short and plain");
        HoldName { tenant: TENANT, client: ClientId::from_stored("erp"), name }
    }

    fn parts(&self) -> Vec<&'static str> {
        if self.dice.chance(500) { vec!["a", "b"] } else { vec!["a"] }
    }

    fn demands(&self, parts: &[&str]) -> Vec<Demand> {
        let wares = &self.installation.scenario().wares;
        let demand = |part: &&str| Demand {
            part: Part::Seller(SellerId::from_stored(*part)),
            account: self.dice.pick(wares).account(),
            quantity: Quantity::try_new(self.dice.between(1, 2)).expect("one or two units"),
            limit: None,
        };
        parts.iter().map(demand).collect()
    }
}
