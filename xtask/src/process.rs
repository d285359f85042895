//! Running other programs: shown before they start, and a failure that says which one it was.

use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, bail};

/// Runs a program with its output shown; anything but status 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let ended = status(command)?;
    if !ended.success() {
        bail!("`{}` failed ({ended})", shown(command));
    }
    Ok(())
}

/// Runs a program with its output shown, and leaves the judgement of its status to the caller.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    println!("$ {}", shown(command));
    command.status().with_context(|| format!("cannot start `{}`", shown(command)))
}

/// Runs a program silently and answers its standard output; a failure carries what it wrote to standard error.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let ended = command.output().with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !ended.status.success() {
        let said = String::from_utf8_lossy(&ended.stderr);
        bail!("`{}` failed ({})\n{}", shown(command), ended.status, said.trim_end());
    }
    Ok(ended.stdout)
}

/// Whether the program can be run and ends with status 0; its output is discarded.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|ended| ended.status.success())
}

/// The command as a person would type it, without the folder of the program.
fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
    let mut words = vec![name];
    words.extend(command.get_args().map(|argument| hide_password(&argument.to_string_lossy())));
    words.join(" ")
}

/// A database address without its password.
fn hide_password(word: &str) -> String {
    let parts = word.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?)));
    match parts {
        Some((scheme, (user, place))) => {
            let user = user.split_once(':').map_or(user, |(name, _)| name);
            format!("{scheme}://{user}@{place}")
        }
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_a_command_without_folder_and_password() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["run", "--database-url", "postgres://shop:secret@127.0.0.1:5/db"]);
        assert_eq!(shown(&command), "cargo run --database-url postgres://shop@127.0.0.1:5/db");
    }

    #[test]
    fn a_failing_program_is_named_with_its_words() {
        let error = output(Command::new("sh").args(["-c", "echo broken >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("broken"), "{error}");
    }
}
