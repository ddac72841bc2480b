use super::*;

#[test]
fn the_reason_is_found_in_what_was_printed() {
    let cases = [
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated…\n    \
             starlette==1.10.0 from https://files.pythonhosted.org/x.whl (from -r requirements.lock (line 1)):\n        \
             Expected sha256 aaa\n             Got        bbb\n",
            "package starlette==1.10.0 is not the one of the lock file: its hash differs",
        ),
        (
            "ERROR: Hashes are required in --require-hashes mode, but they are missing from some requirements here.",
            "the lock file has a package without a hash",
        ),
        (
            "WARNING: 401 Error, Credentials not correct for https://ada:secret@pypi.example.com/simple/x/\n\
             ERROR: No matching distribution found for x==1\n",
            "the package index pypi.example.com refuses: it wants a name and a password",
        ),
        (
            "WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by 'NewConnectionError': /simple/h11/\n\
             \u{1b}[31mERROR: No matching distribution found for h11==0.16.0\u{1b}[0m\n",
            "package h11==0.16.0 cannot be fetched: the package index does not answer, and no copy of it is kept",
        ),
        ("ERROR: No matching distribution found for h12==9", "there is no package h12==9 for this system"),
        ("npm error code EINTEGRITY\nnpm error sha512-x integrity checksum failed", "its hash differs"),
        ("npm ERR! code ENOTFOUND\nnpm ERR! network", "the package index does not answer"),
        (
            "npm error code E401\nnpm error 401 Unauthorized - GET https://npm.example.com/x",
            "the package index npm.example.com refuses",
        ),
    ];
    for (log, wanted) in cases {
        let said = why(log).unwrap_or_default();
        assert!(said.contains(wanted) && !said.contains("secret"), "{said:?} instead of {wanted:?}");
    }
}

#[test]
fn other_logs_have_none_and_hostile_ones_do_no_harm() {
    for log in ["", "test a ... FAILED", "npm error code ELIFECYCLE", "ERROR: something", "npm error code "] {
        assert_eq!(why(log), None, "{log:?}");
    }
    let long = format!("No matching distribution found for {}", "ä".repeat(10_000));
    assert!(why(&long).is_some_and(|it| it.len() < 300));
    assert!(why("THESE PACKAGES DO NOT MATCH THE HASHES").is_some());
}
