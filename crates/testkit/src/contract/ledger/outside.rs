//! Holds of outside callers: what is kept beside them.

use holdline_domain::id::Fingerprint;
use holdline_domain::id::GroupKey;
use holdline_domain::ledger::{
    CheckUrl, Deadline, HoldId, LedgerAnswer, LedgerRequest, Outside, OutsideRequest, Part, Terms,
};

use super::super::sample::{TENANT, adjust, balance, demand, seller, send, stock};
use super::super::{Process, ok};

fn id(name: &str) -> HoldId {
    HoldId::first(GroupKey::from_stored(format!("{name}/erp/hold")))
}

fn ask(name: &str, request: OutsideRequest) -> LedgerRequest {
    LedgerRequest::Outside { tenant: TENANT, id: id(name), request }
}

fn take(name: &str, within_ms: i64, check_url: Option<&str>) -> LedgerRequest {
    let check_url = check_url.map(|url| CheckUrl::try_new(url).expect("a valid address"));
    let demands = vec![demand("s1", &stock("A"), 1), demand("s2", &stock("A"), 2)];
    ask(name, OutsideRequest::Take { content: Fingerprint([3; 32]), demands, terms: Terms { within_ms, check_url } })
}

fn part(name: &str) -> Part {
    Part::Seller(seller(name))
}

async fn deadlines(process: &Process, name: &str) -> Vec<(Part, Deadline)> {
    match ok(process.ledger.outside(TENANT, &id(name)).await) {
        Some(Outside::Taken { deadlines, .. }) => deadlines,
        other => panic!("the hold was not taken: {other:?}"),
    }
}

/// Terms come back on every process; each end takes its deadline away; an extension moves only what it names.
pub async fn an_outside_hold_keeps_its_terms_until_its_parts_end(first: Process, second: Process) {
    send(&first.ledger, &[adjust(&stock("A"), 9, "in")]).await;
    let answers = send(&first.ledger, &[take("h", 60_000, Some("https://erp.example/check"))]).await;
    let [LedgerAnswer::Held(taken)] = &answers[..] else { panic!("it can be held: {answers:?}") };
    for process in [&first, &second] {
        let Some(Outside::Taken { hold_no, check_url, deadlines }) = ok(process.ledger.outside(TENANT, &id("h")).await)
        else {
            panic!("it was taken")
        };
        assert_eq!(hold_no, taken.hold_no);
        assert_eq!(check_url.map(|url| url.as_str().to_owned()).as_deref(), Some("https://erp.example/check"));
        assert_eq!(deadlines.iter().map(|(part, _)| part.clone()).collect::<Vec<_>>(), [part("s1"), part("s2")]);
        assert!(deadlines.iter().all(|(_, d)| d.at == d.visit && d.visits == 0 && d.at.0 >= 60_000), "{deadlines:?}");
    }
    let before = deadlines(&second, "h").await;
    let extend = OutsideRequest::Extend { part: Some(part("s2")), within_ms: 600_000 };
    let commit = OutsideRequest::Commit { part: Some(part("s1")) };
    let answers = send(&second.ledger, &[ask("h", extend), ask("h", commit.clone()), ask("h", commit)]).await;
    assert_eq!(answers, [LedgerAnswer::Extended, LedgerAnswer::Committed, LedgerAnswer::AlreadyCommitted]);
    let [(left, deadline)] = &deadlines(&first, "h").await[..] else { panic!("one part is left") };
    assert!(*left == part("s2") && deadline.at.since_ms(before[1].1.at) >= 540_000, "{deadline:?}");
    assert_eq!(ok(first.ledger.due_deadlines(10).await).due, [], "nothing is due yet");
    assert_eq!(balance(&second.ledger, &stock("A")).await, (9, 2, 1));
}

/// What is due is listed once it is, with all that an asker needs, until somebody claims the look or ends the part.
pub async fn overdue_parts_are_listed_until_they_are_dealt_with(first: Process, second: Process) {
    send(&first.ledger, &[adjust(&stock("A"), 9, "in"), take("due", 0, Some("https://erp.example/check"))]).await;
    send(&first.ledger, &[take("later", 3_600_000, None)]).await;
    let due = ok(second.ledger.due_deadlines(10).await).due;
    let named: Vec<_> = due.iter().map(|due| (due.tenant, due.id.clone(), due.part.clone())).collect();
    assert_eq!(named.len(), 2, "{named:?}");
    assert!(due.iter().all(|due| due.id == id("due") && due.check_url.is_some()), "{due:?}");
    assert_eq!(ok(second.ledger.due_deadlines(1).await).due.len(), 1, "pages are bounded");
    let visit = ask("due", OutsideRequest::Visit { part: part("s1"), visits: 0, wait_ms: 3_600_000 });
    assert_eq!(send(&first.ledger, std::slice::from_ref(&visit)).await, [LedgerAnswer::Visited]);
    assert_eq!(send(&second.ledger, &[visit]).await, [LedgerAnswer::Overtaken]);
    let left = due.iter().find(|due| due.part == part("s2")).expect("both parts were due");
    let expire = ask("due", OutsideRequest::Expire { part: part("s2"), deadline: left.deadline.at });
    assert_eq!(send(&first.ledger, std::slice::from_ref(&expire)).await, [LedgerAnswer::Released]);
    assert_eq!(send(&second.ledger, &[expire]).await, [LedgerAnswer::Overtaken]);
    assert_eq!(ok(first.ledger.due_deadlines(10).await).due, []);
    let [(_, looked)] = &deadlines(&second, "due").await[..] else { panic!("one part is left") };
    assert_eq!(looked.visits, 1);
}

/// A hold that was given up is a tombstone for every process, and costs nothing on the accounts.
pub async fn a_given_up_hold_is_never_taken(first: Process, second: Process) {
    send(&first.ledger, &[adjust(&stock("A"), 9, "in")]).await;
    let give_up = ask("h", OutsideRequest::Release { part: None });
    assert_eq!(send(&first.ledger, std::slice::from_ref(&give_up)).await, [LedgerAnswer::Never]);
    assert_eq!(
        send(&second.ledger, &[take("h", 60_000, None), give_up]).await,
        [LedgerAnswer::Never, LedgerAnswer::Never]
    );
    assert_eq!(ok(second.ledger.outside(TENANT, &id("h")).await), Some(Outside::Never));
    assert_eq!(ok(second.ledger.outside(TENANT, &id("other")).await), None);
    assert_eq!(ok(second.ledger.hold(TENANT, &id("h")).await), None);
    assert_eq!(balance(&second.ledger, &stock("A")).await, (9, 0, 0));
}
