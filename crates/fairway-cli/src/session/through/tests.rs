use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;

/// A proxy behind which there is an API server of one answer; what it was asked for comes out.
async fn proxy() -> (SocketAddr, JoinSet<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 4096];
        let count = client.read(&mut buffer).await.unwrap();
        let asked = String::from_utf8_lossy(&buffer[..count]).lines().next().unwrap_or_default().to_owned();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let _request = client.read(&mut buffer).await.unwrap();
        let body = r#"{"major":"1","minor":"34","gitVersion":"v1.34.0","gitCommit":"","gitTreeState":"","buildDate":"","goVersion":"","compiler":"","platform":""}"#;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
        client.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
        asked
    });
    (address, tasks)
}

fn proxies(proxy: SocketAddr, without: &str) -> Proxies {
    Proxies::read(|name| match name {
        "HTTPS_PROXY" => Some(format!("http://{proxy}")),
        "NO_PROXY" => Some(without.to_owned()),
        _ => None,
    })
}

fn config(url: &str) -> Config {
    let mut config = Config::new(url.parse().unwrap());
    config.proxy_url = Some("http://taken.from.the.environment:1".parse().unwrap());
    config
}

#[tokio::test]
async fn a_cluster_behind_a_proxy_is_asked_through_it() {
    let (address, mut asked) = proxy().await;
    let client = client(config("http://api.cluster.example:6443"), proxies(address, "")).unwrap();
    assert_eq!(client.apiserver_version().await.unwrap().git_version, "v1.34.0");
    assert_eq!(asked.join_next().await.unwrap().unwrap(), "CONNECT api.cluster.example:6443 HTTP/1.1");
}

#[tokio::test]
async fn a_cluster_that_needs_no_proxy_is_asked_directly() {
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    for (url, without) in [("http://127.0.0.1:1", ""), ("http://localhost:1", ""), ("http://10.0.0.7:1", "10.0.0.0/8")]
    {
        assert!(client(config(url), proxies(nobody, without)).is_ok(), "{url}");
    }
    let bad = Proxies::read(|name| (name == "HTTPS_PROXY").then(|| "socks5://me:hunter2@x".to_owned()));
    assert!(client(config("http://127.0.0.1:1"), bad.clone()).is_ok(), "it is not needed here");
    let failure = client(config("http://api.cluster.example:1"), bad).err().unwrap();
    assert!(failure.what.contains("socks5://") && !failure.what.contains("hunter2"), "{}", failure.what);
}
