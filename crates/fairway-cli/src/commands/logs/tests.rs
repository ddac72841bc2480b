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
    let line = Line { pod: "hello-1".to_owned(), text: "listening".to_owned() };
    assert_eq!(shown(&line, false), "listening\n");
    assert_eq!(shown(&line, true), "hello-1 | listening\n");
}
