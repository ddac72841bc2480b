use super::*;

#[test]
fn the_pages_are_those_of_the_command_line() {
    let again = "run `cargo run -p fairway-cli --example reference`";
    assert!(commands_page() == include_str!("../../../../docs/reference/cli.md"), "docs/reference/cli.md: {again}");
    assert!(exit_codes_page() == include_str!("../../../../docs/reference/exit-codes.md"), "exit-codes.md: {again}");
}

#[test]
fn an_option_that_is_called_as_one_of_claps_own_is_in_the_page() {
    assert!(commands_page().contains("- `--version <VERSION>`: The version; without it the class's first"));
}

#[test]
fn commands_that_are_not_there_yet_are_not_in_the_page() {
    let page = commands_page();
    assert!(page.contains("## platform release create") && page.contains("## platform up"));
    assert!(!page.contains("platform access") && !page.contains("--detached"));
}
