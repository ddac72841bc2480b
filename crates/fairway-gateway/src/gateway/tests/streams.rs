//! Bodies, trailers and tunnels pass through as they come.

use bytes::Bytes;
use futures::StreamExt;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::super::*;
use super::bench::{Answer, Backend, Bench, text};

const PIECE: usize = 64 * 1024;
const PIECES: usize = 1024;

fn pieces() -> impl futures::Stream<Item = std::io::Result<Frame<Bytes>>> {
    futures::stream::iter(
        (0..PIECES).map(|it| Ok(Frame::data(Bytes::from(vec![u8::try_from(it % 251).unwrap(); PIECE])))),
    )
}

#[tokio::test]
async fn bodies_stream_both_ways_at_once_and_byte_for_byte() {
    let echo = Backend::start(|request| async { Response::new(request.into_body().boxed()) as Answer }).await;
    let bench = Bench::web(&[echo.address]).await;
    let mut client = bench.client().await;
    let request =
        Request::post("/").header("host", "a.example").body(BodyExt::boxed(StreamBody::new(pieces()))).unwrap();
    let mut body = client.send(request).await.unwrap().into_body();
    // 64 MiB through pipes of kilobytes: it only ends if nothing on the way waits for the whole.
    let mut at = 0;
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        assert!(
            data.iter().enumerate().all(|(i, byte)| usize::from(*byte) == (at + i) / PIECE % 251),
            "changed near {at}"
        );
        at += data.len();
    }
    assert_eq!(at, PIECE * PIECES);
}

#[tokio::test]
async fn the_first_piece_of_an_answer_does_not_wait_for_the_second() {
    let go = Arc::new(tokio::sync::Notify::new());
    let wait = go.clone();
    let backend = Backend::start(move |_| {
        let wait = wait.clone();
        async move {
            let first = futures::stream::once(async { Ok(Frame::data(Bytes::from_static(b"one"))) });
            let second = futures::stream::once(async move {
                wait.notified().await;
                Ok(Frame::data(Bytes::from_static(b"two")))
            });
            Response::new(BodyExt::boxed(StreamBody::new(first.chain(second))))
        }
    })
    .await;
    let bench = Bench::web(&[backend.address]).await;
    let mut client = bench.client().await;
    let request = Request::get("/")
        .header("host", "a.example")
        .body(BodyExt::boxed(StreamBody::new(futures::stream::empty())))
        .unwrap();
    let mut body = client.send(request).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
    go.notify_one();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "two");
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let backend = Backend::start(|request| async {
        let asked = request.into_body().collect().await.unwrap().trailers().and_then(|it| it.get("x-sum").cloned());
        let body =
            Frame::data(Bytes::from(asked.map_or_else(|| "none".to_owned(), |it| it.to_str().unwrap().to_owned())));
        let trailers =
            Frame::trailers([(http::HeaderName::from_static("x-sum"), "43".parse().unwrap())].into_iter().collect());
        let mut response =
            Response::new(BodyExt::boxed(StreamBody::new(futures::stream::iter([Ok(body), Ok(trailers)]))));
        response.headers_mut().insert("trailer", "x-sum".parse().unwrap());
        response
    })
    .await;
    let bench = Bench::web(&[backend.address]).await;
    let request = "POST / HTTP/1.1\r\nHost: a.example\r\nConnection: close, te\r\nTE: trailers\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 42\r\n\r\n";
    let answer = bench.raw(request.as_bytes()).await;
    assert!(answer.contains("42\r\n") && answer.ends_with("0\r\nx-sum: 43\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn head_answers_keep_their_length_and_the_connection() {
    let backend = Backend::start(|request| async move {
        let mut answer = text(if request.method() == Method::HEAD { "" } else { "hello" });
        answer.headers_mut().insert("content-length", "5".parse().unwrap());
        answer
    })
    .await;
    let bench = Bench::web(&[backend.address]).await;
    let both =
        "HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\nGET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
    let answer = bench.raw(both.as_bytes()).await;
    assert_eq!(answer.matches("content-length: 5").count(), 2, "{answer}");
    assert_eq!(answer.matches("hello").count(), 1, "{answer}");
}

#[tokio::test]
async fn a_client_that_expects_a_continue_gets_it_from_a_host_that_is_served_only() {
    let echo = Backend::start(|request| async { Response::new(request.into_body().boxed()) as Answer }).await;
    let bench = Bench::web(&[echo.address]).await;
    for (host, first) in [("a.example", "HTTP/1.1 100 Continue\r\n"), ("nobody.example", "HTTP/1.1 404 Not Found\r\n")]
    {
        let mut stream = BufReader::new(tokio::net::TcpStream::connect(bench.gateway.address()).await.unwrap());
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        assert_eq!(line, first);
        if host == "a.example" {
            stream.write_all(b"body").await.unwrap();
            let mut rest = String::new();
            stream.read_to_string(&mut rest).await.unwrap();
            assert!(rest.contains("HTTP/1.1 200 OK") && rest.ends_with("body"), "{rest}");
        }
    }
}

#[tokio::test]
async fn a_tunnel_stays_open_after_its_endpoint_left_and_ends_with_the_gateway() {
    let tunnels = Arc::new(std::sync::Mutex::new(JoinSet::new()));
    let owner = tunnels.clone();
    let backend = Backend::start(move |mut request| {
        let owner = owner.clone();
        async move {
            let upgraded = hyper::upgrade::on(&mut request);
            owner.lock().unwrap().spawn(async move {
                let mut io = TokioIo::new(upgraded.await.unwrap());
                let mut buffer = [0; 64];
                while let Ok(count @ 1..) = io.read(&mut buffer).await {
                    if io.write_all(&buffer[..count]).await.is_err() {
                        break;
                    }
                }
            });
            let mut answer = text("");
            *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            answer.headers_mut().insert("connection", "upgrade".parse().unwrap());
            answer.headers_mut().insert("upgrade", "websocket".parse().unwrap());
            answer
        }
    })
    .await;
    let mut bench = Bench::web(&[backend.address]).await;
    let mut stream = BufReader::new(tokio::net::TcpStream::connect(bench.gateway.address()).await.unwrap());
    stream.write_all(b"GET /chat HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n").await.unwrap();
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).await.unwrap(), 0, "{head}");
    }
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("upgrade: websocket"), "{head}");
    for word in [b"hello", b"world"] {
        stream.write_all(word).await.unwrap();
        let mut back = [0; 5];
        stream.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, word);
        bench.endpoints("web", &[]);
    }
    bench.gateway.stop(Duration::ZERO).await;
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap_or(0), 0);
    while tunnels.lock().unwrap().try_join_next().is_none() {
        tokio::task::yield_now().await;
    }
}
