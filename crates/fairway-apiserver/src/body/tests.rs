use bytes::Bytes;
use http_body::Body as _;

use super::Body;

fn pieces(pieces: &'static [&'static str]) -> Body {
    Body::stream(futures::stream::iter(pieces.iter().map(|it| Ok(Bytes::from_static(it.as_bytes())))))
}

#[tokio::test]
async fn a_body_is_read_whole_up_to_the_limit_and_refused_beyond_it() {
    assert_eq!(pieces(&["ab", "cd"]).read_whole(4).await.expect("whole"), "abcd");
    assert_eq!(Body::empty().read_whole(0).await.expect("whole"), "");
    let refused = pieces(&["ab", "cd"]).read_whole(3).await.expect_err("too long");
    assert_eq!((refused.code, refused.message.as_str()), (413, "Request entity too large: limit is 3"));
    let broken = Body::stream(futures::stream::once(async { Err("gone".into()) }));
    assert_eq!(broken.read_whole(3).await.expect_err("broken").code, 400);
}

#[tokio::test]
async fn a_carried_body_keeps_its_bytes_and_an_empty_one_is_known_to_be() {
    assert!(Body::carry(Body::empty()).is_end_stream());
    assert_eq!(Body::carry(pieces(&["ab", "cd"])).read_whole(10).await.expect("whole"), "abcd");
}
