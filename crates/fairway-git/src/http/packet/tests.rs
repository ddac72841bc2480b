use super::{Malformed, PROGRESS, Packet, commands, line, message, moved, refused, take};

const ONE: &str = "56b56867cef0935dbc934bd6003dd2600725eb32";
const ZERO: &str = "0000000000000000000000000000000000000000";

#[test]
fn lines_are_taken_one_by_one_and_only_when_they_are_whole() {
    let bytes = [line(b"hello"), b"0000".to_vec(), line(b"")].concat();
    let (first, rest) = take(&bytes).expect("good").expect("whole");
    assert_eq!(first, Packet::Data(b"hello"));
    let (second, rest) = take(rest).expect("good").expect("whole");
    assert_eq!(second, Packet::Mark);
    assert_eq!(take(rest), Ok(Some((Packet::Data(b""), &b""[..]))));
    for end in 0..9 {
        assert_eq!(take(&bytes[..end]), Ok(None), "{end}");
    }
    for bad in [&b"zzzz"[..], b"0003", b"ffff", b"+005a", b"\xff\xff\xff\xff"] {
        assert_eq!(take(bad), Err(Malformed), "{bad:?}");
    }
}

#[test]
fn commands_are_read_up_to_the_mark_and_no_further() {
    let bytes = [
        line(format!("{ZERO} {ONE} refs/heads/main\0report-status side-band-64k").as_bytes()),
        line(format!("{ONE} {ZERO} refs/heads/with space").as_bytes()),
        b"0000PACK and so on".to_vec(),
    ]
    .concat();
    let updates = commands(&bytes).expect("good").expect("whole");
    assert_eq!(updates.len(), 2);
    assert!(updates[0].from.is_none() && updates[0].to.is_some() && updates[1].to.is_none());
    assert_eq!(updates[1].reference, "refs/heads/with space");
    assert_eq!(commands(&bytes[..100]), Ok(None));
    assert_eq!(commands(b"0000"), Ok(Some(Vec::new())));
    assert_eq!(commands(&line(b"nonsense")), Err(Malformed));
    assert_eq!(commands(&line(b"\xff\xff")), Err(Malformed));
}

#[test]
fn a_report_says_what_moved_and_what_did_not() {
    let report =
        [line(b"unpack ok\n"), line(b"ok refs/heads/a\n"), line(b"ng refs/heads/b hook declined\n"), b"0000".to_vec()];
    assert_eq!(moved(&report.concat()), ["refs/heads/a"]);
    assert_eq!(refused(&report.concat()), ["refs/heads/b hook declined"]);
    assert!(moved(b"garbage").is_empty() && refused(b"garbage").is_empty());
}

#[test]
fn messages_fit_in_a_line() {
    let bytes = message(PROGRESS, &"ä".repeat(5000));
    assert!(matches!(take(&bytes), Ok(Some((Packet::Data([2, ..]), [])))));
}
