//! Every way to change a ledger after the fact, and the record that gives it away.

use fairway_clock::{Entropy, SeededEntropy};
use fairway_ledger::{Bad, Event, Fault, Report, Sequence, Trust, verify, verify_export};

use crate::common::{TestLedger, event, signer};

fn found(report: Report) -> (Sequence, Fault) {
    let Bad { sequence, fault } = report.bad.expect("it was seen");
    (sequence, fault)
}

/// A ledger whose file somebody edits: SQLite's own rules do not hold him up.
fn victim(count: u64) -> TestLedger {
    let ledger = TestLedger::with(count, 10);
    let bare = "CREATE TABLE bare AS SELECT sequence, hash, body FROM ledger_events;
                DROP TABLE ledger_events; ALTER TABLE bare RENAME TO ledger_events;";
    ledger.connection.execute_batch(bare).unwrap();
    ledger
}

#[test]
fn each_kind_of_edit_names_the_first_bad_record() {
    let swap = "UPDATE ledger_events SET sequence = -1 WHERE sequence = 4;
                UPDATE ledger_events SET sequence = 4 WHERE sequence = 9;
                UPDATE ledger_events SET sequence = 9 WHERE sequence = -1;";
    let cases: [(&str, Sequence, Fault); 10] = [
        (
            "UPDATE ledger_events SET body = replace(body, 'local:1000', 'local:1001') WHERE sequence = 7",
            7,
            Fault::Changed,
        ),
        ("UPDATE ledger_events SET body = 'not json' WHERE sequence = 7", 7, Fault::Changed),
        ("UPDATE ledger_events SET body = x'ff00' WHERE sequence = 7", 7, Fault::Changed),
        ("UPDATE ledger_events SET hash = zeroblob(32) WHERE sequence = 7", 7, Fault::Changed),
        ("UPDATE ledger_events SET hash = 'short' WHERE sequence = 7", 7, Fault::Changed),
        ("DELETE FROM ledger_events WHERE sequence = 7", 7, Fault::Missing { found: Some(8) }),
        ("DELETE FROM ledger_events WHERE sequence = 1", 1, Fault::Missing { found: Some(2) }),
        (swap, 4, Fault::Missing { found: Some(9) }),
        ("UPDATE ledger_checkpoints SET line = replace(line, '2023', '2022')", 20, Fault::Unsigned),
        ("UPDATE ledger_checkpoints SET line = 'x'", 20, Fault::Unsigned),
    ];
    for (edit, sequence, fault) in cases {
        let ledger = victim(20);
        assert_eq!(ledger.verify().bad, None);
        ledger.connection.execute_batch(edit).unwrap();
        assert_eq!(found(ledger.verify()), (sequence, fault), "{edit}");
    }
}

#[test]
fn a_tail_that_was_cut_off_is_missed_by_a_checkpoint_held_elsewhere() {
    let mut ledger = TestLedger::with(20, 100);
    let trust = Trust { keys: vec![signer(1).public_key()], checkpoints: vec![ledger.checkpoint()] };
    let cut = "DELETE FROM ledger_events WHERE sequence > 12; DELETE FROM ledger_checkpoints";
    ledger.connection.execute_batch(cut).unwrap();
    assert_eq!(ledger.verify().bad, None, "nothing in what is left tells of it");
    let report = verify(&ledger.connection, &trust).unwrap();
    assert_eq!(found(report), (13, Fault::Cut { known: 20 }));
    let report = verify_export(&mut ledger.export().as_bytes(), &trust).unwrap();
    assert_eq!(found(report), (13, Fault::Cut { known: 20 }));
}

#[test]
fn a_chain_that_was_rewritten_does_not_fit_a_checkpoint_held_elsewhere() {
    let mut kept = Vec::new();
    let mut ledger = TestLedger::new(1000);
    for number in 1..=20 {
        ledger.append(&[event(number)]);
        if number % 5 == 0 {
            kept.push(ledger.checkpoint());
        }
    }
    // The same chain up to 12, then another one, all hashes right, signed by a key of the forger's own.
    let mut forged = TestLedger::signed_by(Some(signer(2)), 4);
    for number in 1..=20 {
        let actor = if number > 12 { "nobody" } else { "local:1000" };
        forged.append(&[Event { actor: actor.into(), ..event(number) }]);
    }
    assert_eq!(forged.verify().bad, None);
    let trust = Trust { keys: Vec::new(), checkpoints: kept.clone() };
    let report = verify(&forged.connection, &trust).unwrap();
    assert_eq!((report.head.sequence, found(report)), (15, (15, Fault::Forked { good: 12 })));
    let trust = Trust { keys: vec![signer(1).public_key()], checkpoints: kept };
    let report = verify(&forged.connection, &trust).unwrap();
    assert_eq!(found(report), (4, Fault::Unsigned), "the forger's own checkpoints are not trusted");
}

