//! Indexes that are old, early, foreign or broken. That they must be signed is tried by `openpgp` and `tests`.

use jiff::Timestamp;

use super::{ReadRelease, Release, time};
use crate::base::tests::Signer;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const INDEX: &str = "Origin: Debian\nCodename: bookworm\nDate: Sat, 11 Jul 2026 10:16:37 UTC\n\
                     Valid-Until: Sat, 18 Jul 2026 10:16:37 UTC\nAcquire-By-Hash: yes\nSHA256:\n \
                     aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 99 main/binary-amd64/Packages.xz\n\
                     Other: x\n";

fn read(text: &str, now: &str, known: Option<&str>) -> Result<Release, ReadRelease> {
    let signer = Signer::new();
    let message = signer.sign(text, at("2026-07-11T10:16:37Z"));
    Release::read(message.as_bytes(), &signer.keys(), "bookworm", at(now), known.map(at))
}

#[test]
fn an_index_is_read_while_it_is_valid() {
    let release = read(INDEX, "2026-07-12T00:00:00Z", Some("2026-07-11T10:16:37Z")).unwrap();
    assert_eq!(release.date, at("2026-07-11T10:16:37Z"));
    let (file, place) = release.packages("main", "amd64").unwrap();
    assert_eq!((file.size, file.path.as_str()), (99, "main/binary-amd64/Packages.xz"));
    assert_eq!(place, format!("main/binary-amd64/by-hash/SHA256/{}", "a".repeat(64)));
    assert!(matches!(release.packages("main", "arm64"), Err(ReadRelease::NoFile(_))));
    let by_name = read(&INDEX.replace("By-Hash: yes", "By-Hash: no"), "2026-07-12T00:00:00Z", None).unwrap();
    assert_eq!(by_name.packages("main", "amd64").unwrap().1, "main/binary-amd64/Packages.xz");
}

#[test]
fn an_index_of_another_time_or_suite_is_refused() {
    let (now, later) = ("2026-07-12T00:00:00Z", "2026-07-18T10:16:38Z");
    assert!(matches!(read(INDEX, later, None), Err(ReadRelease::Expired { .. })));
    assert!(matches!(read(INDEX, now, Some("2026-07-11T10:16:38Z")), Err(ReadRelease::WentBack { .. })));
    let early = INDEX.replace("Date: Sat, 11", "Date: Tue, 14");
    assert!(matches!(read(&early, now, None), Err(ReadRelease::InFuture { .. })));
    let foreign = INDEX.replace("Codename: bookworm", "Codename: trixie");
    assert!(matches!(read(&foreign, now, None), Err(ReadRelease::OtherSuite { .. })));
    for (from, to) in
        [("Date: Sat", "Dote: Sat"), ("Valid-Until: Sat", "Valid-Until: never"), (" 99 ", " x "), (" aaaa", " aaa")]
    {
        assert!(matches!(read(&INDEX.replace(from, to), now, None), Err(ReadRelease::Field(_))), "{to}");
    }
}

#[test]
fn times_are_read_as_archives_write_them() {
    assert_eq!(time("Fri, 20 Nov 2026 02:11:10 UTC"), Some(at("2026-11-20T02:11:10Z")));
    for text in ["", "2026-11-20", "Fri, 20 Nov 2026 02:11:10 +0200", "Fri, 40 Nov 2026 02:11:10 UTC"] {
        assert_eq!(time(text), None, "{text}");
    }
}
