use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;

/// A server that says a word to everybody and counts them.
struct Server {
    address: SocketAddr,
    tasks: JoinSet<usize>,
}

impl Server {
    async fn start(at: &str) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut seen = 0;
            while let Ok((mut stream, _)) = listener.accept().await {
                seen += 1;
                if stream.write_all(b"word").await.is_err() {
                    return seen;
                }
            }
            seen
        });
        Self { address, tasks }
    }
}

/// A proxy that answers so to its first request, and leads to `target` if it says 200. Gives back what it was asked.
async fn proxy(answer: &'static str, target: SocketAddr) -> (SocketAddr, JoinSet<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let count = client.read(&mut request).await.unwrap();
        request.truncate(count);
        // In two parts, the second of which the host's first bytes follow at once.
        let (first, second) = answer.split_at(answer.len() / 2);
        client.write_all(first.as_bytes()).await.unwrap();
        client.flush().await.unwrap();
        tokio::task::yield_now().await;
        if answer.contains("200") {
            let mut server = TcpStream::connect(target).await.unwrap();
            let mut word = [0; 4];
            server.read_exact(&mut word).await.unwrap();
            client.write_all(&[second.as_bytes(), &word].concat()).await.unwrap();
        } else {
            let _ = client.write_all(second.as_bytes()).await;
        }
        String::from_utf8(request).unwrap()
    });
    (address, tasks)
}

fn through(proxy: SocketAddr, exceptions: &str) -> Outside {
    let url = format!("http://user:hunter2@{proxy}");
    Outside::read(|name| match name {
        "HTTPS_PROXY" => Some(url.clone()),
        "FAIRWAY_EGRESS_EXCEPTIONS" => Some(exceptions.to_owned()),
        _ => None,
    })
    .0
}

async fn word(stream: &mut TcpStream) -> String {
    let mut word = [0; 4];
    stream.read_exact(&mut word).await.unwrap();
    String::from_utf8(word.to_vec()).unwrap()
}

#[tokio::test]
async fn this_machine_is_never_dialled_whatever_the_name_and_its_servers_see_nobody() {
    let mut server = Server::start("127.0.0.1:0").await;
    let port = server.address.port();
    for host in ["localhost", "127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "169.254.169.254", "10.96.0.1"] {
        let error = Outside::direct().connect(host, port).await.unwrap_err();
        assert!(matches!(error, ReachOutside::Inside { .. }), "{host}: {error}");
        assert!(error.to_string().contains(host), "{error}");
    }
    // Spellings that only some resolvers take for an address lead nowhere either.
    for host in ["2130706433", "0x7f000001", "127.1", "0177.0.0.1"] {
        Outside::direct().connect(host, port).await.unwrap_err();
    }
    server.tasks.abort_all();
    assert!(server.tasks.join_next().await.unwrap().is_err(), "it was still waiting for the first");
}

#[tokio::test]
async fn an_exception_opens_what_it_names() {
    let server = Server::start("127.0.0.1:0").await;
    let port = server.address.port();
    let with = |text: String| Outside::new(Proxies::none(), Exceptions::parse(&text).unwrap());
    let mut stream = with(format!("127.0.0.1/32:{port}")).connect("localhost", port).await.unwrap();
    assert_eq!(word(&mut stream).await, "word");
    with(format!("127.0.0.1/32:{}", port ^ 1)).connect("localhost", port).await.unwrap_err();
    // Of several addresses those remain that may be dialled.
    let Route::Direct(targets) = with("127.0.0.1/32".into()).route("localhost", port).await.unwrap() else { panic!() };
    assert_eq!(targets, [server.address]);
}

#[tokio::test]
async fn a_name_that_does_not_exist_and_a_port_where_nobody_listens_are_told_apart() {
    let outside = Outside::new(Proxies::none(), Exceptions::parse("127.0.0.0/8,::1/128").unwrap());
    // No resolver has to be asked to know this.
    let error = outside.connect("no..name", 443).await.unwrap_err();
    assert!(matches!(error, ReachOutside::Resolve { .. } | ReachOutside::ResolveSlowly { .. }), "{error}");
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = outside.connect("127.0.0.1", free.port()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("connect to {free}"));
}

