use super::{Failpoints, Fault};

const KNOWN: [&str; 3] = ["before-commit", "in-checkpoint", "run-made"];

#[test]
fn a_point_strikes_once_at_its_pass() {
    let points = Failpoints::parse("before-commit=full@2, in-checkpoint=io", &KNOWN).unwrap();
    assert_eq!([(); 4].map(|()| points.strike("before-commit")), [None, Some(Fault::Full), None, None]);
    assert_eq!(points.clone().strike("in-checkpoint"), Some(Fault::Io));
    assert_eq!(points.strike("in-checkpoint"), None);
    assert_eq!(points.strike("run-made"), None);
    assert!(points.arms(&["run-made", "in-checkpoint"]) && !points.arms(&["run-made"]));
    assert_eq!(Failpoints::none().strike("before-commit"), None);
    Failpoints::parse("run-made=io", &KNOWN).unwrap().pass("run-made");
    assert!(Failpoints::parse("", &KNOWN).is_ok());
    assert!(KNOWN.iter().all(|it| Failpoints::parse(&format!("{it}=kill"), &KNOWN).is_ok()));
}

#[test]
fn a_text_that_names_nothing_is_refused_with_what_there_is() {
    let form = |it| format!("failpoint {it:?} is not of the form point=fault or point=fault@nth");
    let cases = [
        ("before-commit", form("before-commit")),
        ("before-commit=full@0", form("before-commit=full@0")),
        ("before-commit=full@x", form("before-commit=full@x")),
        ("before-commit=maybe", "there is no fault \"maybe\"; there are kill, full and io".to_owned()),
        (
            "nowhere=kill",
            "there is no failpoint \"nowhere\"; there are before-commit, in-checkpoint, run-made".to_owned(),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(Failpoints::parse(text, &KNOWN).unwrap_err().to_string(), expected);
    }
}
