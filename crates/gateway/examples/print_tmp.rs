//! Temporary.
fn main() { print!("{}\n=====\n{}", holdline_gateway::openapi_json(), holdline_gateway::errors_md()); }
