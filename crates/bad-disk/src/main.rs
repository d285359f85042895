//! `bad-disk`: runs a command beside a bad disk, and is the switch of that disk while the command runs.
//!
//! `bad-disk run --folder DIR -- COMMAND` makes the disk, mounts it at `DIR/volume`, runs the command, and takes everything
//! away again. The command, or anybody, calls `bad-disk --folder DIR WORD` meanwhile; `BAD_DISK` in the environment of the
//! command names the folder, so that `bad-disk WORD` is enough there.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};
use holdline_bad_disk::volume::{Volume, missing};
use holdline_bad_disk::{device, proof};
use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

/// The variable that names the folder to the command.
const FOLDER_VARIABLE: &str = "BAD_DISK";
/// Status when the machine cannot have such a disk.
const STATUS_MISSING: u8 = 3;

/// A disk for tests that loses what was not flushed, fills up, fails, or lies.
#[derive(Parser)]
#[command(name = "bad-disk")]
struct Arguments {
    /// Where the disk and its volume are.
    #[arg(long, env = FOLDER_VARIABLE, global = true)]
    folder: Option<PathBuf>,
    #[command(subcommand)]
    word: Word,
}

#[derive(Subcommand)]
enum Word {
    /// Says what the machine lacks, with status 3 when it lacks something.
    Check,
    /// Makes the disk, runs a command, takes the disk away.
    Run {
        /// Its size.
        #[arg(long, default_value_t = 2_048)]
        size_mib: u64,
        /// The command and its arguments, after `--`; `{volume}` in an argument becomes the place of the volume.
        #[arg(required = true, last = true)]
        command: Vec<String>,
    },
    /// Cuts the power: everything fails until `on`.
    Off,
    /// Loses what was not flushed, or with a seed a part of it, and mounts again.
    On {
        /// Chooses what is kept.
        seed: Option<u64>,
    },
    /// Flushes wait from now on.
    Hold,
    /// Lets the oldest waiting flush end.
    Pass,
    /// Flushes wait no more.
    Release,
    /// The next flush fails.
    Fail,
    /// Flushes are answered and not done, until the power is cut.
    Lie,
    /// Takes all room of the volume.
    Fill,
    /// Gives it back.
    Free,
    /// Tells how things stand.
    Told,
    /// Shows that the disk is as bad as it says.
    Prove,
}

fn main() -> ExitCode {
    match perform(Arguments::parse()) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("bad-disk: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(arguments: Arguments) -> Result<ExitCode> {
    if matches!(arguments.word, Word::Check) {
        let missing = missing();
        println!("{}", missing.join("; "));
        return Ok(if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(STATUS_MISSING) });
    }
    let volume = Volume::new(arguments.folder.context("--folder or BAD_DISK must name the folder of the disk")?);
    match arguments.word {
        Word::Check => {}
        Word::Run { size_mib, command } => return run(&volume, size_mib, &command),
        Word::Off => volume.tell("off")?,
        Word::On { seed } => volume.switch_on(seed)?,
        Word::Hold => volume.tell("hold")?,
        Word::Pass => volume.tell("pass")?,
        Word::Release => volume.tell("release")?,
        Word::Fail => volume.tell("fail")?,
        Word::Lie => volume.tell("lie")?,
        Word::Fill => volume.fill()?,
        Word::Free => volume.free()?,
        Word::Told => println!("{}", volume.told()?),
        Word::Prove => {
            proof::prove(&volume)?;
            println!("the disk keeps what was flushed and nothing else; it lies, fails and fills up when told to");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn run(volume: &Volume, size_mib: u64, command: &[String]) -> Result<ExitCode> {
    let missing = missing();
    if !missing.is_empty() {
        bail!("this machine lacks {}", missing.join("; "));
    }
    volume.prepare()?;
    let session = device::mount(&volume.device_folder(), size_mib << 20).context("cannot mount the disk by FUSE")?;
    let ended = volume.format().and_then(|()| volume.mount()).and_then(|()| beside(volume, command));
    // A command that failed may have left the volume in use, or switched off.
    volume.switch_off();
    drop(session);
    std::fs::remove_dir_all(volume.folder()).context("cannot remove the folder of the disk")?;
    ended
}

/// Runs the command to its end. Ctrl-C reaches it as well, SIGTERM is handed on: the disk goes after it in any case.
fn beside(volume: &Volume, command: &[String]) -> Result<ExitCode> {
    let place = volume.mount_point().display().to_string();
    let words: Vec<String> = command.iter().map(|word| word.replace("{volume}", &place)).collect();
    let (program, words) = words.split_first().context("a command is required after `--`")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut child = tokio::process::Command::new(program);
        child.args(words).env(FOLDER_VARIABLE, volume.folder());
        let mut child = child.spawn().with_context(|| format!("cannot start {program}"))?;
        let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        loop {
            tokio::select! {
                ended = child.wait() => {
                    let ended = ended?;
                    let code = ended.code().and_then(|code| u8::try_from(code).ok());
                    return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
                }
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {
                    if let Some(pid) = pid {
                        kill_process(pid, Signal::TERM)?;
                    }
                }
            }
        }
    })
}
