//! Writes the reference pages of the command line into `docs/reference`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    std::fs::write(folder.join("cli.md"), fairway_cli::reference::commands_page())?;
    std::fs::write(folder.join("exit-codes.md"), fairway_cli::reference::exit_codes_page())
}
