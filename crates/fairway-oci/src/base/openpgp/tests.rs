//! Signatures of Debian itself, and what becomes of them when somebody lays hands on them.

use jiff::Timestamp;

use super::{Keys, VerifyText};
use crate::base::known::archive_keys;

/// A text that GnuPG signed, with a key of ours of which only the public half is kept.
const SIGNED: &str = include_str!("tests/signed.asc");

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn key() -> Keys {
    Keys::parse(include_str!("tests/key.asc")).unwrap()
}

#[test]
fn the_keys_of_the_archive_are_those_that_debian_publishes() {
    let keys = archive_keys().unwrap();
    let fingerprints: Vec<_> = keys.0.iter().map(|it| super::hex(&it.fingerprint)).collect();
    for expected in [
        "B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8",
        "4CB50190207B4758A3F73A796ED0E7B82643E131",
        "05AB90340C0C5E797F44A8C8254CF3B5AEC0A8F0",
        "B0CAB9266E8C3929798B3EEEBDE6D2B9216EC7A8",
        "4D64FEC119C2029067D6E791F8D2585B8783D481",
    ] {
        assert!(fingerprints.iter().any(|it| it == expected), "{expected} is missing");
    }
    assert_eq!(fingerprints.len(), 9, "a key that nobody expects: {fingerprints:?}");
}

#[test]
fn a_text_that_debian_signed_is_believed_with_an_rsa_key_and_with_an_ed25519_key() {
    let debian = include_bytes!("tests/debian.asc");
    let signed = archive_keys().unwrap().verify(debian, now()).unwrap();
    assert!(signed.text.starts_with("Origin: Debian\n") && signed.text.contains("\nCodename: bookworm-updates\n"));
    assert_eq!(signed.by, "4CB50190207B4758A3F73A796ED0E7B82643E131");
    let signed = key().verify(SIGNED.as_bytes(), now()).unwrap();
    assert_eq!(signed.text, "Origin: Debian\n- a line with a hyphen\n\ntrailing spaces\nlast\n");
}

#[test]
fn a_text_that_was_altered_is_refused_wherever_it_was() {
    for (from, to) in [("Origin", "origin"), ("last", "lost"), ("\n\ntrailing", "\ntrailing"), ("- - a", "- a")] {
        let altered = SIGNED.replacen(from, to, 1);
        assert_ne!(altered, SIGNED);
        let error = key().verify(altered.as_bytes(), now()).unwrap_err();
        assert!(matches!(error, VerifyText::Altered { .. }), "{from}: {error}");
    }
    // Line ends and spaces before them are not signed, and so are not given back.
    let spaced = SIGNED.replacen("last\n", "last \t\r\n", 1);
    assert!(key().verify(spaced.as_bytes(), now()).unwrap().text.ends_with("last\n"));
}

#[test]
fn what_stands_around_the_text_is_refused_and_never_read() {
    let end = "-----END PGP SIGNATURE-----";
    let rows = [
        (String::new(), "it does not begin as one"),
        (format!("Evil: yes\n{SIGNED}"), "it does not begin as one"),
        (format!("{SIGNED}Evil: yes\n"), "something stands behind its signature, or its end is missing"),
        (SIGNED.replace(end, ""), "something stands behind its signature, or its end is missing"),
        (SIGNED.replacen("Hash: ", "Comment: ", 1), "it has a header that is not understood"),
        (SIGNED.replacen("- - a", "-a", 1), "a line begins with a hyphen"),
        (SIGNED.split("-----BEGIN PGP SIGNATURE").next().unwrap().to_owned(), "its signature is missing"),
        (SIGNED.replacen("Origin", "Or\rigin", 1), "a line holds a carriage return or NUL"),
    ];
    for (text, why) in rows {
        assert_eq!(key().verify(text.as_bytes(), now()).unwrap_err(), VerifyText::NotSigned(why));
    }
    assert!(key().verify(b"-----BEGIN PGP SIGNED MESSAGE-----\n\xff", now()).is_err());
}

#[test]
fn a_key_that_is_not_on_the_list_does_not_count() {
    let error = archive_keys().unwrap().verify(SIGNED.as_bytes(), now()).unwrap_err();
    let VerifyText::NotTrusted { by } = error else { panic!("{error}") };
    assert_eq!(by.len(), 1);
    assert!(matches!(
        Keys::parse("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"),
        Err(VerifyText::BadPacket(_))
    ));
}

#[test]
fn a_signature_from_the_future_is_refused() {
    let early = "2020-01-01T00:00:00Z".parse().unwrap();
    assert!(matches!(key().verify(SIGNED.as_bytes(), early), Err(VerifyText::InFuture { .. })));
}

#[test]
fn broken_signatures_are_errors_and_never_panics() {
    let (text, signature) = SIGNED.split_once("-----BEGIN PGP SIGNATURE-----\n\n").unwrap();
    let lines: Vec<&str> = signature.lines().take_while(|it| !it.starts_with(['=', '-'])).collect();
    let bytes =
        super::armor::decode(&format!("-----BEGIN X-----\n\n{}\n-----END X-----\n", lines.concat()), "X").unwrap();
    let armored = |bytes: &[u8]| {
        use base64::Engine as _;
        let body = base64::engine::general_purpose::STANDARD.encode(bytes);
        format!("{text}-----BEGIN PGP SIGNATURE-----\n\n{body}\n-----END PGP SIGNATURE-----\n")
    };
    assert!(key().verify(armored(&bytes).as_bytes(), now()).is_ok());
    for length in 0..bytes.len() {
        assert!(key().verify(armored(&bytes[..length]).as_bytes(), now()).is_err(), "cut at {length}");
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        // Two bytes that help to guess the key, and notes outside of what is signed, may be anything.
        let _ = key().verify(armored(&changed).as_bytes(), now());
    }
}
