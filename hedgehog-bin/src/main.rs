//! The `hedgehog` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    hedgehog_bin::cli::main()
}
