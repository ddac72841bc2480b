use super::rust;

#[test]
fn rust_builds_static_programs_of_one_machine_into_one_folder() {
    let variables = rust("x86_64-unknown-linux-gnu", "/cache/target/orders");
    assert_eq!(variables["CARGO_TARGET_DIR"], "/cache/target/orders");
    assert_eq!(variables["CARGO_BUILD_TARGET"], "x86_64-unknown-linux-gnu");
    assert_eq!(variables["CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS"], "-C target-feature=+crt-static");
}
