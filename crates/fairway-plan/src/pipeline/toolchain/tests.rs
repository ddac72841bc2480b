use super::*;

#[test]
fn rust_builds_static_programs_of_one_machine_into_one_folder() {
    let variables = rust("x86_64-unknown-linux-gnu", "/cache/target/orders");
    assert_eq!(variables["CARGO_TARGET_DIR"], "/cache/target/orders");
    assert_eq!(variables["CARGO_BUILD_TARGET"], "x86_64-unknown-linux-gnu");
    assert_eq!(variables["CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS"], "-C target-feature=+crt-static");
}

#[test]
fn every_file_of_a_toolchain_can_be_read_and_names_it() {
    for (file, text) in IN_BASES {
        let read: Result<InBase, _> = serde_saphyr::from_str(text);
        let toolchain = read.unwrap_or_else(|it| unreachable!("toolchains/{file}: {it}"));
        assert_eq!(*file, format!("{}-{}.yaml", toolchain.name, toolchain.version));
        assert!(toolchain.base.starts_with(&toolchain.name), "{file}: base {}", toolchain.base);
        assert_eq!(toolchain.environment.get("HOME").map(String::as_str), Some("/tmp"), "{file}: a home to write to");
    }
    let python = in_bases().into_iter().find(|it| it.name == "python").unwrap();
    assert_eq!(python.names(), ["python@3.11", "python"]);
}
