use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body_util::Full;

use super::{Broken, Feed};

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("packed");
    encoder.finish().expect("packed")
}

fn feed(encoding: Option<&'static str>, bytes: Vec<u8>) -> Result<Feed<Full<Bytes>>, Broken> {
    let mut headers = HeaderMap::new();
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, encoding.parse().expect("a header"));
    }
    Feed::new(Full::new(bytes.into()), &headers)
}

async fn all(mut feed: Feed<Full<Bytes>>) -> Result<Vec<u8>, Broken> {
    let mut all = Vec::new();
    while let Some(piece) = feed.next().await? {
        assert!(!piece.is_empty() && piece.len() <= 8 << 20, "a piece of {} bytes", piece.len());
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

#[tokio::test]
async fn what_was_packed_is_unpacked_piece_by_piece() {
    let text: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
    assert_eq!(all(feed(None, text.clone()).expect("a feed")).await.expect("all"), text);
    assert_eq!(all(feed(Some("gzip"), packed(&text)).expect("a feed")).await.expect("all"), text);
    // Forty megabytes of nothing, in forty kilobytes, never at once.
    let bomb = packed(&vec![0; 40 << 20]);
    assert_eq!(all(feed(Some("gzip"), bomb).expect("a feed")).await.expect("all").len(), 40 << 20);
}

#[tokio::test]
async fn what_is_broken_says_so() {
    let whole = packed(b"0032want 56b56867cef0935dbc934bd6003dd2600725eb32\n");
    let cut = whole[..whole.len() - 9].to_vec();
    assert_eq!(all(feed(Some("gzip"), cut).expect("a feed")).await, Err(Broken::Encoding));
    assert_eq!(all(feed(Some("gzip"), b"no gzip at all".to_vec()).expect("a feed")).await, Err(Broken::Encoding));
    assert!(feed(Some("br"), Vec::new()).is_err());
}
