use super::*;

#[test]
fn no_value_of_a_secret_and_nothing_where_passwords_stand_is_left() {
    let scrub = Scrub::of(["hunter2!".to_owned(), "hunter2!-long".to_owned(), "ab".to_owned()]);
    for (line, left) in [
        ("trying hunter2! now", "trying [hidden] now"),
        ("trying hunter2!-long now", "trying [hidden] now"),
        ("about a cab", "about a cab"),
        ("connect postgres://app:s3cr3t@db:5432/app failed", "connect postgres://app:[hidden]@db:5432/app failed"),
        ("redis://:p@ss@cache:6379", "redis://:[hidden]@cache:6379"),
        ("http://example.org/a:b@c", "http://example.org/a:b@c"),
        ("host=db password=x1y2 dbname=a", "host=db password=[hidden] dbname=a"),
        ("{\"token\": \"abc\", \"user\": \"me\"}", "{\"token\": \"[hidden]\", \"user\": \"me\"}"),
        ("PGPASSWORD='a b' psql", "PGPASSWORD='[hidden]' psql"),
        ("SECRET_KEY=abc and AWS_SECRET_ACCESS_KEY: def", "SECRET_KEY=[hidden] and AWS_SECRET_ACCESS_KEY: [hidden]"),
        ("{\"tokenValue\":\"abc\"}", "{\"tokenValue\":\"[hidden]\"}"),
        ("> Authorization: Bearer abc.def, x", "> Authorization: Bearer [hidden], x"),
        ("authorization=\"Basic YTpi\" x", "authorization=\"Basic [hidden]\" x"),
        ("DB_PASSWORD: not set; SECRET_KEY: must be set", "DB_PASSWORD: not set; SECRET_KEY: must be set"),
        ("SECRET_KEY: missing-1 TOKEN=basic", "SECRET_KEY: [hidden] TOKEN=[hidden]"),
        ("entry.sh: line 3: API_TOKEN: unbound variable", "entry.sh: line 3: API_TOKEN: unbound variable"),
        ("secret shop-db has no key \"urll\": mended", "secret shop-db has no key \"urll\": mended"),
        ("api_key=1&secret=2;x", "api_key=[hidden]&secret=[hidden];x"),
        (
            "FATAL:  password authentication failed for user \"app\"",
            "FATAL:  password authentication failed for user \"app\"",
        ),
        ("a \u{1b}[31mred\u{7} word", "a [31mred word"),
    ] {
        assert_eq!(scrub.line(line), left, "{line}");
    }
}

#[test]
fn what_is_scrubbed_twice_stays_as_it_is_and_long_lines_are_cut() {
    let scrub = Scrub::of(["hunter2!".to_owned()]);
    for line in ["postgres://app:s3@db password=x hunter2!", "password: \"x\"", "é password=é€ é"] {
        let once = scrub.line(line);
        assert_eq!(scrub.line(&once), once);
    }
    assert_eq!(scrub.line(&"é".repeat(5000)).chars().count(), MOST + 1);
    assert_eq!(format!("{scrub:?}"), "Scrub(1 values)");
}

proptest::proptest! {
    #[test]
    fn no_line_makes_it_fail(line in ".{0,200}", value in ".{0,12}") {
        let scrubbed = Scrub::of([value.clone()]).line(&line);
        proptest::prop_assert!(value.len() < SHORTEST || HIDDEN.contains(&value) || !scrubbed.contains(&value) || scrubbed.contains(HIDDEN));
    }
}
