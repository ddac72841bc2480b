//! Whatever is recorded verifies, in the database and in its export.

use fairway_ledger::{Event, ObjectRef, Trust, after, verify, verify_export};
use proptest::prelude::*;
use serde_json::Value;

use crate::common::{TestLedger, signer};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 16, 4, |it| {
        prop_oneof![
            proptest::collection::vec(it.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(".*", it, 0..4).prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

fn event() -> impl Strategy<Value = Event> {
    let object = (".*", ".*", ".*", ".*", ".*", any::<u64>());
    let object = object.prop_map(|(group, kind, namespace, name, uid, revision)| ObjectRef {
        group,
        kind,
        namespace,
        name,
        uid,
        revision,
    });
    let texts = (".*", ".*", ".*", ".*", ".*");
    let maybe = (proptest::option::of(".*"), proptest::option::of(".*"), proptest::option::of(object));
    (texts, maybe, -1_000_000_000_000_000i64..1_000_000_000_000_000, value()).prop_map(|(texts, maybe, time, data)| {
        Event {
            id: texts.0,
            source: texts.1,
            kind: texts.2,
            subject: maybe.0,
            time: jiff::Timestamp::from_microsecond(time).unwrap(),
            actor: texts.3,
            cause: maybe.1,
            verb: texts.4,
            object: maybe.2,
            data,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn every_untampered_chain_is_accepted(groups in proptest::collection::vec(proptest::collection::vec(event(), 0..5), 0..8), every in 1u64..6) {
        let mut ledger = TestLedger::new(every);
        for group in &groups {
            ledger.append(group);
        }
        let events = groups.concat();
        let read = after(&ledger.connection, 0, usize::MAX).unwrap();
        prop_assert_eq!(read.into_iter().map(|it| it.event).collect::<Vec<_>>(), events.clone());
        let mut trust = Trust { keys: vec![signer(1).public_key()], checkpoints: Vec::new() };
        if !events.is_empty() {
            trust.checkpoints.push(ledger.checkpoint());
        }
        for report in [verify(&ledger.connection, &trust).unwrap(), verify_export(&mut ledger.export().as_bytes(), &trust).unwrap()] {
            prop_assert_eq!(report.bad, None);
            prop_assert_eq!(report.head.sequence, events.len() as u64);
        }
    }
}
