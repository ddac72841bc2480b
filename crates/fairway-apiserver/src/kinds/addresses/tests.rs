use super::*;

fn range(text: &str) -> AddressRange {
    text.parse().expect("a range")
}

#[test]
fn a_requested_address_is_given_if_it_is_free_and_in_the_range() {
    let wanted = Ipv4Addr::new(10, 96, 0, 10);
    let given = allocate_cluster_ip(range("10.96.0.0/12"), &BTreeSet::new(), Some(wanted), 0);
    assert_eq!(given, Ok(wanted));
    let taken = allocate_cluster_ip(range("10.96.0.0/12"), &BTreeSet::from([wanted]), Some(wanted), 0).unwrap_err();
    assert_eq!(
        taken.to_string(),
        "spec.clusterIPs: Invalid value: [\"10.96.0.10\"]: failed to allocate IP 10.96.0.10: provided IP is already allocated"
    );
}

#[test]
fn an_address_outside_the_range_is_refused_in_the_words_of_kubernetes() {
    let outside = allocate_cluster_ip(range("10.0.0.0/24"), &BTreeSet::new(), Some(Ipv4Addr::new(1, 2, 3, 4)), 0);
    assert_eq!(
        outside.unwrap_err().to_string(),
        "spec.clusterIPs: Invalid value: [\"1.2.3.4\"]: failed to allocate IP 1.2.3.4: the provided IP (1.2.3.4) is not \
         in the valid range. The range of valid IPs is 10.0.0.0/24"
    );
    for edge in [Ipv4Addr::new(10, 0, 0, 0), Ipv4Addr::new(10, 0, 0, 255)] {
        assert!(allocate_cluster_ip(range("10.0.0.0/24"), &BTreeSet::new(), Some(edge), 0).is_err(), "{edge}");
    }
}

#[test]
fn every_address_but_the_servers_own_is_given_once_and_then_the_range_is_full() {
    for text in ["10.0.0.0/30", "10.0.0.0/28", "10.0.0.0/24"] {
        let range = range(text);
        let mut used = BTreeSet::new();
        for _ in 1..range.usable() {
            let given = allocate_cluster_ip(range, &used, None, 7).expect("room");
            assert!(range.contains(given) && given != range.first(), "{text}: {given}");
            assert!(used.insert(given), "{text}: {given} twice");
        }
        let full = allocate_cluster_ip(range, &used, None, 7).unwrap_err();
        assert!(full.message.contains("range is full"), "{full}");
    }
}

#[test]
fn only_ranges_with_room_are_ranges() {
    for bad in ["", "10.0.0.0", "10.0.0.0/31", "10.0.0.0/4", "fd00::/64", "10.0.0/24", "10.0.0.0/x"] {
        assert!(bad.parse::<AddressRange>().is_err(), "{bad}");
    }
    assert_eq!(range("10.1.2.3/16").to_string(), "10.1.0.0/16");
}
