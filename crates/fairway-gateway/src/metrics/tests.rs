use http::StatusCode;

use super::*;

#[test]
fn counts_by_class_and_bucket_and_forgets_routes_that_are_gone() {
    let metrics = Metrics::default();
    metrics.of("shop/web").count(StatusCode::OK, Duration::from_micros(900), true);
    metrics.of("shop/web").count(StatusCode::NOT_FOUND, Duration::from_millis(1), true);
    metrics.of("shop/web").count(StatusCode::BAD_GATEWAY, Duration::from_mins(1), false);
    metrics.of("").count(StatusCode::NOT_FOUND, Duration::ZERO, true);
    let all = metrics.snapshot();
    assert_eq!(all.iter().map(|it| it.route.as_str()).collect::<Vec<_>>(), ["", "shop/web"]);
    assert_eq!(all[1].requests, 3);
    assert_eq!(all[1].by_class, [0, 1, 0, 1, 1]);
    assert_eq!((all[1].latency[0], all[1].latency[1], all[1].latency[BUCKETS_MS.len()]), (1, 1, 1));
    assert_eq!((all[1].aborted, all[1].total_us), (1, 60_001_900));
    metrics.retain(|_| false);
    assert_eq!(metrics.snapshot().len(), 1, "requests without a route stay counted");
}
