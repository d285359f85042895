//! The walls between the crates: `domain ← app ← gateway ← holdline`; adapters see `domain` and never each other;
//! `testkit` is for tests only.
//!
//! Decided from the manifests as cargo reads them. Only direct dependencies count: what they pull in is their affair,
//! except that no workspace crate can bring in another without passing through here itself.

use std::path::Path;

use serde_json::Value;

use super::Violation;

const RULE: &str = "dependency";

/// What one crate may see of the workspace.
struct Wall {
    name: &'static str,
    /// Workspace crates it may depend on.
    sees: &'static [&'static str],
    /// Further workspace crates its tests may depend on.
    tests_see: &'static [&'static str],
    /// Crates it must not depend on, by exact name or by a prefix that ends in `*`.
    refuses: &'static [&'static str],
}

const DOMAIN: &str = "holdline-domain";
const APP: &str = "holdline-app";
const STORE: &str = "holdline-store";
const REDIS: &str = "holdline-redis";
const AMQP: &str = "holdline-amqp";
const GATEWAY: &str = "holdline-gateway";
const OUTBOUND: &str = "holdline-outbound";
const LOAD: &str = "holdline-load";
const SANDBOX: &str = "holdline-sandbox";
const TESTKIT: &str = "holdline-testkit";
const BAD_DISK: &str = "holdline-bad-disk";

/// Drivers, servers, clients and sources of randomness. Reason: rules and use cases must run the same in a simulation.
const OUTSIDE_WORLD: &[&str] = &[
    "axum*",
    "deadpool*",
    "fastrand",
    "getrandom",
    "hyper*",
    "lapin*",
    "postgres*",
    "r2d2*",
    "rand*",
    "redis*",
    "reqwest*",
    "rusqlite*",
    "sqlx*",
    "tokio-postgres*",
    "tower*",
    "uuid",
];

/// As above, and the runtimes and clocks that `app` may use and `domain` may not.
const OUTSIDE_WORLD_AND_RUNTIMES: &[&str] = &[
    "async-std",
    "axum*",
    "chrono",
    "deadpool*",
    "fastrand",
    "futures-executor",
    "getrandom",
    "hyper*",
    "lapin*",
    "postgres*",
    "r2d2*",
    "rand*",
    "redis*",
    "reqwest*",
    "rusqlite*",
    "smol",
    "sqlx*",
    "time",
    "tokio*",
    "tower*",
    "uuid",
];

/// Every crate of the workspace. A crate that is not here is a violation: a new one must earn its place.
const WALLS: &[Wall] = &[
    Wall { name: DOMAIN, sees: &[], tests_see: &[TESTKIT], refuses: OUTSIDE_WORLD_AND_RUNTIMES },
    Wall { name: APP, sees: &[DOMAIN], tests_see: &[TESTKIT], refuses: OUTSIDE_WORLD },
    Wall { name: STORE, sees: &[DOMAIN], tests_see: &[TESTKIT], refuses: &[] },
    Wall { name: REDIS, sees: &[DOMAIN], tests_see: &[TESTKIT], refuses: &[] },
    Wall { name: AMQP, sees: &[DOMAIN], tests_see: &[TESTKIT], refuses: &[] },
    Wall { name: GATEWAY, sees: &[DOMAIN, APP], tests_see: &[TESTKIT], refuses: &[] },
    Wall { name: OUTBOUND, sees: &[DOMAIN], tests_see: &[], refuses: &[] },
    // Another party's server: it shares signatures and the guard with what it talks to, and no rule. Its tests are the
    // contract of the adapter that speaks to it.
    Wall { name: SANDBOX, sees: &[OUTBOUND], tests_see: &[DOMAIN], refuses: &[] },
    Wall { name: LOAD, sees: &[], tests_see: &[], refuses: &[] },
    Wall { name: BAD_DISK, sees: &[], tests_see: &[], refuses: &[] },
    Wall { name: TESTKIT, sees: &[DOMAIN, APP], tests_see: &[STORE, REDIS, AMQP], refuses: &[] },
    Wall {
        name: "holdline",
        sees: &[DOMAIN, APP, STORE, REDIS, AMQP, GATEWAY, OUTBOUND, SANDBOX, LOAD],
        tests_see: &[TESTKIT],
        refuses: &[],
    },
    Wall { name: "xtask", sees: &[], tests_see: &[], refuses: &[] },
];

/// The broken walls in the answer of `cargo metadata --no-deps`.
pub(super) fn check(metadata: &Value, root: &Path) -> Vec<Violation> {
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let names: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    packages.iter().flat_map(|package| check_package(package, &names, root)).collect()
}

