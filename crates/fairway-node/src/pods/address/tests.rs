use super::*;

#[test]
fn addresses_are_given_in_turn_and_not_at_once_again() {
    let mut addresses = Addresses::new(Ipv4Addr::new(10, 244, 0, 0), 16);
    assert!(addresses.take(Ipv4Addr::new(10, 244, 0, 3)));
    assert!(!addresses.take(Ipv4Addr::new(10, 244, 0, 3)));
    assert!(!addresses.take(Ipv4Addr::new(10, 96, 0, 3)));
    assert_eq!(addresses.next(), Some(Ipv4Addr::new(10, 244, 0, 4)));
    addresses.free(Ipv4Addr::new(10, 244, 0, 4));
    assert_eq!(addresses.next(), Some(Ipv4Addr::new(10, 244, 0, 5)));
}

#[test]
fn a_full_network_says_so_and_begins_again_where_one_is_free() {
    let mut addresses = Addresses::new(Ipv4Addr::new(10, 0, 0, 0), 29);
    let all: Vec<_> = std::iter::from_fn(|| addresses.next()).map(|it| it.octets()[3]).collect();
    assert_eq!(all, [2, 3, 4, 5, 6]);
    addresses.free(Ipv4Addr::new(10, 0, 0, 4));
    assert_eq!(addresses.next(), Some(Ipv4Addr::new(10, 0, 0, 4)));
    assert_eq!(addresses.next(), None);
}
