use super::*;

fn lines(parts: &[&[u8]]) -> (Vec<(char, Vec<u8>)>, Vec<u8>) {
    let (mut rest, mut found) = (Vec::new(), Vec::new());
    for part in parts {
        split(&mut rest, part, |tag, text| found.push((char::from(tag), text.to_vec())));
    }
    (found, rest)
}

#[test]
fn lines_are_cut_wherever_the_reads_fall() {
    let (found, rest) = lines(&[b"on", b"e\ntwo\n", b"\nthr"]);
    assert_eq!(found, [('F', b"one".to_vec()), ('F', b"two".to_vec()), ('F', b"".to_vec())]);
    assert_eq!(rest, b"thr");
}

#[test]
fn a_long_line_is_written_in_parts_that_join_to_the_same_bytes() {
    let long: Vec<u8> = (0..LINE_LIMIT * 2 + 77).map(|it| b'a' + u8::try_from(it % 26).unwrap()).collect();
    let mut with_end = long.clone();
    with_end.push(b'\n');
    let (found, rest) = lines(&[&with_end[..40_000.min(with_end.len())], &with_end[40_000.min(with_end.len())..]]);
    assert!(rest.is_empty());
    assert_eq!(found.iter().map(|it| it.0).collect::<String>(), "PPF");
    assert_eq!(found.into_iter().flat_map(|it| it.1).collect::<Vec<_>>(), long);
}

#[test]
fn a_line_of_just_the_limit_is_whole() {
    let mut line = vec![b'x'; LINE_LIMIT];
    line.push(b'\n');
    let (found, rest) = lines(&[&line]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, 'F');
    assert!(rest.is_empty());
}

#[test]
fn a_full_file_is_put_aside_and_only_as_many_are_kept_as_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app/0.log");
    let mut log = LogFile::new(&path, LogLimit { bytes: 100, files: 2, then_drop: false });
    for round in 0..10u8 {
        log.append(&[b'0' + round; 60]);
    }
    assert_eq!(fs::read(&path).unwrap(), [b'9'; 60]);
    assert_eq!(fs::read(folder.path().join("app/0.log.1")).unwrap(), [b'8'; 60]);
    assert_eq!(fs::read_dir(folder.path().join("app")).unwrap().count(), 2);
}

#[test]
fn a_log_that_may_hold_only_so_much_keeps_its_beginning_and_says_once_that_the_rest_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0.log");
    let limit = LogLimit { bytes: 17, files: 1, then_drop: true };
    let mut log = LogFile::new(&path, limit);
    log.append(b"t1 stdout F one\nt1 stdout F two\n");
    log.append(b"t2 stdout F three\nt2 stdout P four\nt2 stdout F five\n");
    log.append(b"t3 stdout F six\n");
    let note = "stderr F the log may hold 17 bytes and is full; what follows is dropped\n";
    let expected = format!("t1 stdout F one\nt1 stdout F two\nt2 stdout F three\nt2 {note}");
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert!(log.is_full);
    let cut = last_words(b"t stdout P begun\nt stdout F rest\n", 9, 17);
    assert_eq!(String::from_utf8(cut).unwrap(), format!("t stdout P begun\nt stdout F \nt {note}"));
}