fn check_package(package: &Value, workspace: &[&str], root: &Path) -> Vec<Violation> {
    let name = package["name"].as_str().unwrap_or_default();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
    let path = manifest.strip_prefix(root).unwrap_or(manifest).to_string_lossy().into_owned();
    let violation = |what_to_do| Violation { path: path.clone(), line: 1, rule: RULE, what_to_do };
    let Some(wall) = WALLS.iter().find(|wall| wall.name == name) else {
        let advice = format!("the crate {name} has no wall: say what it may see in xtask/src/tidy/dependencies.rs");
        return vec![violation(advice)];
    };
    let dependencies = package["dependencies"].as_array().map_or(&[][..], Vec::as_slice);
    let mut found = Vec::new();
    for dependency in dependencies {
        let other = dependency["name"].as_str().unwrap_or_default();
        let for_tests = dependency["kind"].as_str() == Some("dev");
        if workspace.contains(&other) {
            let seen = wall.sees.contains(&other) || (for_tests && wall.tests_see.contains(&other));
            if !seen {
                let whose = if for_tests { "tests of " } else { "" };
                found.push(violation(format!(
                    "{whose}{name} must not see {other}: go through a port, or move the code"
                )));
            }
        } else if !for_tests && wall.refuses.iter().any(|refused| names_crate(refused, other)) {
            found
                .push(violation(format!("{name} must not depend on {other}: it belongs behind a port, in an adapter")));
        }
    }
    found
}

/// Whether a pattern of [`Wall::refuses`] means this crate.
fn names_crate(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(family) => {
            name == family || name.starts_with(&format!("{family}-")) || name.starts_with(&format!("{family}_"))
        }
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A workspace of every known crate, in which one has the given dependency.
    fn broken(name: &str, other: &str, kind: Option<&str>) -> Vec<String> {
        let packages: Vec<Value> = WALLS
            .iter()
            .map(|wall| {
                let dependencies = if wall.name == name { json!([{"name": other, "kind": kind}]) } else { json!([]) };
                json!({"name": wall.name, "manifest_path": format!("/r/{}/Cargo.toml", wall.name), "dependencies": dependencies})
            })
            .collect();
        let found = check(&json!({ "packages": packages }), Path::new("/r"));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_arrows_of_the_design_are_accepted() {
        let accepted = [
            (APP, DOMAIN, None),
            (STORE, DOMAIN, None),
            (GATEWAY, APP, None),
            ("holdline", STORE, None),
            (SANDBOX, OUTBOUND, None),
            (SANDBOX, DOMAIN, Some("dev")),
            (STORE, TESTKIT, Some("dev")),
            (TESTKIT, STORE, Some("dev")),
            (APP, "tokio", None),
            (DOMAIN, "tokio", Some("dev")),
            (DOMAIN, "randomness-free", None),
        ];
        for (name, other, kind) in accepted {
            assert_eq!(broken(name, other, kind), [""; 0], "{name} → {other}");
        }
    }

    #[test]
    fn arrows_through_a_wall_are_refused() {
        let refused = [
            (DOMAIN, APP, None),
            (APP, STORE, None),
            (STORE, APP, None),
            (STORE, REDIS, None),
            (GATEWAY, STORE, None),
            (LOAD, DOMAIN, None),
            (SANDBOX, DOMAIN, None),
            (OUTBOUND, SANDBOX, Some("dev")),
            ("holdline", TESTKIT, None),
            (TESTKIT, STORE, None),
            (TESTKIT, GATEWAY, Some("dev")),
            ("xtask", DOMAIN, Some("build")),
            (DOMAIN, "tokio", None),
            (DOMAIN, "tokio-util", None),
            (DOMAIN, "rand_chacha", Some("build")),
            (APP, "rusqlite", None),
            (APP, "tokio-postgres", None),
        ];
        for (name, other, kind) in refused {
            assert_eq!(broken(name, other, kind).len(), 1, "{name} → {other}");
        }
    }

    #[test]
    fn a_violation_names_the_manifest_relative_to_the_root() {
        let found = broken(STORE, APP, None);
        assert!(
            found[0].starts_with("holdline-store/Cargo.toml:1: dependency: holdline-store must not see"),
            "{found:?}"
        );
    }

    #[test]
    fn a_crate_without_a_wall_is_refused() {
        let metadata = json!({"packages": [{"name": "holdline-types", "manifest_path": "/r/x", "dependencies": []}]});
        assert_eq!(check(&metadata, Path::new("/r")).len(), 1);
    }
}
