use serde_json::json;

use super::*;

/// A field of bytes.
fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(content.len()).unwrap()], content].concat()
}

/// A field of any number of bytes.
fn long(number: u64, content: &[u8]) -> Vec<u8> {
    let mut field = varint(number << 3 | 2);
    field.extend(varint(content.len() as u64));
    field.extend(content);
    field
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

fn body(kind: &str, raw: &[u8]) -> Vec<u8> {
    body_of("v1", kind, raw)
}

fn body_of(version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let type_meta = [bytes(1, version.as_bytes()), bytes(2, kind.as_bytes())].concat();
    [MAGIC.to_vec(), bytes(1, &type_meta), long(2, raw), bytes(3, b""), bytes(4, b"")].concat()
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
fn what_the_real_ones_write_is_read_as_their_json() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/protobuf");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "pb") {
            let expected: Value = serde_json::from_slice(&std::fs::read(path.with_extension("json")).unwrap()).unwrap();
            assert_eq!(decode(&std::fs::read(&path).unwrap()).unwrap(), expected, "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 0, "{folder} holds no cases");
}

#[test]
fn other_kinds_are_refused_with_what_to_do_instead() {
    let error = decode(&body("Boat", b"")).unwrap_err();
    assert_eq!(error.code, 415);
    assert!(error.message.contains("Boat") && error.message.contains("send JSON"), "{error}");
}

#[test]
fn what_is_zero_is_written_where_go_writes_it() {
    // replicas is a pointer and was set; minReadySeconds is plain and was not.
    let spec = bytes(2, &[1 << 3, 0, 5 << 3, 0]);
    let deployment = body_of("apps/v1", "Deployment", &[bytes(1, b""), spec].concat());
    assert_eq!(decode(&deployment).unwrap()["spec"], json!({ "replicas": 0 }));
}

#[test]
fn what_nests_too_deep_or_holds_too_much_is_refused() {
    // not: not: not: …
    let mut schema = Vec::new();
    for _ in 0..2000 {
        schema = long(28, &schema);
    }
    let validation = long(1, &schema);
    let version = long(4, &validation);
    let spec = long(7, &version);
    let deep = body_of("apiextensions.k8s.io/v1", "CustomResourceDefinition", &long(2, &spec));
    let error = decode(&deep).unwrap_err();
    assert!(error.code == 400 && error.message.contains("levels of nesting"), "{error}");
    let many = body_of("v1", "Pod", &long(2, &[2 << 3 | 2, 0].repeat(200_000)));
    let error = decode(&many).unwrap_err();
    assert!(error.code == 400 && error.message.contains("values"), "{error}");
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
        for kind in ["Pod", "Secret", "DeleteOptions"] {
            let _ = decode(&body(kind, &raw));
        }
    }
}
