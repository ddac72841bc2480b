use super::{Failpoints, Fault, Point};

#[test]
fn a_point_strikes_once_at_its_pass() {
    let points: Failpoints = "before-commit=full@2, in-checkpoint=io".parse().unwrap();
    assert_eq!([(); 4].map(|()| points.strike(Point::BeforeCommit)), [None, Some(Fault::Full), None, None]);
    assert_eq!(points.clone().strike(Point::InCheckpoint), Some(Fault::Io));
    assert_eq!(points.strike(Point::InCheckpoint), None);
    assert_eq!(points.strike(Point::BeforeJournal), None);
    assert_eq!(Failpoints::none().strike(Point::BeforeCommit), None);
    assert!("".parse::<Failpoints>().is_ok());
    assert!(Failpoints::names().all(|it| format!("{it}=kill").parse::<Failpoints>().is_ok()));
}

#[test]
fn a_text_that_names_nothing_is_refused_with_what_there_is() {
    let cases = [
        ("before-commit", "failpoint \"before-commit\" is not of the form point=fault or point=fault@nth"),
        (
            "before-commit=full@0",
            "failpoint \"before-commit=full@0\" is not of the form point=fault or point=fault@nth",
        ),
        (
            "before-commit=full@x",
            "failpoint \"before-commit=full@x\" is not of the form point=fault or point=fault@nth",
        ),
        ("before-commit=maybe", "there is no fault \"maybe\"; there are kill, full and io"),
        (
            "nowhere=kill",
            "there is no failpoint \"nowhere\"; there are before-transaction, before-journal, before-commit, \
             before-publish, in-compaction, in-checkpoint",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse::<Failpoints>().unwrap_err().to_string(), expected);
    }
}
