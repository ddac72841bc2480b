use super::*;

#[test]
fn a_namespace_must_be_named_and_everything_is_plain() {
    let asked = Asked::parse("namespace=shop--staging&component=api&version=v0.1.0").unwrap();
    assert_eq!(asked.namespace, "shop--staging");
    assert_eq!(asked.labels[LABEL_COMPONENT], "api");
    assert_eq!(asked.labels[LABEL_VERSION], "v0.1.0");
    for bad in
        ["", "component=api", "namespace=", "namespace=../x", "namespace=a%2Fb", "namespace=a&pod=b", "namespace"]
    {
        assert_eq!(Asked::parse(bad).unwrap_err().code, 400, "{bad}");
    }
}
