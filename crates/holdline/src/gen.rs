//! `gen`: the repository's generated files, whole, on standard output. `cargo xtask gen` writes them to `api/`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

/// Which file.
#[derive(Args)]
pub(crate) struct GenArgs {
    /// The file
    file: File,
}

#[derive(Clone, Copy, ValueEnum)]
enum File {
    /// api/openapi.json
    Openapi,
    /// api/errors.md
    Errors,
}

pub(crate) fn run(args: &GenArgs) -> anyhow::Result<ExitCode> {
    let text = match args.file {
        File::Openapi => holdline_gateway::openapi_json(),
        File::Errors => holdline_gateway::errors_md(),
    };
    crate::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
