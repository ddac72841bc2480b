use super::*;

/// What is said of a command line, without colours.
fn said(words: &[&str]) -> String {
    let line = ["platform"].iter().chain(words);
    let error = Cli::try_parse_from(line).unwrap_err();
    let said = misspelt(&error, words.iter().map(|it| (*it).to_owned()));
    anstream::adapter::strip_str(&said).to_string()
}

#[test]
fn a_command_line_that_is_not_understood_ends_with_the_next_command() {
    for (words, part, hint) in [
        (&["deply"][..], "deploy", "platform --help"),
        (&["release", "show"], "<RELEASE>", "platform release show --help"),
        (&["--project=x", "scale", "--replicas=-1"], "0..=1000", "platform scale --help"),
        (&["up", "--port=99999"], "65535", "platform up --help"),
        (&["up", "--port=x"], "65535", "platform up --help"),
        (&["status", "a", "b"], "'b'", "platform status --help"),
        (&["get"], "<KIND>", "platform get --help"),
    ] {
        let said = said(words);
        assert!(said.starts_with("error: ") && said.contains(part), "{words:?}: {said}");
        assert!(said.ends_with(&format!("\nhint: {hint}\n")), "{words:?}: {said}");
        assert!(!said.contains("For more information"), "{said}");
    }
    let nothing = said(&[]);
    assert!(nothing.contains("Commands:") && !nothing.contains("error:"), "{nothing}");
}
