use fairway_ledger::{Event, ObjectFilter, Query, after, query};

use crate::common::{TestLedger, event, object};

/// Twelve events: a push that led to a release that led to deliveries, and other things beside it.
fn story() -> TestLedger {
    let mut ledger = TestLedger::new(100);
    let told = [
        ("push", None, "shop", "Component", "api"),
        ("other", None, "shop", "Component", "web"),
        ("release", Some("push"), "shop", "Release", "api-1"),
        ("staging", Some("release"), "shop--staging", "Delivery", "api"),
        ("rollout", Some("staging"), "shop--staging", "Deployment", "api"),
        ("production", Some("release"), "shop--production", "Delivery", "api"),
        ("shopping", None, "shopping", "Component", "api"),
        ("shop-x", None, "shop-x", "Component", "api"),
        ("circle", Some("circle"), "ring", "Component", "api"),
    ];
    let events: Vec<Event> = (1..)
        .zip(told)
        .map(|(number, (id, cause, namespace, kind, name))| Event {
            id: id.into(),
            cause: cause.map(Into::into),
            object: Some(object(namespace, kind, name, number)),
            ..event(number)
        })
        .collect();
    ledger.append(&events);
    ledger.append(&[Event { id: "login".into(), object: None, subject: None, ..event(10) }]);
    ledger
}

fn ids(ledger: &TestLedger, asked: Query) -> Vec<String> {
    query(&ledger.connection, &asked).unwrap().into_iter().map(|it| it.event.id).collect()
}

fn of(namespace: &str, kind: &str, name: Option<&str>) -> ObjectFilter {
    ObjectFilter { namespace: namespace.into(), kind: kind.into(), name: name.map(Into::into) }
}

#[test]
fn each_question_has_its_answer_newest_first() {
    let ledger = story();
    let everything =
        ["login", "circle", "shop-x", "shopping", "production", "rollout", "staging", "release", "other", "push"];
    let since = Some(event(9).time);
    let cases: [(Query, &[&str]); 12] = [
        (Query::default(), &everything),
        (Query { limit: 2, ..Query::default() }, &everything[..2]),
        (Query { before: Some(3), ..Query::default() }, &["other", "push"]),
        (Query { since, ..Query::default() }, &["login", "circle"]),
        (
            Query { object: Some(of("shop", "Component", Some("api"))), ..Query::default() },
            &["production", "rollout", "staging", "release", "push"],
        ),
        (
            Query { object: Some(of("shop", "Component", None)), ..Query::default() },
            &["production", "rollout", "staging", "release", "other", "push"],
        ),
        (
            Query { object: Some(of("shop--staging", "Delivery", Some("api"))), ..Query::default() },
            &["rollout", "staging"],
        ),
        (Query { object: Some(of("ring", "Component", Some("api"))), ..Query::default() }, &["circle"]),
        (Query { cause: Some("release".into()), ..Query::default() }, &["production", "rollout", "staging", "release"]),
        (
            Query { project: Some("shop".into()), ..Query::default() },
            &["production", "rollout", "staging", "release", "other", "push"],
        ),
        (
            Query { project: Some("shop".into()), cause: Some("staging".into()), limit: 1, ..Query::default() },
            &["rollout"],
        ),
        (Query { project: Some("%".into()), ..Query::default() }, &[]),
    ];
    for (asked, expected) in cases {
        assert_eq!(ids(&ledger, asked.clone()), expected, "{asked:?}");
    }
}

#[test]
fn the_tail_is_followed_by_sequence() {
    let mut ledger = story();
    let mut seen = 0;
    let mut follow = |ledger: &TestLedger| {
        let new = after(&ledger.connection, seen, 4).unwrap();
        seen = new.last().map_or(seen, |it| it.sequence);
        new.len()
    };
    assert_eq!([follow(&ledger), follow(&ledger), follow(&ledger), follow(&ledger)], [4, 4, 2, 0]);
    ledger.append(&[event(11)]);
    assert_eq!([follow(&ledger), follow(&ledger)], [1, 0]);
}

#[test]
fn a_question_cannot_become_a_statement() {
    let ledger = story();
    let hostile = "x' OR '1'='1";
    let asked = Query {
        object: Some(of(hostile, hostile, Some(hostile))),
        project: Some(hostile.into()),
        cause: Some(hostile.into()),
        ..Query::default()
    };
    assert_eq!(ids(&ledger, asked), [""; 0]);
}

#[test]
fn a_reader_sees_what_is_committed_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    assert!(fairway_ledger::open_reader(&path).is_err(), "there is nothing to read");
    let mut ledger = TestLedger::new(100);
    ledger.connection = rusqlite::Connection::open(&path).unwrap();
    ledger.connection.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    ledger.appender.prepare(&ledger.connection).unwrap();
    let reader = fairway_ledger::open_reader(&path).unwrap();
    ledger.append(&[event(1)]);
    assert_eq!(after(&reader, 0, 10).unwrap().len(), 1);
    assert!(reader.execute("DELETE FROM ledger_events", []).is_err());
}
