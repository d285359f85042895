//! How PostgreSQL plans the lookups: by the index of the key, from the first row on and whatever it has counted; and how many
//! statements a connection keeps.

mod own_database;

use holdline_domain::id::{SkuCode, TenantId};
use holdline_domain::port::LedgerStore as _;
use holdline_store::engine::migration::{Database, LEDGER, ORDERS};
use holdline_store::engine::postgres::Postgres;
use holdline_store::engine::{Column, Engine, Lookup, Value};
use holdline_store::ledger::SqlLedger;
use own_database::{plain, with_database};
use tokio_postgres::Client;

async fn migrated(url: &str, database: &'static Database) -> Postgres {
    let engine = Postgres::connect(url, database.name).await.expect("the server can be reached");
    engine.migrate(database).await.expect("an empty database can be migrated");
    engine
}

/// The plan of the lookup that was sent last, as a session of the engine makes it for keys that it does not know.
async fn plan_of_last(engine: &Postgres, client: &Client) -> String {
    let last = "SELECT query FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE '%unnest($1%' AND pid <> pg_backend_pid()
        ORDER BY query_start DESC LIMIT 1";
    let statement: String = client.query_one(last, &[]).await.expect("a lookup was sent").get(0);
    // What a plan is made for that knows nothing of its keys: ten of them.
    let mut parts = statement.split('$');
    let first = parts.next().unwrap_or_default().to_owned();
    let explain = parts.fold(format!("EXPLAIN (COSTS OFF) {first}"), |sql, part| {
        let (parameter, rest) = part.split_once("[]").expect("every parameter is an array");
        let (_, of) = parameter.split_once("::").expect("and has a type");
        format!("{sql}array_fill(NULL::{of}, ARRAY[10]){rest}")
    });
    format!("{:?}", engine.query(explain.leak(), vec![]).await.expect("it can be explained"))
}

/// A session keeps the plan that it made while the tables were empty: an index that shares columns with the primary key
/// and is read instead of it would be walked for the whole tenant, the longer the more orders there are.
#[tokio::test]
async fn every_primary_key_is_found_by_its_own_index_even_while_the_tables_are_empty() {
    with_database(async |url| {
        let (mut tables, client) = (0, plain(&url).await);
        for database in [&LEDGER, &ORDERS] {
            let engine = migrated(&url, database).await;
            let keys = "SELECT c.conname::text, r.relname::text, a.attname::text, a.atttypid::regtype::text
                FROM pg_constraint c
                JOIN pg_class r ON r.oid = c.conrelid
                CROSS JOIN LATERAL unnest(c.conkey) WITH ORDINALITY AS k(attnum, place)
                JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum
                WHERE c.contype = 'p' AND c.connamespace = $1::text::regnamespace ORDER BY c.conname, k.place";
            let rows = client.query(keys, &[&database.name]).await.unwrap();
            for key in rows.chunk_by(|a, b| a.get::<_, String>(0) == b.get::<_, String>(0)) {
                let (index, table): (String, String) = (key[0].get(0), key[0].get(1));
                let table: &'static str = table.leak();
                let columns: Vec<&'static str> = key.iter().map(|column| &*column.get::<_, String>(2).leak()).collect();
                let values = key.iter().map(|column| match column.get::<_, String>(3).as_str() {
                    "bigint" => Column::Int(vec![1]),
                    "text" => Column::Text(vec![String::new()]),
                    "bytea" => Column::Bytes(vec![vec![]]),
                    other => panic!("a key of type {other}"),
                });
                let columns = columns.leak();
                let lookup = Lookup { table, columns, key: columns, keys: values.collect(), lock: false };
                engine.lookup(vec![lookup]).await.unwrap();
                let plan = plan_of_last(&engine, &client).await;
                assert!(plan.contains(&format!("using {index} on {table}")), "{table}: {plan}");
                tables += 1;
            }
        }
        assert!(tables >= 15, "{tables} tables were looked at");
    })
    .await;
}

/// Each buyer of a SKU with a quota has an account of it. A planner that has counted them takes a SKU's stock for a good
/// part of the table, and would compare every account with what is asked.
#[tokio::test]
async fn stock_is_found_by_its_key_however_many_quota_accounts_a_sku_has() {
    with_database(async |url| {
        let (client, engine) = (plain(&url).await, migrated(&url, &LEDGER).await);
        let fill = "INSERT INTO ledger.account SELECT n, 1, CASE n WHEN 1 THEN 0 ELSE 1 END, 'A', '', '', '',
            CASE n WHEN 1 THEN '' ELSE 'buyer-' || n END, 0, 0, 0, 1, 0, 0, 0, 0, NULL FROM generate_series(1, $1::bigint) AS n";
        for accounts in [100_i64, 20_000] {
            client.execute("DELETE FROM ledger.account", &[]).await.unwrap();
            assert_eq!(client.execute(fill, &[&accounts]).await.unwrap(), accounts.unsigned_abs());
            client.batch_execute("ANALYZE ledger.account").await.unwrap();
            let stock = SqlLedger::new(engine.clone()).stock(TenantId(1), &[SkuCode::from_stored("A")]).await.unwrap();
            assert_eq!(stock[0].len(), 1);
            let plan = plan_of_last(&engine, &client).await;
            assert!(plan.contains("Index Cond: ((tenant = k.c0) AND (sku = "), "of {accounts}: {plan}");
        }
    })
    .await;
}

/// Which writes come together differs from batch to batch, and each combination is a statement.
#[tokio::test]
async fn a_connection_keeps_a_bounded_number_of_statements_prepared() {
    with_database(async |url| {
        let engine = migrated(&url, &LEDGER).await;
        let (mut most, mut fell) = (0, false);
        for count in 1..=300 {
            let columns: &[&str] = vec!["id"; count].leak();
            let keys = vec![Column::Int(vec![1])];
            let head = Lookup { table: "ledger_head", columns, key: &["id"], keys, lock: false };
            let found = engine.lookup(vec![head]).await.unwrap();
            assert_eq!(found[0][0].0, vec![Value::Int(1); count]);
            let prepared = engine.query("SELECT count(*) FROM pg_prepared_statements", vec![]).await.unwrap();
            let Value::Int(kept) = prepared[0].0[0] else { panic!("a count is a number") };
            (most, fell) = (most.max(kept), fell || kept < most);
        }
        assert!((200..300).contains(&most) && fell, "{most} statements at most; forgotten: {fell}");
    })
    .await;
}