#[tokio::test]
async fn a_proxy_is_asked_by_name_and_what_follows_its_answer_is_the_hosts() {
    let server = Server::start("127.0.0.1:0").await;
    let (address, mut proxy) = proxy("HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n", server.address).await;
    let outside = through(address, "");
    let mut stream = outside.connect("registry.example", 443).await.unwrap();
    assert_eq!(word(&mut stream).await, "word", "not a byte was lost");
    let asked = proxy.join_next().await.unwrap().unwrap();
    assert!(asked.starts_with("CONNECT registry.example:443 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("Proxy-Authorization: Basic "), "{asked}");
}

#[tokio::test]
async fn what_a_proxy_refuses_or_breaks_is_an_error_without_its_password() {
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    for (answer, says) in [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "answered 403 to CONNECT registry.example:443"),
        ("HTTP/1.0 407 Who are you\r\nContent-Length: 0\r\n\r\n", "answered 407"),
        ("SSH-2.0-OpenSSH_9\r\n\r\n", "ask the proxy"),
        ("HTTP/1.1 200", "ask the proxy"),
        ("", "ask the proxy"),
    ] {
        // One that says 200 must have somewhere to lead to.
        let server = Server::start("127.0.0.1:0").await;
        let target = if answer.contains("200") { server.address } else { nobody };
        let (address, _proxy) = proxy(answer, target).await;
        let error = through(address, "").connect("registry.example", 443).await.unwrap_err();
        assert!(error.to_string().contains(says), "{answer:?}: {error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn a_proxy_is_not_asked_for_this_machine_or_for_addresses_inside() {
    let outside = through(SocketAddr::from(([127, 0, 0, 1], 9)), "");
    for host in ["localhost", "127.0.0.1", "10.1.2.3", "169.254.169.254", "::ffff:10.0.0.1", "fd00::1"] {
        let error = outside.route(host, 443).await.unwrap_err();
        assert!(matches!(error, ReachOutside::Inside { .. }), "{host}: {error}");
    }
}

#[test]
fn addresses_are_tried_by_turns_of_their_families() {
    let parse = |it: &[&str]| it.iter().map(|it| it.parse().unwrap()).collect::<Vec<SocketAddr>>();
    let found = parse(&["1.0.0.1:1", "1.0.0.2:1", "1.0.0.3:1", "[2a00::1]:1"]);
    assert_eq!(in_turn(found), parse(&["[2a00::1]:1", "1.0.0.1:1", "1.0.0.2:1", "1.0.0.3:1"]));
    assert_eq!(in_turn(parse(&["[2a00::1]:1"])), parse(&["[2a00::1]:1"]));
    assert_eq!(in_turn(Vec::new()), []);
}

#[tokio::test]
async fn settings_that_cannot_be_read_are_told_and_open_nothing() {
    let read =
        |name: &'static str, value: &'static str| Outside::read(move |it| (it == name).then(|| value.to_owned()));
    let (outside, wrong) = read("FAIRWAY_EGRESS_EXCEPTIONS", "127.0.0.0/8,everything");
    assert!(wrong[0].to_string().contains("FAIRWAY_EGRESS_EXCEPTIONS"), "{wrong:?}");
    assert!(matches!(outside.route("127.0.0.1", 1).await, Err(ReachOutside::Inside { .. })));
    let (outside, wrong) = read("ALL_PROXY", "socks5://x");
    assert_eq!(wrong.len(), 1);
    let error = outside.route("registry.example", 443).await.unwrap_err();
    assert!(matches!(error, ReachOutside::Proxy(_)) && error.to_string().contains("ALL_PROXY"), "{error}");
    assert!(read("NO_PROXY", "a,b").1.is_empty());
}
