use super::*;

#[test]
fn an_images_user_is_a_number_or_somebody_it_knows() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("etc")).unwrap();
    std::fs::write(folder.path().join("etc/passwd"), "root:x:0:0::/:\npostgres:x:999:998::/:\n").unwrap();
    std::fs::write(folder.path().join("etc/group"), "staff:x:50:\n").unwrap();
    for (user, expected) in [
        ("", Some((0, 0))),
        ("1000", Some((1000, 0))),
        ("1000:1001", Some((1000, 1001))),
        ("999", Some((999, 998))),
        ("postgres", Some((999, 998))),
        ("postgres:staff", Some((999, 50))),
        ("postgres:nobody", None),
        ("nobody", None),
    ] {
        let image = Image { root: folder.path().into(), user: user.into(), ..Image::default() };
        assert_eq!(image.user(), expected, "{user}");
    }
}

#[test]
fn the_stop_signal_is_a_name_or_a_number_or_the_usual_one() {
    for (text, number) in [("", 15), ("SIGQUIT", 3), ("INT", 2), ("10", 10), ("SIGNOTHING", 15), ("99", 15)] {
        let image = Image { stop_signal: text.into(), ..Image::default() };
        assert_eq!(image.stop_signal(), number, "{text}");
    }
}

#[tokio::test]
async fn images_of_a_folder_are_found_by_name_only() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("hello/rootfs")).unwrap();
    std::fs::write(folder.path().join("hello/config.json"), r#"{"entrypoint":["/bin/hello"]}"#).unwrap();
    let images = FolderImages::new(folder.path());
    assert_eq!(images.ensure("hello").await.unwrap().entrypoint, ["/bin/hello"]);
    assert_eq!(images.ensure("absent").await.unwrap_err().reason(), "ErrImagePull");
    for name in ["../hello", "", "a/b", ".hello"] {
        assert_eq!(images.ensure(name).await.unwrap_err().reason(), "InvalidImageName", "{name}");
    }
}
