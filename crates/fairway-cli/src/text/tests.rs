use super::*;

#[test]
fn control_characters_do_not_reach_a_terminal() {
    assert_eq!(harmless("a\x1b[2Jb\u{9b}31mc\r\n\td\x07"), "a[2Jb31mc\n\td");
    assert_eq!(one_line("  two\n lines\x1b "), "two lines");
}

#[test]
fn columns_align_and_empty_cells_show() {
    let rows = [vec!["staging".to_owned(), String::new()], vec!["é".to_owned(), "v0.1.0".to_owned()]];
    assert_eq!(
        columns(&["ENVIRONMENT", "VERSION"], &rows),
        "ENVIRONMENT  VERSION\nstaging      -\né            v0.1.0\n"
    );
}

#[test]
fn ages_and_spans_read_well() {
    let now: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
    for (since, said) in [
        ("2026-01-01T23:59:18Z", "42s"),
        ("2026-01-01T23:56:48Z", "3m12s"),
        ("2026-01-01T20:30:00Z", "3h30m"),
        ("2025-12-28T00:00:00Z", "5d"),
        ("2026-01-02T00:00:09Z", "0s"),
    ] {
        assert_eq!(ago(since.parse().unwrap(), now), said);
    }
    assert_eq!(span(Duration::from_millis(83)), "83 ms");
    assert_eq!(span(Duration::from_millis(4210)), "4.2 s");
}

#[test]
fn spans_are_parsed_or_refused_with_an_example() {
    for (text, seconds) in [("30s", 30), ("5m", 300), ("1h30m", 5400)] {
        assert_eq!(parse_span(text).unwrap(), Duration::from_secs(seconds));
    }
    for text in ["", "soon", "5", "-5m", "\u{1b}[1m"] {
        assert!(parse_span(text).is_err(), "{text:?}");
    }
}