#[test]
fn every_one_of_a_thousand_random_edits_of_an_export_is_seen_at_its_place() {
    let mut ledger = TestLedger::with(60, 1000);
    let trust = Trust { keys: vec![signer(1).public_key()], checkpoints: vec![ledger.checkpoint()] };
    ledger.connection.execute_batch("DELETE FROM ledger_checkpoints").unwrap();
    let text = ledger.export();
    let lines: Vec<&[u8]> = text.as_bytes().split_inclusive(|it| *it == b'\n').collect();
    assert_eq!(verify_export(&mut text.as_bytes(), &trust).unwrap().bad, None);
    let entropy = SeededEntropy::new(7);
    let below = |limit: usize| {
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % limit as u64).unwrap()
    };
    for round in 0..1000 {
        let at = below(60);
        let mut edited: Vec<Vec<u8>> = lines.iter().map(|it| it.to_vec()).collect();
        let expected = match round % 6 {
            0 | 1 => {
                let byte = below(edited[at].len() - 1);
                edited[at][byte] ^= u8::try_from(1 + below(255)).unwrap();
                at
            }
            2 => {
                edited.remove(at);
                at
            }
            3 => {
                let other = (at + 1 + below(59)) % 60;
                edited.swap(at, other);
                at.min(other)
            }
            4 => {
                let copy = edited[at].clone();
                edited.insert(at, copy);
                at + 1
            }
            _ => {
                edited.truncate(at);
                at
            }
        };
        let report = verify_export(&mut &*edited.concat(), &trust).unwrap();
        assert_eq!(found(report).0, expected as u64 + 1, "round {round} at line {at}");
    }
}

#[test]
fn an_export_with_checkpoints_in_it_tells_of_edits_of_those_too() {
    let ledger = TestLedger::with(20, 7);
    let text = ledger.export();
    let lines: Vec<&str> = text.lines().collect();
    let checkpoint = lines.iter().position(|it| it.starts_with("{\"checkpoint\"")).unwrap();
    for byte in 0..lines[checkpoint].len() {
        let mut edited = text.clone().into_bytes();
        let start = lines[..checkpoint].iter().map(|it| it.len() + 1).sum::<usize>();
        edited[start + byte] ^= 1;
        assert!(verify_export(&mut &*edited, &Trust::default()).unwrap().bad.is_some(), "byte {byte}");
    }
}

#[test]
fn what_is_said_of_it_names_the_record() {
    let said = [
        (Fault::Changed, "record 7 was changed after it was written"),
        (Fault::Missing { found: Some(8) }, "record 7 is missing: record 8 stands in its place"),
        (Fault::Missing { found: None }, "record 7 is missing"),
        (Fault::Cut { known: 9 }, "the ledger ends before record 7, and a checkpoint vouches for 9 records"),
        (Fault::Forked { good: 5 }, "record 7 is not the one that was signed: the chain was rewritten after record 5"),
        (Fault::Unsigned, "the checkpoint at record 7 is not signed by a trusted key"),
    ];
    for (fault, text) in said {
        assert_eq!(Bad { sequence: 7, fault }.to_string(), text);
    }
}

#[test]
fn a_flipped_byte_in_the_file_is_seen_or_changes_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut ledger = TestLedger::with(200, 50);
    let trust = Trust { keys: vec![signer(1).public_key()], checkpoints: vec![ledger.checkpoint()] };
    ledger.connection.execute("VACUUM INTO ?1", [path.to_str().unwrap()]).unwrap();
    let (good, expected) = (std::fs::read(&path).unwrap(), ledger.export());
    let (entropy, mut seen) = (SeededEntropy::new(3), 0);
    for _ in 0..300 {
        let mut bytes = [0; 9];
        entropy.fill(&mut bytes);
        let mut bad = good.clone();
        let place = u64::from_le_bytes(bytes[..8].try_into().unwrap()) % good.len() as u64;
        bad[usize::try_from(place).unwrap()] ^= bytes[8].max(1);
        std::fs::write(&path, bad).unwrap();
        let connection = rusqlite::Connection::open(&path).unwrap();
        match verify(&connection, &trust) {
            Ok(Report { bad: None, .. }) => {
                let mut text = Vec::new();
                fairway_ledger::export(&connection, &mut text).unwrap();
                assert!(text == expected.as_bytes(), "byte {place}");
            }
            Ok(_) | Err(_) => seen += 1,
        }
    }
    assert!(seen > 100, "only {seen} of 300 were seen");
}
