//! How PostgreSQL plans the lookups: by the index of the key, from the first row on.

mod own_database;

use holdline_store::engine::Engine;
use holdline_store::engine::migration::{LEDGER, ORDERS};
use holdline_store::engine::postgres::Postgres;
use own_database::{plain, with_database};

/// A session keeps the plan that it made while the tables were empty: an index that shares columns with the primary key
/// and is read instead of it would be walked for the whole tenant, the longer the more orders there are.
#[tokio::test]
async fn every_primary_key_is_found_by_its_own_index_even_while_the_tables_are_empty() {
    with_database(async |url| {
        let (mut tables, client) = (0, plain(&url).await);
        for database in [&LEDGER, &ORDERS] {
            let engine = Postgres::connect(&url, database.name).await.unwrap();
            engine.migrate(database).await.unwrap();
            let keys = "SELECT c.conname::text, c.conrelid::regclass::text, a.attname::text, a.atttypid::regtype::text
                FROM pg_constraint c
                CROSS JOIN LATERAL unnest(c.conkey) WITH ORDINALITY AS k(attnum, place)
                JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum
                WHERE c.contype = 'p' AND c.connamespace = $1::text::regnamespace ORDER BY c.conname, k.place";
            let rows = client.query(keys, &[&database.name]).await.unwrap();
            for key in rows.chunk_by(|a, b| a.get::<_, String>(0) == b.get::<_, String>(0)) {
                let (index, table): (String, String) = (key[0].get(0), key[0].get(1));
                let arrays = key.iter().map(|column| format!("NULL::{}[]", column.get::<_, String>(3)));
                let names: Vec<_> = (0..key.len()).map(|place| format!("c{place}")).collect();
                let equal = key.iter().zip(&names).map(|(column, name)| {
                    let column: String = column.get(2);
                    format!("t.{column} = k.{name}")
                });
                let (arrays, equal) = (arrays.collect::<Vec<_>>().join(", "), equal.collect::<Vec<_>>().join(" AND "));
                let names = names.join(", ");
                let explain = format!(
                    "EXPLAIN (COSTS OFF) SELECT t.* FROM unnest({arrays}) AS k({names}) JOIN {table} t ON {equal}"
                );
                let plan = format!("{:?}", engine.query(explain.leak(), vec![]).await.unwrap());
                assert!(plan.contains(&format!("using {index} on")), "{table}: {plan}");
                tables += 1;
            }
        }
        assert!(tables >= 15, "{tables} tables were looked at");
    })
    .await;
}
