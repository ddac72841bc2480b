use super::*;

fn line(pod: &str, second: Option<i64>, text: &str) -> Line {
    let at = second.map(|it| Timestamp::from_second(it).unwrap());
    Line { pod: pod.to_owned(), text: text.to_owned(), at }
}

async fn source(lines: Vec<Line>) -> mpsc::Receiver<Line> {
    let (sender, receiver) = mpsc::channel(lines.len().max(1));
    for line in lines {
        sender.send(line).await.unwrap();
    }
    receiver
}

#[tokio::test]
async fn lines_come_in_the_order_of_their_times_and_stay_together_without_one() {
    let one = source(vec![
        line("a", Some(1), "a1"),
        line("a", Some(5), "a5"),
        line("a", None, "  at a5"),
        line("a", Some(9), "a9"),
    ]);
    let two = source(vec![line("b", Some(2), "b2"), line("b", Some(6), "b6")]);
    let none = source(Vec::new());
    let mut shown = Vec::new();
    merge(vec![one.await, two.await, none.await], &mut |it| shown.push(it.text.clone())).await;
    assert_eq!(shown, ["a1", "b2", "a5", "  at a5", "b6", "a9"]);
}

#[test]
fn the_time_before_a_line_is_taken_off_it() {
    let at = "2026-01-02T03:04:05.6Z".parse().ok();
    assert_eq!(timed("2026-01-02T03:04:05.6Z listening"), (at, "listening"));
    assert_eq!(timed("2026-01-02T03:04:05.6Z"), (at, ""));
    assert_eq!(timed("no time here"), (None, "no time here"));
}
