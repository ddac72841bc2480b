use fairway_ledger::{Head, OpenSigner, Query, Signer, Trust, after, by_id, checkpoints, head, query, verify};
use serde_json::json;

use crate::common::{TestLedger, event, signer};

#[test]
fn an_event_reads_back_as_it_was_written() {
    let mut ledger = TestLedger::new(100);
    let bare = fairway_ledger::Event {
        subject: None,
        object: None,
        cause: Some("id-1".into()),
        data: json!(null),
        ..event(2)
    };
    ledger.append(&[event(1), bare.clone()]);
    let read = after(&ledger.connection, 0, 10).unwrap();
    assert_eq!(read.iter().map(|it| it.event.clone()).collect::<Vec<_>>(), [event(1), bare]);
    assert_eq!(read.iter().map(|it| it.sequence).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(by_id(&ledger.connection, "id-2").unwrap().unwrap().sequence, 2);
    assert_eq!(by_id(&ledger.connection, "id-3").unwrap(), None);
}

#[test]
fn the_canonical_form_never_changes() {
    let ledger = TestLedger::with(1, 100);
    let line = ledger.export();
    let expected = concat!(
        r#"{"hash":"d783d2a4f7f6b059fb66a2aaf89859750589131952c6cdccf973accdff23a444","event":{"actor":"local:1000","data":{"number":1,"text":"grün ✓"},"id":"id-1","#,
        r#""objectgroup":"fairway.dev","objectkind":"Component","objectname":"c1","objectnamespace":"shop","#,
        r#""objectrevision":"1","objectuid":"uid-c1","sequence":"1","source":"/apiserver","specversion":"1.0","#,
        r#""subject":"shop/components/c1","time":"2023-11-14T22:13:21.000000Z","#,
        r#""type":"dev.fairway.object.updated","verb":"update"}}"#,
        "\n"
    );
    assert_eq!(line, expected);
}

#[test]
fn what_was_rolled_back_leaves_no_trace_in_the_chain() {
    let mut ledger = TestLedger::with(3, 2);
    let before = ledger.appender.head();
    {
        let transaction = ledger.connection.transaction().unwrap();
        ledger.appender.append(&transaction, &[event(4), event(5)]).unwrap();
        ledger.appender.append(&transaction, &[event(6)]).unwrap();
    }
    ledger.appender.settled(false);
    assert_eq!(ledger.appender.head(), before);
    ledger.append(&[event(7)]);
    assert_eq!(ledger.verify().bad, None);
    assert_eq!(head(&ledger.connection).unwrap(), ledger.appender.head());
    assert_eq!(ledger.appender.head().sequence, 4);
}

#[test]
fn an_appender_goes_on_where_another_stopped() {
    let mut ledger = TestLedger::with(5, 3);
    let head = ledger.appender.head();
    let settings = fairway_ledger::Settings { signer: Some(signer(1)), checkpoint_every: 3 };
    ledger.appender = fairway_ledger::Appender::new(settings);
    assert_eq!(ledger.appender.head(), Head::genesis());
    ledger.appender.prepare(&ledger.connection).unwrap();
    assert_eq!(ledger.appender.head(), head);
    ledger.append(&[event(6), event(7)]);
    let report = ledger.verify();
    assert_eq!((report.bad, report.head.sequence, report.checkpoints), (None, 7, 1));
}

#[test]
fn checkpoints_are_signed_every_so_many_events_and_on_demand() {
    let mut ledger = TestLedger::new(10);
    for number in 1..=35 {
        ledger.append(&[event(number)]);
    }
    let asked = ledger.checkpoint();
    let made = checkpoints(&ledger.connection).unwrap();
    assert_eq!(made.iter().map(|it| it.head.sequence).collect::<Vec<_>>(), [10, 20, 30, 35]);
    assert_eq!(made.last(), Some(&asked));
    let trust = Trust { keys: vec![signer(1).public_key()], checkpoints: vec![asked.to_string().parse().unwrap()] };
    let report = verify(&ledger.connection, &trust).unwrap();
    assert_eq!((report.bad, report.checkpoints), (None, 5));
}

#[test]
fn without_a_key_nothing_is_signed() {
    let mut ledger = TestLedger::signed_by(None, 1);
    ledger.append(&[event(1)]);
    let transaction = ledger.connection.transaction().unwrap();
    assert_eq!(ledger.appender.checkpoint(&transaction, jiff::Timestamp::UNIX_EPOCH).unwrap(), None);
    drop(transaction);
    assert_eq!(checkpoints(&ledger.connection).unwrap(), []);
}

#[test]
fn data_that_is_too_large_or_too_deep_is_left_out_and_said_to_be() {
    let deep = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    let omitted = |why: &str| json!({ "omitted": why });
    let cases = [
        (json!("x".repeat(65_534)), json!("x".repeat(65_534))),
        (json!("x".repeat(70_000)), omitted("70002 bytes of data are over the limit of 65536")),
        (deep(64), deep(64)),
        (deep(65), omitted("data is nested deeper than 64")),
        (deep(120), omitted("data is nested deeper than 64")),
    ];
    for (data, expected) in cases {
        let mut ledger = TestLedger::new(100);
        ledger.append(&[fairway_ledger::Event { data, ..event(1) }]);
        let read = query(&ledger.connection, &Query::default()).unwrap();
        assert_eq!(read[0].event.data, expected);
        assert_eq!(ledger.verify().bad, None);
    }
}

#[test]
fn the_key_is_made_once_and_only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let made = Signer::open(&path, &fairway_clock::SystemEntropy).unwrap().public_key();
    assert_eq!(Signer::open(&path, &fairway_clock::SystemEntropy).unwrap().public_key(), made);
    assert_eq!(made.to_string().parse::<fairway_ledger::PublicKey>().unwrap(), made);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    assert!(matches!(Signer::open(&path, &fairway_clock::SystemEntropy), Err(OpenSigner::Exposed { .. })));
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    for bad in ["", "00", "zz", &"0".repeat(66)] {
        std::fs::write(&path, bad).unwrap();
        let opened = Signer::open(&path, &fairway_clock::SystemEntropy);
        assert!(matches!(opened, Err(OpenSigner::Malformed { .. })), "{bad:?}");
    }
}

#[test]
fn a_new_id_is_a_uuid_that_sorts_by_time() {
    let id = |time: &str, seed| fairway_ledger::new_id(time.parse().unwrap(), &fairway_clock::SeededEntropy::new(seed));
    let (early, late) = (id("2026-01-01T00:00:00.001Z", 9), id("2026-01-01T00:00:00.002Z", 1));
    assert!(early < late);
    assert_eq!((early.len(), &early[..9], &early[13..15]), (36, "019b76da-", "-7"));
    assert_ne!(id("2026-01-01T00:00:00Z", 1), id("2026-01-01T00:00:00Z", 2));
    assert!(id("1960-01-01T00:00:00Z", 1).starts_with("00000000-0000-7"));
}
