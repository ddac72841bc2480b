use proptest::prelude::*;

use super::*;

/// A question as a stub resolver sends it; `edns` adds an OPT record with that size.
pub(in crate::network) fn question(name: &str, kind: u16, edns: Option<u16>) -> Vec<u8> {
    let mut out =
        [0x1234, 0x0100, 1, 0, 0, u16::from(edns.is_some())].into_iter().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
    for label in name.split('.').filter(|it| !it.is_empty()) {
        out.push(u8::try_from(label.len()).unwrap());
        out.extend(label.as_bytes());
    }
    out.extend([0, 0, u8::try_from(kind).unwrap(), 0, 1]);
    if let Some(size) = edns {
        out.push(0);
        out.extend([OPT, size, 0, 0, 0].into_iter().flat_map(u16::to_be_bytes));
    }
    out
}

/// Answer code, number of answers, whether it was cut.
pub(in crate::network) fn outcome(answer: &[u8]) -> (u8, u16, bool) {
    (answer[3] & 0x0f, u16::from_be_bytes([answer[6], answer[7]]), answer[2] & 0x02 != 0)
}

fn read(bytes: &[u8]) -> Query {
    match parse(bytes) {
        Parsed::Query(query) => query,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_question_is_read_and_sent_back_as_it_came() {
    let bytes = question("WeB.Shop.svc.cluster.local", A, Some(4096));
    let query = read(&bytes);
    assert_eq!((query.name.join("."), query.kind, query.edns), ("web.shop.svc.cluster.local".into(), A, Some(4096)));
    let answer = encode(&query, &Reply::of(vec![Record::Address("10.96.0.20".parse().unwrap())]), false);
    assert_eq!(answer[..2], [0x12, 0x34]);
    assert_eq!(answer[2..4], [0x85, 0x80], "an authoritative answer with recursion");
    let end = 12 + "WeB.Shop.svc.cluster.local".len() + 6;
    assert_eq!(answer[12..end], bytes[12..end], "the spelling of the question is kept");
    assert_eq!(answer[end..end + 16], [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 96, 0, 20]);
    assert_eq!(answer[end + 16..], [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0], "EDNS is answered with EDNS");
}

#[test]
fn a_name_without_records_says_for_how_long() {
    let query = read(&question("nobody", AAAA, None));
    let answer = encode(&query, &Reply::failure(Rcode::NoSuchName), false);
    assert_eq!(outcome(&answer), (3, 0, false));
    assert_eq!(answer[8..10], [0, 1], "one authority record");
    assert_eq!(answer[answer.len() - 4..], [0, 0, 0, 5]);
    let refused = encode(&query, &Reply::failure(Rcode::Refused), false);
    assert_eq!((outcome(&refused), &refused[8..10]), ((5, 0, false), &[0, 0][..]));
}

#[test]
fn what_is_no_proper_question_is_refused_or_dropped() {
    let good = question("a.b", A, None);
    let change = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let pointer = [&good[..12], &[0xc0, 12, 0, 1, 0, 1]].concat();
    let long = [&good[..12], &[&[63u8][..], &[b'a'; 63]].concat().repeat(5), &[0, 0, 1, 0, 1]].concat();
    let two_opts = {
        let mut it = question("a", A, Some(512));
        it[11] = 2;
        it.extend([0, 0, 41, 2, 0, 0, 0, 0, 0, 0, 0]);
        it
    };
    let cases = [
        ("an answer", change(2, 0x81), None),
        ("too short", good[..11].to_vec(), None),
        ("nothing", vec![], None),
        ("another opcode", change(2, 0x29), Some(Rcode::NotImplemented)),
        ("two questions", change(5, 2), Some(Rcode::FormatError)),
        ("no question", change(5, 0), Some(Rcode::FormatError)),
        ("an answer section", change(7, 1), Some(Rcode::FormatError)),
        ("cut in the name", good[..14].to_vec(), Some(Rcode::FormatError)),
        ("cut in the type", good[..good.len() - 3].to_vec(), Some(Rcode::FormatError)),
        ("a pointer", pointer, Some(Rcode::FormatError)),
        ("a name of 320 bytes", long, Some(Rcode::FormatError)),
        ("two OPT records", two_opts, Some(Rcode::FormatError)),
        ("class CHAOS", change(good.len() - 1, 3), Some(Rcode::Refused)),
    ];
    for (case, bytes, expected) in cases {
        match (parse(&bytes), expected) {
            (Parsed::Nothing, None) => {}
            (Parsed::Refused(answer), Some(rcode)) => {
                assert_eq!(
                    (outcome(&answer).0, answer.len(), &answer[..2]),
                    (rcode as u8, 12, &[0x12, 0x34][..]),
                    "{case}"
                );
            }
            (other, _) => panic!("{case}: {other:?}"),
        }
    }
}

#[test]
fn an_answer_too_long_for_a_datagram_is_cut_and_whole_on_a_stream() {
    let many = Reply::of(vec![Record::Service { port: 80, target: vec!["a".repeat(60); 3] }; 10]);
    for (edns, stream, cut) in
        [(None, false, true), (Some(512), false, true), (Some(65535), false, true), (None, true, false)]
    {
        let query = read(&question("_http._tcp.web", SRV, edns));
        let answer = encode(&query, &many, stream);
        assert_eq!(outcome(&answer), (0, if cut { 0 } else { 10 }, cut), "{edns:?} {stream}");
        assert!(stream || answer.len() <= 512);
    }
    let few = Reply::of(vec![Record::Service { port: 80, target: vec!["a".repeat(60); 3] }; 4]);
    let query = |edns| read(&question("_http._tcp.web", SRV, edns));
    assert!(outcome(&encode(&query(None), &few, false)).2);
    assert_eq!(outcome(&encode(&query(Some(1232)), &few, false)), (0, 4, false), "the asker takes more");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Parsed::Query(query) = parse(&bytes) {
            let answer = encode(&query, &Reply::failure(Rcode::NoSuchName), false);
            prop_assert!(answer.len() <= bytes.len() + 100, "an answer must not be a weapon");
        }
    }

    #[test]
    fn no_change_of_a_good_question_makes_it_panic(at in 0usize..60, byte in any::<u8>(), cut in 0usize..60) {
        let mut bytes = question("web.shop.svc.cluster.local", A, Some(1232));
        let at = at.min(bytes.len() - 1);
        bytes[at] = byte;
        bytes.truncate(bytes.len().saturating_sub(cut));
        if let Parsed::Query(query) = parse(&bytes) {
            encode(&query, &Reply::of(vec![Record::Address("::1".parse().unwrap())]), true);
        }
    }
}
