use super::{Row, budget, table};

#[test]
fn a_line_is_a_row_only_with_all_its_parts() {
    let row = Row::parse("ROW\tGET p50, HTTPS\tfrom the request to the answer\t0.2 ms").unwrap();
    assert_eq!((&*row.name, &*row.way, &*row.value), ("GET p50, HTTPS", "from the request to the answer", "0.2 ms"));
    for line in ["", "ROW", "ROW\tname\tfrom here to there", "row\ta\tb\tc", "what    per second"] {
        assert!(Row::parse(line).is_none(), "{line:?}");
    }
}

#[test]
fn a_row_stands_beside_the_budget_of_its_job() {
    for (row, bar) in [
        ("durable creates of 1 KB,  1 clients, HTTPS", Some("1184 per s")),
        ("durable creates of 1 KB, 64 clients, in-process", Some("3560 per s")),
        ("rollback, told", Some("700 ms")),
        ("create-service, the command", Some("100 ms")),
        ("pipeline step overhead, isolated: before", Some("20 ms")),
        ("push taken", None),
        ("added by the gateway", None),
    ] {
        assert_eq!(budget::of(row).map(|it| it.bar), bar, "{row}");
    }
}

#[test]
fn the_table_lines_up_and_can_stand_on_a_page() {
    let rows = [("idle memory", "from a to b", "33.0 MiB"), ("added by the gateway", "from µ to c", "60 µs")]
        .map(|(name, way, value)| Row { name: name.into(), way: way.into(), value: value.into() });
    let text = table(&rows);
    let widths: Vec<usize> = text.lines().map(|it| it.chars().count()).collect();
    assert_eq!(widths.len(), 4);
    assert!(widths.iter().all(|it| *it == widths[0]), "{text}");
    assert!(text.contains("| idle memory          | 33.0 MiB | 80 MiB | 40 MiB |"), "{text}");
}
