use http::Request;
use http::header::AUTHORIZATION;

use super::password;

fn with(headers: &[&str]) -> Option<String> {
    let mut request = Request::get("/git/a/b.git/info/refs");
    for header in headers {
        request = request.header(AUTHORIZATION, *header);
    }
    password(&request.body(()).expect("a request").into_parts().0)
}

#[test]
fn the_password_is_taken_and_the_name_is_not() {
    assert_eq!(with(&["Basic bG9jYWw6dG9rZW4="]).as_deref(), Some("token"));
    assert_eq!(with(&["basic  bG9jYWw6dG86a2Vu"]).as_deref(), Some("to:ken"));
    assert_eq!(with(&["Basic Og=="]).as_deref(), Some(""));
}

#[test]
fn what_is_no_basic_authentication_is_left_to_others() {
    for headers in [
        &[][..],
        &["Bearer token"],
        &["Basic"],
        &["Basic !!!"],
        &["Basic bm9jb2xvbg=="],
        &["Basic /////w=="],
        &["Basic bG9jYWw6dG9rZW4=", "Bearer other"],
    ] {
        assert_eq!(with(headers), None, "{headers:?}");
    }
}
