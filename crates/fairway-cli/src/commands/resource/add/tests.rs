use super::*;

fn postgres() -> ResourceClass {
    resource::builtin().remove(0)
}

#[test]
fn a_service_gets_the_url_where_there_is_one_and_else_all_of_it() {
    let named = |outputs: &[&str]| variables("my-reports", outputs).into_iter().map(|it| it.0).collect::<Vec<_>>();
    assert_eq!(named(&["host", "url"]), ["MY_REPORTS_URL"]);
    assert_eq!(named(&["host", "port"]), ["MY_REPORTS_HOST", "MY_REPORTS_PORT"]);
    assert_eq!(variables("db", &["url"])[0].1, "${resources.db.url}");
}

#[test]
fn a_class_is_named_only_where_its_type_would_not_do() {
    let add = Add { plan: Some("small".to_owned()), ..Add::default() };
    assert_eq!(need(&add, &postgres()).class, None);
    let mut other = postgres();
    other.metadata.name = Some("big-postgres".to_owned());
    let need = need(&add, &other);
    assert_eq!((need.class_name(), need.r#type.as_str()), ("big-postgres", "postgres"));
}

#[test]
fn a_name_that_is_taken_and_a_file_that_would_not_be_in_order_are_refused() {
    let file = "apiVersion: score.dev/v1b1\nmetadata: { name: api }\ncontainers: { web: { image: . } }\nresources: { db: { type: postgres } }\n";
    let add = |name: &str| Add { name: name.to_owned(), kind: "postgres".to_owned(), ..Add::default() };
    assert!(is_new(file, &add("db")).is_err());
    assert!(is_new(file, &add("reports")).is_ok() && checked(file, file).is_ok());
    let bad = file.replace("db:", "Bad_Name:");
    assert!(checked(&bad, file).is_err());
}
