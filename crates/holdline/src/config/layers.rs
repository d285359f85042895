//! The merge of settings: every value with the place that said it, judged when it is laid over the others.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use serde::Deserialize as _;
use toml::de::DeTable;
use toml::{Table, Value};

use super::Config;

/// The defaults and their documentation.
pub(super) const DEFAULTS: &str = include_str!("../../../../holdline.default.toml");

/// Settings whose value is never shown.
pub(super) const SECRETS: [&str; 2] = ["store.database_url", "holds.check_secret"];

/// Variables of ours have two underscores between section and key. Names with one are left alone: Kubernetes sets
/// `HOLDLINE_SERVICE_HOST` and the like for a service of that name.
const PREFIX: &str = "HOLDLINE_";
const SEPARATOR: &str = "__";

/// A short name for the setting that is changed most in a hurry.
const LOG_VARIABLE: &str = "HOLDLINE_LOG";

/// Who said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Default,
    File { path: PathBuf, line: usize },
    Variable(String),
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// Every setting as laid over so far.
pub(super) struct Layers {
    table: Table,
    /// By `section.key`; has every setting that exists.
    sources: BTreeMap<String, Source>,
}

impl Layers {
    /// The defaults alone.
    pub(super) fn defaults() -> Self {
        let table: Table = DEFAULTS.parse().expect("the defaults are compiled in and tested");
        let sections = table.iter().filter_map(|(section, keys)| Some((section, keys.as_table()?)));
        let names = sections.flat_map(|(section, keys)| keys.keys().map(move |key| format!("{section}.{key}")));
        let sources = names.map(|name| (name, Source::Default)).collect();
        Self { table, sources }
    }

    /// What is in force.
    pub(super) fn config(&self) -> anyhow::Result<Config> {
        Config::deserialize(self.table.clone()).context("settings")
    }

    /// A setting's value and who said it.
    pub(super) fn get(&self, key: &str) -> Option<(&Value, &Source)> {
        let (section, name) = key.split_once('.')?;
        Some((self.table.get(section)?.get(name)?, self.sources.get(key)?))
    }

