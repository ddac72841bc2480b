use super::*;

#[test]
fn numbers_are_read_and_told_as_neighbours() {
    for (given, end, told, count) in [
        ("", 5, "", 0),
        ("0", 5, "0", 1),
        ("1,2", 5, "1,2", 2),
        ("0,2-4,6", 9, "0,2-4,6", 5),
        ("0-2,3", 9, "0-3", 4),
        // What makes no sense harms nobody.
        ("4-2,x,-1,7-,,3", 9, "3", 1),
        ("0-2147483647", 3, "0-2", 3),
        ("0-2147483647", i32::MAX, "0-99999", MOST),
    ] {
        let it = Indexes::read(given, end);
        assert_eq!((it.text().as_str(), it.count()), (told, count), "{given}");
    }
}

#[test]
fn the_first_that_are_missing_are_found() {
    let mut it = Indexes::read("0,3", 6);
    it.insert(1);
    assert_eq!(it.missing(&BTreeSet::from([2]), 6, 9), [4, 5]);
    assert_eq!(it.missing(&BTreeSet::new(), 6, 1), [2]);
}
