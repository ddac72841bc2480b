use serde_json::json;

use super::*;

/// A field of bytes.
fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(content.len()).unwrap()], content].concat()
}

fn body(kind: &str, raw: &[u8]) -> Vec<u8> {
    let type_meta = [bytes(1, b"v1"), bytes(2, kind.as_bytes())].concat();
    [MAGIC.to_vec(), bytes(1, &type_meta), bytes(2, raw), bytes(3, b""), bytes(4, b"")].concat()
}

#[test]
fn an_object_comes_out_as_its_json() {
    let label = bytes(11, &[bytes(1, b"app"), bytes(2, b"web")].concat());
    let meta = [bytes(1, b"x"), bytes(2, b""), bytes(8, &[]), label].concat();
    let entry = bytes(2, &[bytes(1, b"key"), bytes(2, b"value")].concat());
    let raw = [bytes(1, &meta), entry, vec![4 << 3, 1]].concat();
    let expected = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x", "labels": { "app": "web" } },
        "data": { "key": "value" }, "immutable": true,
    });
    assert_eq!(decode(&body("ConfigMap", &raw)).unwrap(), expected);
}

#[test]
fn bytes_become_base64_and_numbers_keep_their_sign() {
    let raw = bytes(2, &[bytes(1, b"k"), bytes(2, &[0xff])].concat());
    assert_eq!(decode(&body("Secret", &raw)).unwrap()["data"]["k"], "/w==");
    let minus_one = [vec![1 << 3], vec![0xff; 9], vec![1]].concat();
    assert_eq!(decode(&body("DeleteOptions", &minus_one)).unwrap()["gracePeriodSeconds"], -1);
}

#[test]
fn other_kinds_are_refused_with_what_to_do_instead() {
    let error = decode(&body("Deployment", b"")).unwrap_err();
    assert_eq!(error.code, 415);
    assert!(error.message.contains("Deployment") && error.message.contains("send JSON"), "{error}");
}

#[test]
fn what_is_cut_or_wrong_is_refused_and_never_a_fault() {
    let whole = body("ConfigMap", &bytes(1, &bytes(1, b"x")));
    for end in 0..whole.len() {
        let _ = decode(&whole[..end]);
    }
    let cases: [&[u8]; 5] =
        [b"", b"{}", b"k8s\0\x0a\xff", b"k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"k8s\0\x0b"];
    for it in cases {
        assert_eq!(decode(it).unwrap_err().code, 400, "{it:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_an_object_or_an_error(raw: Vec<u8>) {
        let _ = decode(&[MAGIC, raw.as_slice()].concat());
        let _ = fields(&raw).and_then(|_| read(message("ConfigMap").unwrap(), &raw, DEPTH));
    }
}