    /// Lays a settings file over what there is.
    pub(super) fn add_file(&mut self, path: &Path, text: &str) -> anyhow::Result<()> {
        let source = |at: usize| {
            let line = 1 + text.get(..at).unwrap_or(text).matches('\n').count();
            Source::File { path: path.to_owned(), line }
        };
        let document = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            anyhow!("{}: {}", source(at), error.message().replace('\n', ", "))
        })?;
        for (section, keys) in document.get_ref() {
            let said = source(section.span().start);
            let Some(keys) = keys.get_ref().as_table() else {
                bail!("{said}: {} stands outside of a section such as [server]", section.get_ref());
            };
            for (key, value) in keys {
                let name = format!("{}.{}", section.get_ref(), key.get_ref());
                let said = source(key.span().start);
                let value = text[value.span()].parse().map_err(|_| anyhow!("{said}: {name} is not a plain value"))?;
                self.add(&name, value, said)?;
            }
        }
        Ok(())
    }

    /// Lays the environment over what there is: `HOLDLINE_<SECTION>__<KEY>`.
    pub(super) fn add_environment(
        &mut self,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> anyhow::Result<()> {
        let ours = variables.filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            let rest = name.strip_prefix(PREFIX)?;
            let key = if name == LOG_VARIABLE {
                "log.level".to_owned()
            } else {
                let (section, key) = rest.split_once(SEPARATOR)?;
                format!("{section}.{key}").to_lowercase()
            };
            Some((name, key, value))
        });
        // In the order of their names, so that the same environment always gives the same error.
        let ours: BTreeMap<_, _> = ours.map(|(name, key, value)| (name, (key, value))).collect();
        for (name, (key, value)) in ours {
            let value = value.into_string().map_err(|_| anyhow!("environment variable {name} is not UTF-8"))?;
            self.add_text(&key, &value, Source::Variable(name))?;
        }
        Ok(())
    }

    /// Lays one flag over what there is.
    pub(super) fn add_flag(&mut self, key: &str, value: &str, flag: &str) -> anyhow::Result<()> {
        self.add_text(key, value, Source::Flag(flag.to_owned()))
    }

    /// A value without TOML's quotes: what it means follows from the setting's default.
    fn add_text(&mut self, key: &str, text: &str, source: Source) -> anyhow::Result<()> {
        let value = match self.get(key) {
            // Texts as they are; what is not a number either is judged as the wrong type that it is.
            Some((Value::Integer(_), _)) => {
                text.parse().map_or_else(|_| Value::String(text.to_owned()), Value::Integer)
            }
            _ => Value::String(text.to_owned()),
        };
        self.add(key, value, source)
    }

    fn add(&mut self, key: &str, value: Value, source: Source) -> anyhow::Result<()> {
        let known = self.sources.get_mut(key);
        let Some((slot, (section, name))) = known.zip(key.split_once('.')) else {
            bail!("{source}: there is no setting {key}; `holdline config` lists them all");
        };
        let said = source.to_string();
        *slot = source;
        let shown = if SECRETS.contains(&key) { "(hidden)".to_owned() } else { value.to_string() };
        self.table[section][name] = value;
        // Everything below has been judged before, so what is wrong now is this value.
        if let Err(error) = Config::deserialize(self.table.clone()) {
            bail!("{said}: {key} = {shown}: {}", error.message().replace('\n', ", "));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str, value: &str) -> impl Iterator<Item = (OsString, OsString)> {
        std::iter::once((name.into(), value.into()))
    }

    fn error(of: anyhow::Result<()>) -> String {
        of.expect_err("it is wrong").to_string()
    }

    #[test]
    fn the_later_layer_wins_and_is_named() {
        let mut layers = Layers::defaults();
        layers.add_file(Path::new("a.toml"), "[jobs]\n\ntick = \"1s\"\n").unwrap();
        assert_eq!(layers.get("jobs.tick").unwrap().1.to_string(), "a.toml:3");
        layers.add_environment(environment("HOLDLINE_JOBS__TICK", "2s")).unwrap();
        layers.add_flag("jobs.expire_per_second_max", "7", "--set").unwrap();
        let config = layers.config().unwrap();
        assert_eq!((config.jobs.tick.as_i64(), config.jobs.expire_per_second_max.get()), (2_000, 7));
        layers.add_flag("jobs.tick", "3s", "--set").unwrap();
        assert_eq!(layers.config().unwrap().jobs.tick.as_i64(), 3_000);
    }

    #[test]
    fn unknown_settings_are_errors_wherever_they_come_from() {
        let mut layers = Layers::defaults();
        let unknown = layers.add_file(Path::new("a.toml"), "[server]\nlisten = \"127.0.0.1:1\"\nport = 1\n");
        assert_eq!(error(unknown), "a.toml:3: there is no setting server.port; `holdline config` lists them all");
        assert!(error(layers.add_file(Path::new("a.toml"), "listen = 1")).contains("outside of a section"));
        assert!(error(layers.add_file(Path::new("a.toml"), "[jobs.tick]\nx = 1")).starts_with("a.toml:1: jobs.tick"));
        let unknown = layers.add_environment(environment("HOLDLINE_SERVER__PORT", "1"));
        assert!(error(unknown).starts_with("environment variable HOLDLINE_SERVER__PORT: there is no setting"));
        assert!(error(layers.add_flag("port", "1", "--set")).starts_with("flag --set: there is no setting port"));
        layers.add_environment(environment("HOLDLINE_SERVICE_HOST", "10.0.0.1")).unwrap();
    }

    #[test]
    fn wrong_values_are_errors_that_show_the_value_unless_it_is_secret() {
        let mut layers = Layers::defaults();
        let wrong = error(layers.add_file(Path::new("a.toml"), "[jobs]\ntick = 5"));
        assert!(wrong.starts_with("a.toml:2: jobs.tick = 5: 5 has no unit"), "{wrong}");
        let mut layers = Layers::defaults();
        let wrong = error(layers.add_environment(environment("HOLDLINE_BATCH__REQUESTS_MAX", "many")));
        assert!(wrong.contains("batch.requests_max = \"many\""), "{wrong}");
        let mut layers = Layers::defaults();
        let wrong = error(layers.add_file(Path::new("a.toml"), "[store]\ndatabase_url = [\"pass\"]"));
        assert!(wrong.contains("(hidden)") && !wrong.contains("\"pass\""), "{wrong}");
    }

    #[test]
    fn a_file_that_is_not_toml_is_named_with_its_line() {
        let wrong = error(Layers::defaults().add_file(Path::new("a.toml"), "[jobs]\ntick = \n"));
        assert!(wrong.starts_with("a.toml:2: "), "{wrong}");
    }

    proptest::proptest! {
        /// Whatever a file, a variable or a flag says is taken or refused with words.
        #[test]
        fn any_text_is_taken_or_refused(
            key in "(server|jobs|batch|order_number|holds)\\.(listen|tick|size_max|utc_offset|check_secret|é)",
            value in "[-+]?[0-9]{0,25}(ms|s|m|h|d|B|KiB|GiB|:[0-9]{0,3}|é)?|.{0,12}",
            file in "(\\[(server|jobs)\\]\n)?(tick|listen)? ?=? ?.{0,20}",
        ) {
            let mut layers = Layers::defaults();
            let _ = layers.add_flag(&key, &value, "--set");
            let _ = layers.add_file(Path::new("holdline.toml"), &file);
            let _ = layers.config();
        }
    }
}
