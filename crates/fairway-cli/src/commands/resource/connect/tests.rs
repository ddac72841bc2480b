use super::*;

fn values() -> BTreeMap<String, String> {
    [
        ("host", "my-api-db"),
        ("port", "5432"),
        ("name", "my_api_db"),
        ("username", "app_a"),
        ("password", "hush"),
        ("url", "postgresql://app_a:hush@my-api-db:5432/my_api_db"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

fn here() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 15432))
}

#[test]
fn what_a_service_is_told_leads_to_this_machine() {
    let told = from_here(values(), here()).unwrap();
    assert_eq!((told.remote, told.values["host"].as_str(), told.values["port"].as_str()), (5432, "127.0.0.1", "15432"));
    assert_eq!(told.values["url"], "postgresql://app_a:hush@127.0.0.1:15432/my_api_db");
    for (missing, wrong) in [("port", None), ("host", None), ("port", Some("many"))] {
        let mut values = values();
        values.remove(missing);
        values.extend(wrong.map(|it| (missing.to_owned(), it.to_owned())));
        assert!(from_here(values, here()).is_none());
    }
}

#[test]
fn a_password_is_shown_only_to_whoever_asks() {
    let told = from_here(values(), here()).unwrap().values;
    let plain = shown(&told, "my-api-db", "staging", here(), false);
    assert!(plain.contains("url       postgresql://app_a@127.0.0.1:15432/my_api_db\n"), "{plain}");
    assert!(!plain.contains("hush") && plain.contains("--show-password"), "{plain}");
    let asked = shown(&told, "my-api-db", "staging", here(), true);
    assert!(asked.contains("app_a:hush@127.0.0.1") && asked.contains("password  hush"), "{asked}");
}

#[test]
fn variables_are_named_as_the_service_calls_it() {
    for (name, component, wanted) in [
        ("my-api-db", Some("my-api"), "DB_URL"),
        ("my-api-big-db", Some("my-api"), "BIG_DB_URL"),
        ("my-api-db", None, "MY_API_DB_URL"),
        ("reports", Some("my-api"), "REPORTS_URL"),
    ] {
        let found = variables(&need(name, component), &values());
        assert!(
            found.iter().any(|it| it.0 == wanted),
            "{wanted}: {:?}",
            found.iter().map(|it| &it.0).collect::<Vec<_>>()
        );
    }
}
