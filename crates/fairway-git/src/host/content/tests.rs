use super::{entry, parse};
use crate::forge::{Commit, Mode};

#[test]
fn a_commit_is_read_and_a_broken_one_is_not() {
    let commit = Commit::parse("56b56867cef0935dbc934bd6003dd2600725eb32").expect("a commit");
    let text = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent 56b56867cef0935dbc934bd6003dd2600725eb32\n\
                author Ada L <ada@example.org> 1 +0000\ncommitter Bob <bob@example.org> 1700000000 +0200\n\n\
                Do it\n\nauthor Eve <e@x> 1 +0000\n";
    let facts = parse(&commit, text.as_bytes()).expect("facts");
    assert_eq!((facts.author_name.as_str(), facts.author_email.as_str()), ("Ada L", "ada@example.org"));
    assert_eq!((facts.subject.as_str(), facts.parents.len()), ("Do it", 1));
    assert_eq!(facts.committed_at.as_second(), 1_700_000_000);
    for broken in ["", "\n\n", "tree x\n\n", "author A <a> 1 +0000\ncommitter B 1\n\nx"] {
        assert!(parse(&commit, broken.as_bytes()).is_none(), "{broken:?}");
    }
}

#[test]
fn a_listing_tells_files_from_what_is_none() {
    let object = "5aad9376af82d7b98a34f95fb0f298a162f52656";
    let file = entry(format!("100755 blob {object}       2\ta\tb").as_bytes()).flatten().expect("a file");
    assert_eq!((file.path.as_str(), file.mode, file.size), ("a\tb", Mode::Executable, 2));
    assert_eq!(entry(format!("160000 commit {object}       -\tlib").as_bytes()), Some(None));
    for broken in ["", "100644 blob", "100644 blob x y\ta", "999 blob x 1\ta"] {
        assert_eq!(entry(broken.as_bytes()), None, "{broken}");
    }
}
