use super::*;

#[test]
fn quantities_are_written_in_their_canonical_form() {
    for (text, expected) in [
        ("0", "0"),
        ("0Gi", "0"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("0.5", "500m"),
        ("1.5", "1500m"),
        (".5", "500m"),
        ("5.", "5"),
        ("1000", "1k"),
        ("1000000", "1M"),
        ("1001", "1001"),
        ("1024Ki", "1Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Gi", "512Mi"),
        ("1023Mi", "1023Mi"),
        ("0.5Ki", "512"),
        ("100Ki", "100Ki"),
        ("1e3", "1e3"),
        ("1000e0", "1e3"),
        ("1E3", "1e3"),
        ("1E", "1E"),
        ("12e-1", "1200e-3"),
        ("-1500m", "-1500m"),
        ("+2", "2"),
        ("1n", "1n"),
        ("0.1n", "1n"),
        ("1.0000000001", "1000000001n"),
        ("100000000000000000000000", "9223372036854775807"),
        ("1e1000", "9223372036854775807e0"),
    ] {
        let canonical = text.parse::<Quantity>().unwrap().to_string();
        let expected = expected.strip_suffix("e0").unwrap_or(expected);
        assert_eq!(canonical, expected, "{text}");
        assert_eq!(canonical.parse::<Quantity>().unwrap().to_string(), canonical, "canonical stays canonical: {text}");
    }
}

#[test]
fn what_is_no_quantity_is_refused_in_the_words_of_go() {
    let format = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    for (text, expected) in [
        ("", format),
        ("1x", format),
        ("a", format),
        ("-", format),
        ("1.2.3", format),
        ("1 Gi", format),
        ("1Kii", "unable to parse quantity's suffix"),
        ("1e99999", "unable to parse quantity's suffix"),
        ("1KM", "unable to parse quantity's suffix"),
    ] {
        assert_eq!(text.parse::<Quantity>().unwrap_err().to_string(), expected, "{text:?}");
    }
}

#[test]
fn amounts_compare_whatever_they_are_written_in() {
    let parse = |text: &str| text.parse::<Quantity>().unwrap();
    assert_eq!(parse("1Gi"), parse("1024Mi"));
    assert!(parse("1G") < parse("1Gi"));
    assert!(parse("999m") < parse("1"));
    assert_eq!((parse("1Gi").units(), parse("100m").units(), parse("100m").milli()), (1 << 30, 1, 100));
    assert_eq!(parse("500m").plus(parse("0.5")).to_string(), "1");
    assert_eq!(parse("1Gi").minus(parse("512Mi")).to_string(), "512Mi");
    assert!(parse("-1").is_negative() && parse("0Mi").is_zero());
}
