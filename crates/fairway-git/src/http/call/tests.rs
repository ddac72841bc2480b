use http::Method;

use super::{Access, Call, Step};

#[test]
fn the_four_requests_of_smart_http_are_known() {
    for (method, path, query, access, step) in [
        (Method::GET, "shop/orders.git/info/refs", "service=git-upload-pack", Access::Fetch, Step::Advertise),
        (Method::GET, "shop/orders.git/info/refs", "service=git-receive-pack", Access::Push, Step::Advertise),
        (Method::POST, "shop/orders.git/git-upload-pack", "", Access::Fetch, Step::Exchange),
        (Method::POST, "shop/orders.git/git-receive-pack", "", Access::Push, Step::Exchange),
    ] {
        let call = Call::parse(&method, path, query).expect(path);
        assert_eq!((call.repository().to_string().as_str(), call.access(), call.step), ("shop/orders", access, step));
    }
}

#[test]
fn everything_else_is_refused() {
    for (method, path, query, code) in [
        (Method::GET, "shop/orders.git/info/refs", "", 403),
        (Method::GET, "shop/orders.git/info/refs", "service=git-upload-archive", 403),
        (Method::GET, "shop/orders.git/info/refs", "service=git-receive-pack&x", 403),
        (Method::POST, "shop/orders.git/info/refs", "service=git-upload-pack", 405),
        (Method::GET, "shop/orders.git/git-receive-pack", "", 405),
        (Method::GET, "shop/orders.git/HEAD", "", 404),
        (Method::GET, "shop/orders.git/objects/info/packs", "", 404),
        (Method::GET, "shop/orders.git/../payments.git/info/refs", "service=git-upload-pack", 404),
        (Method::GET, "shop/orders/info/refs", "service=git-upload-pack", 404),
        (Method::GET, "../orders.git/info/refs", "service=git-upload-pack", 404),
        (Method::GET, "shop/...git/info/refs", "service=git-upload-pack", 404),
        (Method::GET, "shop/%2e%2e.git/info/refs", "service=git-upload-pack", 404),
        (Method::GET, ".hooks/pre-receive.git/info/refs", "service=git-upload-pack", 404),
        (Method::GET, "shop//orders.git/info/refs", "service=git-upload-pack", 404),
        (Method::GET, "", "", 404),
        (Method::GET, "shop", "", 404),
    ] {
        let refused = Call::parse(&method, path, query).expect_err(path);
        assert_eq!(refused.status(), code, "{path}");
    }
}
