use std::fs;
use std::net::Ipv4Addr;

use tokio::net::{TcpListener, TcpSocket};

use super::*;

#[tokio::test]
async fn open_connections_are_counted_once_and_only_those_to_the_address() {
    let place = Ipv4Addr::new(127, 83, 7, 1);
    let count = || connections_in(&fs::read_to_string("/proc/self/net/tcp").unwrap(), place.into());
    assert_eq!(count(), 0);
    let listener = TcpListener::bind((place, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    assert_eq!(count(), 0, "one that listens is none");
    let connect = async || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::new(127, 83, 7, 2), 0).into()).unwrap();
        socket.connect(address).await.unwrap()
    };
    let (first, second) = (connect().await, connect().await);
    assert_eq!(count(), 2, "also before anybody accepts them");
    let accepted = listener.accept().await.unwrap().0;
    assert_eq!(count(), 2);
    drop((first, accepted));
    assert_eq!(count(), 1);
    drop(second);
    assert_eq!(count(), 0);
}

#[test]
fn a_table_that_is_none_has_no_connections() {
    for table in ["", "header", "header\n0:", "header\n 0: 0100007F:1F90 zz 01", "header\n\u{0} \u{0} \u{0}:\u{0} 01"] {
        assert_eq!(connections_in(table, Ipv4Addr::LOCALHOST.into()), 0, "{table:?}");
    }
}
