use super::*;

#[test]
fn a_line_about_listening_names_where() {
    for (line, found) in [
        ("listening on http://0.0.0.0:8081", Some((Some("0.0.0.0"), 8081))),
        ("INFO:     Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)", Some((Some("127.0.0.1"), 8000))),
        ("Serving HTTP on 0.0.0.0 port 8000 (http://0.0.0.0:8000/) ...", Some((Some("0.0.0.0"), 8000))),
        ("12:30:05 server started on port 3000", Some((None, 3000))),
        ("Server listening on :9090", Some((Some(""), 9090))),
        ("listening on *:3000", Some((Some("*"), 3000))),
        ("{\"level\":\"info\",\"message\":\"listening\",\"port\":8081}", Some((Some(""), 8081))),
        ("level=info msg=\"server listening\" port=8081", Some((None, 8081))),
        ("the hour is 12:30", None),
        ("listening failed: 0.0.0.0:80: permission denied", None),
        ("listening since 12:30", None),
    ] {
        assert_eq!(listens(line), found, "{line}");
    }
}

#[test]
fn a_line_about_a_call_names_whom() {
    for (line, found) in [
        ("connection to server at \"db\" (10.96.0.5), port 5432 failed: Connection refused", Some(("db", 5432))),
        ("connection to server at \"10.96.0.5\", port 5432 failed: Connection refused", Some(("10.96.0.5", 5432))),
        ("dial tcp 10.96.0.12:5432: connect: connection refused", Some(("10.96.0.12", 5432))),
        ("Error: connect ECONNREFUSED 10.96.0.12:6379", Some(("10.96.0.12", 6379))),
        ("Can't create a connection to host db and port 5432 (timeout is None)", Some(("db", 5432))),
        ("Error 111 connecting to cache:6379. Connection refused.", Some(("cache", 6379))),
        ("2024-05-01T12:30:05 all is well", None),
    ] {
        assert_eq!(called(line), found, "{line}");
    }
}

#[test]
fn what_stands_between_is_found_in_any_case() {
    assert_eq!(between("FATAL:  Password authentication failed for user \"app\"", "for user \"", "\""), Some("app"));
    assert_eq!(between("getaddrinfo ENOTFOUND ordres.", "enotfound ", ""), Some("ordres"));
    assert_eq!(between("nothing", "some", ""), None);
    assert_eq!(words("call http://ordres:80/x: no").collect::<Vec<_>>(), ["call", "http", "ordres", "80", "x", "no"]);
}
