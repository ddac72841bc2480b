use super::*;

const ONE: &str = "-----BEGIN CERTIFICATE-----\nb25l\n-----END CERTIFICATE-----";
const TWO: &str = "# ours\n-----BEGIN CERTIFICATE-----\ndHdv\n-----END CERTIFICATE-----\n";

#[test]
fn the_variable_counts_before_the_usual_files() {
    let folder = tempfile::tempdir().unwrap();
    let usual = folder.path().join("usual.pem");
    let missing = folder.path().join("missing.pem");
    fs::write(&usual, ONE).unwrap();
    let usual_files = [missing.as_path(), usual.as_path()];
    let find = |set: &[(&str, &str)]| {
        Bundle::find_among(|name| set.iter().find(|it| it.0 == name).map(|it| it.1.to_owned()), &usual_files)
    };
    assert_eq!(find(&[]).machine, Some(usual.clone()));
    assert_eq!(find(&[("SSL_CERT_FILE", "")]).machine, Some(usual.clone()));
    let named = find(&[("SSL_CERT_FILE", "/a"), (EXTRA, "/b")]);
    assert_eq!(named, Bundle { machine: Some("/a".into()), extra: Some("/b".into()) });
}

#[test]
fn what_is_added_stands_in_one_file_with_the_machines_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("machine"), ONE).unwrap();
    fs::write(at("extra"), TWO).unwrap();
    let alone = Bundle { machine: Some(at("machine")), extra: None };
    assert_eq!(alone.file(&at("both")).unwrap(), Some(at("machine")));
    let both = Bundle { extra: Some(at("extra")), ..alone };
    for _ in 0..2 {
        assert_eq!(both.file(&at("both")).unwrap(), Some(at("both")));
        assert_eq!(fs::read_to_string(at("both")).unwrap(), format!("{ONE}\n{TWO}"));
    }
    let variables = both.variables(&at("both")).unwrap();
    assert!(variables.contains(&("CARGO_HTTP_CAINFO", at("both"))), "{variables:?}");
    assert_eq!(
        Bundle { extra: None, ..both }.variables(&at("both")).unwrap(),
        [],
        "nothing is added: programs find theirs"
    );
    let only = Bundle { machine: None, extra: Some(at("extra")) };
    assert!(fs::read_to_string(only.file(&at("other")).unwrap().unwrap()).unwrap().contains("dHdv"));
    assert_eq!(Bundle::default().file(&at("none")).unwrap(), None);
}

#[test]
fn a_bundle_that_is_none_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("text"), "no certificate").unwrap();
    let cases = [at("missing"), at("text"), folder.path().to_owned()];
    for path in cases {
        let error = Bundle { machine: None, extra: Some(path.clone()) }.file(&at("both")).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        assert!(!at("both").exists());
    }
}
