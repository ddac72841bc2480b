use http_body_util::BodyExt;

use super::*;

async fn body(refusal: &Refusal, accept: &[&'static str]) -> (HeaderMap, String) {
    let headers = accept.iter().map(|it| (header::ACCEPT, HeaderValue::from_static(it))).collect();
    let response = refusal.answer(&headers);
    let headers = response.headers().clone();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (headers, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn a_refusal_is_text_or_problem_details_as_the_client_likes() {
    let refusal = Refusal::NoHost { host: "nobody.example".into() };
    let cases: &[(&[&str], bool)] = &[
        (&[], false),
        (&["*/*"], false),
        (&["text/html,application/xhtml+xml,*/*;q=0.8"], false),
        (&["application/json"], true),
        (&["application/problem+json, text/plain"], true),
        (&["text/plain, application/json"], false),
        (&["image/png", "application/vnd.api+json"], true),
    ];
    for (accept, json) in cases {
        let (headers, body) = body(&refusal, accept).await;
        assert!(body.contains("no route serves the host nobody.example"), "{accept:?}: {body}");
        assert_eq!(headers[header::CONTENT_TYPE] == "application/problem+json", *json, "{accept:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&body).is_ok(), *json);
    }
}

#[tokio::test]
async fn each_refusal_says_what_and_what_next() {
    let (route, backend) = (String::from("shop/web"), String::from("shop/web:80"));
    let unready = Refusal::NoEndpoint { route: route.clone(), backend: backend.clone() };
    let (headers, text) = body(&unready, &[]).await;
    assert_eq!(headers[header::RETRY_AFTER], "1");
    assert_eq!(
        text,
        "503 Service Unavailable\n\nroute shop/web: no endpoint of shop/web:80 is ready\nhint: try again in a moment; if it stays, see why the pods of the Service are not ready\n"
    );
    let all = [
        (Refusal::BadRequest("the Host header is not a host name"), 400),
        (Refusal::Connect, 405),
        (Refusal::NoRule { host: "a".into() }, 404),
        (Refusal::Starting, 503),
        (Refusal::Unresolved { route: route.clone() }, 500),
        (Refusal::Unreachable { route: route.clone(), backend: backend.clone() }, 502),
        (Refusal::Broken { route: route.clone(), backend: backend.clone() }, 502),
        (Refusal::TimedOut { route, backend }, 504),
        (Refusal::BodyStalled, 408),
    ];
    for (refusal, status) in all {
        let (_, text) = body(&refusal, &[]).await;
        assert!(text.starts_with(&status.to_string()) && text.contains("\nhint: "), "{text}");
    }
}
