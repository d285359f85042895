//! API keys through the real binary: made, listed, and revoked beside a running server.

mod process;

use std::time::Duration;

use anyhow::Result;
use process::Place;
use sha2::{Digest as _, Sha256};

#[test]
fn a_key_revoked_beside_the_server_is_refused_within_5_s() -> Result<()> {
    let place = Place::new()?;
    let (first, secret) = place.key(&["shop"])?;
    let served = place.serve(&[])?;
    let status = |secret: &str| Ok::<_, anyhow::Error>(served.call(secret, "GET", "/v1/stock?sku=a", None)?.0);
    assert_eq!(status(&secret)?, 200);

    // Made while the server runs: it is accepted without a restart.
    let (_, newer) = place.key(&["shop"])?;
    process::wait_until(Duration::from_secs(5), || Ok(status(&newer)? == 200))?;

    place.done(&["key", "revoke", &first, "--tenant", "mall"])?;
    process::wait_until(Duration::from_secs(5), || Ok(status(&secret)? == 401))?;
    assert_eq!(status(&newer)?, 200);
    Ok(())
}

#[test]
fn only_the_hash_of_a_secret_is_stored() -> Result<()> {
    let place = Place::new()?;
    let (key_id, secret) = place.key(&["shop", "admin"])?;
    assert!(secret.starts_with("hl_") && secret.len() == 3 + 64, "{secret}");
    let orders = rusqlite::Connection::open(place.data().join("orders.sqlite"))?;
    let stored: Vec<u8> =
        orders.query_row("SELECT secret_sha256 FROM api_key WHERE key_id = ?1", [&key_id], |row| row.get(0))?;
    assert_eq!(stored, Sha256::digest(secret.as_bytes()).as_slice());
    let listed = place.done(&["key", "list"])?;
    assert!(listed.contains(&key_id) && listed.contains("shop,admin") && !listed.contains(&secret), "{listed}");
    Ok(())
}

/// The first key makes the store and owns it meanwhile, the later ones are written without owning it: all read the same.
#[test]
fn keys_made_beside_the_store_are_stored_alike() -> Result<()> {
    let place = Place::new()?;
    place.key(&["shop", "price"])?;
    place.key(&["shop", "price"])?;
    let tenant = ["--tenant", "bazaar", "--client", "erp", "--scope", "merchant", "--seller", "tea house"];
    let policies = ["--price-source", "caller", "--pay-within", "30m", "--commit-on", "order-created"];
    let words = [&["key", "create"], &tenant[..], &policies[..], &["--business-code", "42"]].concat();
    place.done(&words)?;
    let orders = rusqlite::Connection::open(place.data().join("orders.sqlite"))?;
    let mut statement = orders.prepare("SELECT scopes, sellers, client FROM api_key WHERE tenant = 1")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let rows: Vec<(String, String, String)> = rows.collect::<Result<_, _>>()?;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0], rows[1]);
    let sql = "SELECT price_source, commit_on, pay_within_ms, business_code FROM tenant WHERE name = 'bazaar'";
    let policies = orders.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    assert_eq!(policies, ("caller".to_owned(), "order_created".to_owned(), 1_800_000_i64, 42_i64));
    // The store reads what was written beside it.
    place.serve(&[])?;
    Ok(())
}

#[test]
fn what_does_not_fit_is_one_sentence() -> Result<()> {
    let place = Place::new()?;
    let mistyped = place.run(&["key", "list", "--data", "holdlin-data"])?;
    assert_eq!(mistyped.status, Some(2));
    assert!(mistyped.stderr.contains("there is no store in holdlin-data"), "{}", mistyped.stderr);
    place.key(&["shop"])?;
    let create = ["key", "create", "--tenant", "mall", "--client", "app"];
    let cases: [(&[&str], &str); 4] = [
        (&["--scope", "merchant"], "needs the sellers"),
        (&["--scope", "shop", "--seller", "s"], "only with scope merchant"),
        (&["--scope", "shop", "--price-source", "caller"], "its price source is not the one given"),
        (&["--scope", "shop", "--business-code", "12345"], "at most four digits"),
    ];
    for (words, said) in cases {
        let ended = place.run(&[&create, words].concat())?;
        assert_eq!(ended.status, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{said}\n{}", ended.stderr);
    }
    let unknown = place.run(&["key", "revoke", "key_0", "--tenant", "mall"])?;
    assert_eq!(unknown.status, Some(2));
    assert!(unknown.stderr.contains("has no key key_0"), "{}", unknown.stderr);
    Ok(())
}
