use super::*;

#[test]
fn releases_are_listed_with_where_they_were_healthy() {
    let row = |version: &str, uncommitted, proven: &[&str]| ReleaseRow {
        name: format!("hello-{version}"),
        version: version.to_owned(),
        number: 1,
        commit: Some("9fceb02d0ae598e95dc970b74767f19372d61af8".to_owned()),
        uncommitted,
        image: format!("sha256:{}", "0f3a".repeat(16)),
        proven_in: proven.iter().map(|it| (*it).to_owned()).collect(),
        age: "1m0s".to_owned(),
    };
    let list = ReleaseList { items: vec![row("v0.1.1", true, &[]), row("v0.1.0", false, &["staging", "production"])] };
    assert_eq!(
        list.table(),
        "VERSION  NUMBER  COMMIT                IMAGE         HEALTHY IN          AGE\n\
         v0.1.1   1       9fceb02d0ae5+changes  0f3a0f3a0f3a  -                   1m0s\n\
         v0.1.0   1       9fceb02d0ae5          0f3a0f3a0f3a  staging,production  1m0s\n"
    );
    assert_eq!(list.names()[0], "release.fairway.dev/hello-v0.1.1");
}

#[test]
fn a_layout_folder_may_name_one_of_its_images() {
    let folder = tempfile::tempdir().unwrap();
    let layout = folder.path().join("layout");
    std::fs::create_dir(&layout).unwrap();
    let found = |image: &str| layout_folder(folder.path(), image);
    assert_eq!(found("layout"), Some((layout.clone(), None)));
    assert_eq!(found("layout:shop/api:v1"), Some((layout.clone(), Some("shop/api:v1".to_owned()))));
    assert_eq!((found("shop/api:v1"), found("shop/api")), (None, None));
}
