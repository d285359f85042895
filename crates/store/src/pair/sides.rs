//! The rule of pairs: what two databases say of each other, and whether they may serve together.

use holdline_domain::fault::{Fault, FaultKind};

use crate::engine::migration::{LEDGER, ORDERS, SchemaVersion};

/// What a database says of itself and of the other one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Its own next sequence number: of movements, or of the feed.
    pub next_seq: i64,
    /// The pair that it belongs to; empty before the first opening of both.
    pub pair_id: String,
    /// The other one's next sequence number, when it was last looked at.
    pub other_seq: i64,
    /// The backup that it is a copy from and still to be restored; empty for a database in use.
    pub backup_id: String,
}

/// Both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// The ledger.
    pub ledger: Side,
    /// The orders.
    pub orders: Side,
}

impl Sides {
    /// Whether the two may serve together. `Ok(None)`: both are new to each other and need an id.
    pub fn judge(&self) -> Result<Option<&str>, Fault> {
        for (name, side) in [(LEDGER.name, &self.ledger), (ORDERS.name, &self.orders)] {
            if !side.backup_id.is_empty() {
                return Err(unpaired(format!(
                    "the {name} database is waiting to be restored (backup {}): finish with `holdline restore`",
                    side.backup_id
                )));
            }
        }
        self.check_ages()?;
        match (self.ledger.pair_id.as_str(), self.orders.pair_id.as_str()) {
            ("", "") => Ok(None),
            // Whoever pairs them tells the ledger first.
            (known, "") => Ok(Some(known)),
            (ledger, orders) if ledger == orders => Ok(Some(ledger)),
            (ledger, orders) => Err(unpaired(format!(
                "the ledger and the orders database do not belong together (pair {ledger:?} and pair {orders:?}): one \
                 of them was replaced alone; bring back both of one backup with `holdline restore`"
            ))),
        }
    }

    /// Whether each is at least as new as the other one has seen it.
    pub fn check_ages(&self) -> Result<(), Fault> {
        let older = |name: &str, other: &str, seq: i64, seen: i64| {
            unpaired(format!(
                "the {name} database is older than the {other} database beside it: it ends before {seq}, and has been \
                 seen at {seen}; bring back both of one backup with `holdline restore`"
            ))
        };
        let (ledger, orders) = (&self.ledger, &self.orders);
        if ledger.next_seq < orders.other_seq {
            return Err(older(LEDGER.name, ORDERS.name, ledger.next_seq, orders.other_seq));
        }
        if orders.next_seq < ledger.other_seq {
            return Err(older(ORDERS.name, LEDGER.name, orders.next_seq, ledger.other_seq));
        }
        Ok(())
    }
}

/// Both databases at one instant between two batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Their pair, and where each was.
    pub sides: Sides,
    /// The feed's epoch.
    pub feed_epoch: i64,
    /// The newest hold's number, 0 if there is none.
    pub newest_hold_no: i64,
    /// The ledger's schema.
    pub ledger_schema: SchemaVersion,
    /// The orders' schema.
    pub orders_schema: SchemaVersion,
}

fn unpaired(message: String) -> Fault {
    Fault::not_done("data", FaultKind::Schema, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(pair_id: &str, next_seq: i64, other_seq: i64) -> Side {
        Side { next_seq, pair_id: pair_id.to_owned(), other_seq, backup_id: String::new() }
    }

    fn judged(ledger: Side, orders: Side) -> Result<Option<String>, String> {
        let sides = Sides { ledger, orders };
        sides.judge().map(|id| id.map(str::to_owned)).map_err(|fault| fault.message)
    }

    #[test]
    fn a_pair_whose_heads_are_where_they_were_seen_or_beyond_may_serve() {
        assert_eq!(judged(side("p", 10, 5), side("p", 5, 7)), Ok(Some("p".to_owned())));
        assert_eq!(judged(side("", 10, 0), side("", 5, 0)), Ok(None));
        assert_eq!(judged(side("p", 10, 5), side("", 5, 0)), Ok(Some("p".to_owned())));
    }

    #[test]
    fn an_older_file_beside_a_newer_one_is_refused_both_ways() {
        let said = judged(side("p", 10, 5), side("p", 50, 70)).unwrap_err();
        assert!(said.starts_with("the ledger database is older than the orders database"), "{said}");
        let said = judged(side("p", 100, 60), side("p", 50, 70)).unwrap_err();
        assert!(said.starts_with("the orders database is older than the ledger database"), "{said}");
    }

    #[test]
    fn files_of_two_pairs_are_refused() {
        for (ledger, orders) in [("p", "q"), ("", "q")] {
            let said = judged(side(ledger, 10, 0), side(orders, 10, 0)).unwrap_err();
            assert!(said.contains("do not belong together"), "{said}");
        }
    }

    #[test]
    fn a_copy_of_a_backup_is_refused_until_it_is_restored() {
        let copy = Side { backup_id: "b".to_owned(), ..side("p", 10, 5) };
        assert!(judged(copy.clone(), side("p", 5, 10)).unwrap_err().contains("holdline restore"));
        assert!(judged(side("p", 5, 10), copy).unwrap_err().contains("holdline restore"));
    }
}
