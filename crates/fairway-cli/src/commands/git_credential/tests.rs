use super::is_about;

#[test]
fn the_token_is_told_for_our_own_address_and_no_other() {
    let ours = "https://127.0.0.1:7443";
    assert!(is_about("protocol=https\nhost=127.0.0.1:7443\npath=git/shop/orders.git\n\n", ours));
    for question in [
        "",
        "protocol=https\n",
        "host=127.0.0.1:7443\n",
        "protocol=http\nhost=127.0.0.1:7443\n",
        "protocol=https\nhost=127.0.0.1:7444\n",
        "protocol=https\nhost=127.0.0.1\n",
        "protocol=https\nhost=127.0.0.1:7443.example.org\n",
        "protocol=https\nhost=example.org\nhost=127.0.0.1:7443\n",
        "protocol=https\n\nhost=127.0.0.1:7443\n",
    ] {
        assert!(!is_about(question, ours), "{question:?}");
    }
}
