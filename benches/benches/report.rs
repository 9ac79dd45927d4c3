//! Measures everything and writes `benches/REPORT.md`: `cargo bench --bench report`. A plain `cargo bench` leaves it out.

use std::process::ExitCode;

fn main() -> ExitCode {
    hedgehog_benches::report::main()
}
