use super::*;

#[test]
fn the_first_failed_test_is_named_whoever_ran_it() {
    let cases = [
        (
            "running 2 tests\ntest tests::adds ... ok\ntest tests::price_is_never_negative ... FAILED\ntest tests::other ... FAILED\n",
            Some("tests::price_is_never_negative"),
        ),
        ("test src/lib.rs - add (line 3) - should panic ... FAILED", Some("src/lib.rs - add (line 3)")),
        ("        FAIL [   0.005s] orders tests::adds\n", Some("orders tests::adds")),
        (
            "=== short test summary info ===\nFAILED tests/test_orders.py::test_adds - assert 1 == 2\n",
            Some("tests/test_orders.py::test_adds"),
        ),
        (
            "=== RUN   TestAdds\n    --- FAIL: TestAdds/negative (0.00s)\n--- FAIL: TestAdds (0.00s)\nFAIL",
            Some("TestAdds/negative"),
        ),
        ("TAP version 14\n1..2\nok 1 - starts\nnot ok 2 - adds two numbers\n", Some("adds two numbers")),
        ("not ok 3 - later # TODO not written\nok 4\n", None),
        ("\u{1b}[31mtest tests::red ... FAILED\u{1b}[0m\n", Some("tests::red")),
        ("error: could not compile `orders`\n", None),
        ("FAILED to fetch\n", None),
        ("", None),
    ];
    for (log, expected) in cases {
        assert_eq!(first(log).as_deref(), expected, "{log}");
    }
}

#[test]
fn a_name_without_end_is_cut_and_binary_does_no_harm() {
    let long = format!("test {} ... FAILED", "ä".repeat(5000));
    assert!(first(&long).unwrap().len() <= MOST);
    let binary: String = (0u8..=255).map(char::from).cycle().take(100_000).collect();
    assert_eq!(first(&binary), None);
}
