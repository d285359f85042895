//! The PostgreSQL that the tests were given, and the URLs of databases in it.

/// The URL of a database in it that always exists.
pub(crate) fn server_url() -> String {
    std::env::var("HOLDLINE_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!(
            "HOLDLINE_TEST_POSTGRES is not set: run `cargo xtask test`, which starts a PostgreSQL of its own, or set \
             it to the URL of a PostgreSQL you own"
        )
    })
}

/// The URL of a database on the same server.
pub(crate) fn url_of(database: &str) -> String {
    let url = server_url();
    let (server, query) = url.split_once('?').map_or((url.as_str(), None), |(server, query)| (server, Some(query)));
    let host_at = server.find("://").map_or(0, |at| at + 3);
    let path_at = server[host_at..].find('/').map_or(server.len(), |at| host_at + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{database}{query}", &server[..path_at])
}
