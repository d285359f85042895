//! Settings through the real binary: where they come from, and what is said of wrong ones.

mod process;

use anyhow::Result;
use process::Place;

#[test]
fn prints_every_setting_with_its_source_and_no_secret() -> Result<()> {
    let place = Place::new()?;
    place.write("holdline.toml", "[jobs]\ntick = \"250ms\"\n")?;
    let url = "postgres://u:hunter2@db/orders";
    let environment = [("HOLDLINE_STORE__DATABASE_URL", url), ("HOLDLINE_LOG", "debug")];
    let shown = place.run_with(&["config", "--set", "placing.answer_within=7s"], &environment)?;
    assert_eq!(shown.status, Some(0), "{}", shown.stderr);
    let has = |line: &str| assert!(shown.stdout.lines().any(|shown| shown == line), "{line}\n{}", shown.stdout);
    has("listen = \"127.0.0.1:7070\"  # default");
    has("tick = \"250ms\"  # from holdline.toml:2; default \"100ms\"");
    has("answer_within = \"7s\"  # from flag --set; default \"5s\"");
    has("level = \"debug\"  # from environment variable HOLDLINE_LOG; default \"info\"");
    assert!(!shown.stdout.contains("hunter2") && shown.stdout.contains("(hidden)"));
    Ok(())
}

#[test]
fn later_sources_win() -> Result<()> {
    let place = Place::new()?;
    place.write("other.toml", "[server]\nlisten = \"127.0.0.1:1\"\nworker_threads = 3\n[jobs]\ntick = \"1s\"\n")?;
    let environment = [("HOLDLINE_SERVER__LISTEN", "127.0.0.1:2"), ("HOLDLINE_JOBS__TICK", "2s")];
    let arguments = ["config", "--config", "other.toml", "--set", "server.listen=127.0.0.1:3"];
    let shown = place.run_with(&arguments, &environment)?.stdout;
    assert!(shown.contains("listen = \"127.0.0.1:3\"  # from flag --set"), "{shown}");
    assert!(shown.contains("tick = \"2s\"  # from environment variable HOLDLINE_JOBS__TICK"), "{shown}");
    assert!(shown.contains("worker_threads = 3  # from other.toml:3; default 0"), "{shown}");
    Ok(())
}

/// Every mistake is one sentence with status 2 that names the setting and where it was said.
#[test]
fn wrong_settings_are_one_sentence_with_their_place() -> Result<()> {
    let place = Place::new()?;
    place.write("bad.toml", "[server]\nlisten = \"127.0.0.1:0\"\nport = 80\n")?;
    place.write("unit.toml", "\n[jobs]\ntick = 100\n")?;
    place.write("syntax.toml", "[server\n")?;
    let none = ("HOLDLINE_LOG", "info");
    let unknown = ("HOLDLINE_SERVER__PORT", "80");
    let cases = [
        ("--config bad.toml", none, "bad.toml:3: there is no setting server.port"),
        ("--config unit.toml", none, "unit.toml:3: jobs.tick = 100: 100 has no unit"),
        ("--config syntax.toml", none, "syntax.toml:1: "),
        ("--config absent.toml", none, "cannot read the settings file absent.toml"),
        ("--set server.port=80", none, "flag --set: there is no setting server.port"),
        ("--set server.port", none, "--set server.port: must have the form"),
        ("--listen nowhere", none, "flag --listen: server.listen = \"nowhere\""),
        ("--store postgres", none, "store.database_url is not set"),
        ("", unknown, "environment variable HOLDLINE_SERVER__PORT: there is no setting"),
    ];
    for (flags, environment, said) in cases {
        let arguments: Vec<&str> = std::iter::once("serve").chain(flags.split_whitespace()).collect();
        let ended = place.run_with(&arguments, &[environment])?;
        assert_eq!(ended.status, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("holdline: ") && ended.stderr.contains(said), "{said}\n{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
    assert!(!place.data().exists(), "a wrong setting touches nothing");
    Ok(())
}

#[test]
fn help_tells_a_newcomer_every_command() -> Result<()> {
    let help = Place::new()?.done(&["--help"])?;
    for command in ["serve", "demo", "bench", "audit", "import", "key", "config"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command}\n{help}");
    }
    assert!(help.contains("Examples:") && !help.contains("crash  "), "{help}");
    Ok(())
}
