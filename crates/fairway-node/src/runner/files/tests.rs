use super::*;

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for name in ["", ".", "..", "../x", "a/b", ".hidden", "a\0b", "é", &"x".repeat(254)] {
        assert!(check_name(name).is_err(), "{name:?}");
    }
    for name in ["a", "my-app.0", "0f8fad5b-d9cb-469f-a165-70867728950e"] {
        check_name(name).unwrap();
    }
}
