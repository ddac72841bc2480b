//! Headless Services: pods called by their own addresses.

use super::*;

/// Makes a Service headless, whatever it was.
fn without_address(bench: &mut Bench, name: &str) {
    for service in &mut bench.objects.services {
        if kube::ResourceExt::name_any(&**service) == name {
            let mut changed = Service::clone(service);
            changed.spec.as_mut().unwrap().cluster_ip = Some("None".into());
            *service = Arc::new(changed);
        }
    }
}

/// The place where a pod's programs call another pod's address.
fn place(bench: &Bench, at: u8, address: SocketAddr) -> SocketAddr {
    Share(bench.share(at)).place(address)
}

#[tokio::test]
async fn a_pod_behind_a_headless_service_is_called_itself_once_its_name_was_asked_for() {
    let mut bench = Bench::new(11, 3).await;
    let (one, two) = (Server::start(bench.ip(1)).await, Server::start(bench.ip(2)).await);
    bench.service("shop", "db", 20, &[one.address, two.address]);
    without_address(&mut bench, "db");
    bench.publish();
    for server in [&one, &two] {
        assert!(
            TcpStream::connect(place(&bench, 0, server.address)).await.is_err(),
            "nothing stands before it is needed"
        );
    }
    assert_eq!(outcome(&bench.ask(0, "db.shop.svc.cluster.local", false).await), (0, 2, false));
    for server in [&one, &two] {
        let mut stream = TcpStream::connect(place(&bench, 0, server.address)).await.unwrap();
        assert_eq!(caller_seen(&mut stream).await.unwrap(), bench.ip(0).to_string(), "never 127.0.0.1");
    }
    // A pod's own address is its own: nothing stands there but its program.
    bench.ask(1, "db", false).await;
    assert!(TcpStream::connect(place(&bench, 1, one.address)).await.is_err());
    assert!(TcpStream::connect(place(&bench, 1, two.address)).await.is_ok());
    bench.network.stop().await;
}

#[tokio::test]
async fn policies_hold_for_pods_that_are_called_by_their_address() {
    let mut bench = Bench::new(12, 3).await;
    let server = Server::start(bench.ip(2)).await;
    bench.service("shop", "db", 20, &[server.address]);
    without_address(&mut bench, "db");
    bench.publish();
    bench.ask(0, "db", false).await;
    bench.ask(1, "db", false).await;
    let (from_a, from_b) = (place(&bench, 0, server.address), place(&bench, 1, server.address));
    let mut open = TcpStream::connect(from_b).await.unwrap();
    caller_seen(&mut open).await.unwrap();
    let only_a = json!({ "podSelector": { "matchLabels": { "app": "c" } }, "ingress": [{ "from": [{ "podSelector": { "matchLabels": { "app": "a" } } }] }] });
    bench.policies(&[only_a]);
    bench.publish();
    assert!(is_reset(&mut open).await, "withdrawn while open");
    assert!(refused(TcpStream::connect(from_b).await).await, "denied from now on");
    assert!(caller_seen(&mut TcpStream::connect(from_a).await.unwrap()).await.is_ok());
    let told = bench.refusals("NetworkPolicyDenied");
    let (ip, port) = (server.address.ip(), server.address.port());
    let expected = format!("connection refused from shop/b ({}) to shop/c ({ip}) port {port}: ingress", bench.ip(1));
    assert!(told.iter().any(|it| it.0 == "b" && it.1.starts_with(&expected)), "{told:#?}");
    bench.network.stop().await;
}

#[tokio::test]
async fn sockets_and_connections_go_with_the_pod_and_not_with_its_readiness() {
    let mut bench = Bench::new(13, 2).await;
    let server = Server::start(bench.ip(1)).await;
    bench.service("shop", "db", 20, &[server.address]);
    without_address(&mut bench, "db");
    bench.publish();
    bench.ask(0, "db", false).await;
    let place = place(&bench, 0, server.address);
    let mut open = TcpStream::connect(place).await.unwrap();
    caller_seen(&mut open).await.unwrap();
    // It leaves its Service: who has its address may go on calling it.
    bench.objects.slices.clear();
    bench.publish();
    open.write_all(b"x").await.unwrap();
    assert_eq!(open.read_u8().await.unwrap(), b'x');
    assert_eq!(outcome(&bench.ask(0, "db", false).await), (3, 0, false), "a name of nobody is no name");
    assert!(caller_seen(&mut TcpStream::connect(place).await.unwrap()).await.is_ok());
    // It is gone.
    bench.objects.pods.pop();
    bench.publish();
    bench.network.remove_pod("uid-b");
    assert!(is_reset(&mut open).await);
    while TcpStream::connect(place).await.is_ok() {
        tokio::task::yield_now().await;
    }
    bench.network.stop().await;
}
