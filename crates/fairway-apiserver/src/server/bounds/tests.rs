use http::Method;

use super::*;

fn asked(method: &Method, query: &str) -> Result<Option<Duration>, ApiError> {
    let query = Query::parse(Some(query)).unwrap();
    let info = RequestInfo::parse(method, "/api/v1/namespaces/default/configmaps", &query).unwrap();
    time(&info, &query)
}

#[test]
fn writes_have_34_seconds_or_less_if_they_ask_and_reads_go_on() {
    let seconds = |it| Ok(Some(Duration::from_secs(it)));
    assert_eq!(asked(&Method::POST, ""), seconds(34));
    assert_eq!(asked(&Method::POST, "timeout=32s"), seconds(32));
    assert_eq!(asked(&Method::DELETE, "timeout=10m0s"), seconds(34));
    assert_eq!(asked(&Method::POST, "timeout=0s"), seconds(34));
    assert_eq!(asked(&Method::GET, ""), Ok(None));
    assert_eq!(asked(&Method::GET, "watch=true&timeout=5s"), Ok(None));
    for wrong in ["timeout=soon", "timeout=-1s"] {
        assert_eq!(asked(&Method::POST, wrong).unwrap_err().code, 400, "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_takes_longer_is_not_waited_for() {
    let for_ever = std::future::pending::<Result<(), ApiError>>();
    let error = within(Some(WRITE_TIME), for_ever).await.unwrap_err();
    assert_eq!((error.code, error.reason), (504, "Timeout"));
    assert_eq!(within(Some(WRITE_TIME), async { Ok(7) }).await, Ok(7));
}
