use serde_json::json;

use super::*;

fn probe(extra: serde_json::Value) -> Probe {
    let mut probe = json!({ "periodSeconds": 2, "failureThreshold": 2 });
    probe.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    serde_json::from_value(probe).unwrap()
}

#[test]
fn tries_before_the_first_success_are_dense_and_count_once_a_period() {
    let probe = probe(json!({}));
    let mut count = Count::new(&probe, Kind::Readiness);
    let (mut passed, mut counted, mut tries) = (Duration::ZERO, Vec::new(), 0);
    let no = loop {
        tries += 1;
        let (is_counted, said) = count.failure(&probe);
        if is_counted {
            counted.push(passed);
        }
        if matches!(said, Some(Said::No)) {
            break passed;
        }
        passed += count.pause(&probe);
    };
    assert!(tries > 15, "{tries}");
    assert_eq!(counted.len(), 2);
    assert!(no >= Duration::from_secs(4), "{no:?}");
    assert!(matches!(count.success(&probe), Some(Said::Yes)));
    assert_eq!(count.pause(&probe), Duration::from_secs(2));
}

#[test]
fn thresholds_turn_a_probe_only_once() {
    let probe = probe(json!({ "successThreshold": 2 }));
    let mut count = Count::new(&probe, Kind::Liveness);
    assert!(count.failure(&probe).1.is_none());
    assert!(matches!(count.failure(&probe).1, Some(Said::No)));
    assert!(count.failure(&probe).1.is_none());
    assert!(count.success(&probe).is_none());
    assert!(matches!(count.success(&probe), Some(Said::Yes)));
    assert!(count.success(&probe).is_none());
}

#[test]
fn requests_carry_the_probes_headers_and_no_forged_ones() {
    let http: HTTPGetAction = serde_json::from_value(json!({
        "port": 80, "path": "healthz\r\nX: y",
        "httpHeaders": [{ "name": "Host", "value": "app.test" }, { "name": "Bad", "value": "a\r\nEvil: 1" }]
    }))
    .unwrap();
    let text = request("10.244.0.2".parse().unwrap(), &http);
    assert!(text.starts_with("GET /healthzX:y HTTP/1.1\r\n"), "{text}");
    assert!(text.contains("Host: app.test\r\n") && !text.contains("Evil"), "{text}");
    assert!(!text.contains("Host: 10.244.0.2"));
}

#[test]
fn answers_are_read_or_refused() {
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\n", Some(200)),
        ("HTTP/1.0 503\r\n", Some(503)),
        ("SSH-2.0-x\r\n", None),
        ("", None),
        ("HTTP/1.1 abc\r\n", None),
    ] {
        assert_eq!(code(answer.as_bytes()), expected, "{answer}");
    }
}
