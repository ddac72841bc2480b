use super::{Commit, Mode, Person};

#[test]
fn a_commit_is_forty_hexadecimal_digits_and_not_all_zero() {
    let good = "56b56867cef0935dbc934bd6003dd2600725eb32";
    assert_eq!(Commit::parse(good).map(|it| it.short().to_owned()), Ok("56b56867ce".to_owned()));
    for bad in ["", "main", "--upload-pack=x", &good[1..], &good.to_uppercase(), &"0".repeat(40), &format!("{good}\n")]
    {
        assert!(Commit::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_person_who_would_break_a_commit_is_refused() {
    assert!(Person::new("Ada", "ada@example.org").is_ok());
    for (name, email) in [("", "a@b"), ("A", ""), ("A <b>", "a@b"), ("A", "a@b>\nparent x"), ("A\nB", "a@b")] {
        assert!(Person::new(name, email).is_err(), "{name:?} {email:?}");
    }
}

#[test]
fn modes_are_written_as_they_are_read_and_submodules_are_none() {
    for mode in [Mode::File, Mode::Executable, Mode::Link] {
        assert_eq!(Mode::parse(mode.as_str()), Some(mode));
    }
    assert_eq!(Mode::parse("160000"), None);
}
