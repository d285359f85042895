//! What a program writes: all of it or nothing, in its order, and every update finds its rows.

use super::*;

#[tokio::test]
async fn writes_of_every_kind_happen_together_in_their_order() {
    with_database(async |url| {
        let engine = opened(&url).await;
        run(&engine, vec![], vec![insert(&["a", "b", "c"], false)]).await.unwrap();
        let update = Write::Update {
            table: "thing",
            key: &["tenant", "name"],
            set: &["note"],
            add: &["amount"],
            values: vec![
                ints(&[7, 7]),
                texts(&["a", "b"]),
                Column::OptText(vec![Some("x".into()), None]),
                ints(&[5, -20]),
            ],
        };
        let delete = Write::Delete {
            table: "thing",
            key: &["tenant", "name"],
            values: vec![ints(&[7, 7]), texts(&["c", "never there"])],
        };
        run(&engine, vec![head()], vec![update, delete, insert(&[], false), insert(&["c", "d"], true)]).await.unwrap();
        let rows = engine
            .query(
                "SELECT name, amount, note FROM thing WHERE tenant = $1 AND name < $2 ORDER BY name",
                vec![Value::Int(7), text("d")],
            )
            .await
            .unwrap();
        let row = |name, amount, note| Row(vec![text(name), Value::Int(amount), note]);
        assert_eq!(rows, [row("a", 15, text("x")), row("b", -10, Value::Null), row("c", 10, Value::Null)]);
    })
    .await;
}

#[tokio::test]
async fn a_taken_key_is_a_conflict_that_wrote_nothing_unless_it_is_to_be_ignored() {
    with_database(async |url| {
        let engine = opened(&url).await;
        run(&engine, vec![], vec![insert(&["b"], false)]).await.unwrap();
        let taken = run(&engine, vec![head()], vec![insert(&["a"], false), insert(&["b"], false)]).await;
        assert_fault(taken, FaultKind::Conflict, Outcome::NotDone);
        assert_eq!(names(&engine).await, [text("b")]);
        run(&engine, vec![head()], vec![insert(&["a", "b", "c"], true)]).await.unwrap();
        assert_eq!(names(&engine).await, [text("a"), text("b"), text("c")]);
    })
    .await;
}

#[tokio::test]
async fn an_update_of_a_row_that_does_not_exist_is_a_conflict_that_wrote_nothing() {
    with_database(async |url| {
        let engine = opened(&url).await;
        let update = Write::Update {
            table: "thing",
            key: &["tenant", "name"],
            set: &["note"],
            add: &[],
            values: vec![ints(&[7, 7]), texts(&["a", "b"]), texts(&["x", "y"])],
        };
        let result = run(&engine, vec![head()], vec![insert(&["a"], false), update]).await;
        assert_fault(result, FaultKind::Conflict, Outcome::NotDone);
        assert_eq!(names(&engine).await, []);
    })
    .await;
}

#[tokio::test]
async fn writes_to_several_tables_happen_all_or_not_and_each_update_is_counted() {
    with_database(async |url| {
        let engine = opened(&url).await;
        let next = |id: &[i64], next: &[i64]| Write::Update {
            table: "head",
            key: &["id"],
            set: &["next"],
            add: &[],
            values: vec![ints(id), ints(next)],
        };
        let add = |names: &[&str], amounts: &[i64]| Write::Update {
            table: "thing",
            key: &["tenant", "name"],
            set: &[],
            add: &["amount"],
            values: vec![ints(&vec![7; names.len()]), texts(names), ints(amounts)],
        };
        // What was inserted is there for the update after it, and for the one after that.
        let writes = vec![insert(&["a", "b"], false), next(&[1], &[5]), add(&["a"], &[1]), add(&["a", "b"], &[10, 20])];
        run(&engine, vec![head()], writes).await.unwrap();
        let rows = engine.query("SELECT name, amount, next FROM thing, head ORDER BY name", vec![]).await.unwrap();
        let row = |name, amount, next| Row(vec![text(name), Value::Int(amount), Value::Int(next)]);
        assert_eq!(rows, [row("a", 21, 5), row("b", 30, 5)]);

        for missing in [
            vec![add(&["a"], &[1]), next(&[2], &[6])],
            vec![next(&[1], &[6]), add(&["a", "c"], &[1, 1])],
            vec![next(&[1], &[6]), add(&["a"], &[1]), add(&["c"], &[1])],
        ] {
            assert_fault(run(&engine, vec![head()], missing).await, FaultKind::Conflict, Outcome::NotDone);
        }
        let same = engine.query("SELECT name, amount, next FROM thing, head ORDER BY name", vec![]).await.unwrap();
        assert_eq!(same, rows);
    })
    .await;
}
