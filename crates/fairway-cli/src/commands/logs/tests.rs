use super::*;

#[tokio::test]
async fn lines_are_cut_where_they_end_and_where_they_are_too_long() {
    let long = "x".repeat(3 * MOST_LINE);
    let text = format!("one\n\n{long}\n\u{fffd}two");
    let mut reader = futures::io::BufReader::with_capacity(7, text.as_bytes());
    let mut lengths = Vec::new();
    while let Some(line) = next_line(&mut reader).await.unwrap() {
        lengths.push(line.len());
    }
    assert_eq!(lengths, [3, 0, MOST_LINE, 6]);
}

#[test]
fn the_instance_is_named_where_there_are_several() {
    let line = Line { pod: "hello-1".to_owned(), text: "listening".to_owned(), at: None };
    assert_eq!(shown(&line, false), "listening\n");
    assert_eq!(shown(&line, true), "hello-1 | listening\n");
}

#[test]
fn instances_that_are_gone_are_told_of_in_their_order() {
    let past = |name: &str, second: i64, log: &str| PastInstance {
        name: name.to_owned(),
        ended: Timestamp::from_second(second).unwrap(),
        containers: vec![hub::PastContainer { name: "web".to_owned(), log: log.to_owned() }],
    };
    let past = [past("new", 200, "three\n\u{1b}[31mfour\n"), past("old", 100, "one\ntwo\n")];
    let told = |logs: &Logs| {
        let mut lines = Vec::new();
        gone(&past, logs, Timestamp::from_second(210).unwrap(), &mut |it, several| lines.push(shown(it, several)));
        lines.concat()
    };
    assert_eq!(told(&Logs::default()), "old | one\nold | two\nnew | three\nnew | [31mfour\n");
    assert_eq!(told(&Logs { tail: Some(1), ..Logs::default() }), "old | two\nnew | [31mfour\n");
    assert_eq!(told(&Logs { since: Some(Duration::from_secs(30)), ..Logs::default() }), "three\n[31mfour\n");
    assert_eq!(told(&Logs { grep: Some("o".to_owned()), ..Logs::default() }), "old | one\nold | two\nnew | [31mfour\n");
}
