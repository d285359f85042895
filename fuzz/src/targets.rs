//! Every fuzz target by its name. Two programs read this file: the fuzzers of this folder, which are guided by coverage, and
//! a test of `crates/holdline`, which runs every target on its seeds and on random bytes wherever `cargo test` runs.

/// A parser of bytes from outside.
pub(crate) struct Target {
    /// Its name: `cargo xtask fuzz --target NAME`, and the folder of its seeds.
    pub(crate) name: &'static str,
    /// Panics if it finds a defect.
    pub(crate) check: fn(&[u8]),
}

/// All of them.
pub(crate) const TARGETS: &[Target] = &[
    Target { name: "submit", check: holdline_gateway::fuzz::submit },
    Target { name: "hold", check: holdline_gateway::fuzz::hold },
    Target { name: "catalog", check: holdline_gateway::fuzz::catalog },
    Target { name: "stock", check: holdline_gateway::fuzz::stock },
    Target { name: "query", check: holdline_gateway::fuzz::query },
    Target { name: "idempotency_key", check: holdline_gateway::fuzz::idempotency_key },
    Target { name: "order_no", check: holdline_gateway::fuzz::order_no },
    Target { name: "api_key", check: holdline_gateway::fuzz::api_key },
    Target { name: "check_url", check: holdline_outbound::fuzz::check_url },
    Target { name: "signing_key", check: holdline_outbound::fuzz::signing_key },
    Target { name: "payment_callback", check: holdline_outbound::fuzz::payment_callback },
    Target { name: "http_response", check: holdline_load::http::fuzz::response },
];
