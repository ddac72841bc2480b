use std::fs;
use std::path::Path;

use super::*;

fn limited(folder: &Path, bytes: u64) -> Limited {
    Limited { what: "claim \"cache\"".into(), folder: folder.to_owned(), bytes, advice: "Make room. " }
}

#[test]
fn every_pod_over_a_full_volume_is_told_and_no_other() {
    let (full, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(full.path().join("big"), vec![1; 3 << 20]).unwrap();
    let usage = Usage::default();
    let [(one, mut of_one), (two, mut of_two), (other, mut of_other)] = [(); 3].map(|()| mpsc::channel(1));
    usage.watch("one", vec![limited(full.path(), 2 << 20)], one);
    usage.watch("two", vec![limited(empty.path(), 10), limited(full.path(), 2 << 20)], two);
    usage.watch("other", vec![limited(empty.path(), 1 << 20)], other);
    usage.look();
    usage.look();
    let expected =
        Cut { reason: "Evicted", message: "Usage of claim \"cache\" exceeds the limit \"2Mi\". Make room. ".into() };
    assert_eq!((of_one.try_recv().unwrap(), of_two.try_recv().unwrap()), (expected.clone(), expected));
    assert!(of_other.try_recv().is_err());
    usage.forget("one");
    usage.watch("two", Vec::new(), mpsc::channel(1).0);
    usage.look();
    assert!(of_one.try_recv().is_err() && of_two.try_recv().is_err());
}

#[test]
fn a_volume_of_very_many_files_is_full_too() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..=4096 {
        fs::write(folder.path().join(number.to_string()), "").unwrap();
    }
    let usage = Usage::default();
    let (tell, mut told) = mpsc::channel(1);
    usage.watch("one", vec![limited(folder.path(), 1 << 20)], tell);
    usage.look();
    let message = told.try_recv().unwrap().message;
    assert_eq!(message, "Usage of claim \"cache\" exceeds the 4096 files that go with the limit \"1Mi\". Make room. ");
}

#[test]
fn sizes_are_said_as_people_write_them() {
    for (bytes, text) in [(0, "0"), (1000, "1000"), (1024, "1Ki"), (1536 << 10, "1536Ki"), (4 << 30, "4Gi")] {
        assert_eq!(size(bytes), text);
    }
}
