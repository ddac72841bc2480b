//! Packages whose budget is small. What else they try is in `base::tests`.

use std::io::Cursor;

use super::{Budget, Node, ReadPackage, Spool, read};
use crate::base::tests::{Files, package};
use crate::{Limits, Rejected};

fn taken(bytes: Vec<u8>, limits: Limits) -> Result<super::Unpacked, ReadPackage> {
    let mut spool = Spool::new(tempfile::tempfile().unwrap());
    read(Cursor::new(bytes), &mut spool, &mut Budget::new(limits))
}

#[test]
fn all_packages_together_stay_within_the_budget() {
    let files = Files::default().file("./a", "0123456789").file("./b", "0123456789");
    let bytes = package("app", files);
    let limits = |bytes, entries| Limits { bytes, entries, ..Limits::default() };
    assert!(taken(bytes.clone(), limits(20, 2)).is_ok());
    for (limits, much) in [(limits(19, 2), true), (limits(20, 1), false)] {
        let ReadPackage::File { source, .. } = taken(bytes.clone(), limits).unwrap_err() else {
            panic!("another error")
        };
        assert_eq!(matches!(source, Rejected::TooManyBytes { .. }), much);
        assert_eq!(matches!(source, Rejected::TooManyEntries { .. }), !much);
    }
}

#[test]
fn a_package_that_is_cut_anywhere_is_an_error_or_has_no_end_to_miss() {
    let bytes = package("app", Files::default().file("./a", "hello"));
    for length in 0..bytes.len() - 64 {
        assert!(taken(bytes[..length].to_vec(), Limits::default()).is_err(), "cut at {length}");
    }
    let unpacked = taken(bytes, Limits::default()).unwrap();
    let Some(Node::File { part, mode: 0o644 }) = unpacked.files.get("a") else { panic!("{:?}", unpacked.files) };
    assert_eq!(part.read(5).unwrap(), b"hello");
    assert!(part.read(4).is_err());
}
