use super::*;

#[test]
fn the_same_program_is_the_same_image_and_starts_under_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open(&folder.path().join("images")).unwrap();
    let program = folder.path().join("anything");
    std::fs::write(&program, "#!/bin/sh\n").unwrap();
    let image = layout.image_of_program(&program, "orders").unwrap();
    assert_eq!(layout.image_of_program(&program, "orders").unwrap().digest, image.digest);
    let (_, manifest) = layout.manifest(&image, &Platform::host()).unwrap();
    let config = layout.image_config(&manifest).unwrap();
    assert_eq!(config.config.entrypoint, Some(vec!["/app/orders".to_owned()]));
    assert_eq!(config.config.user, "65532:65532");
}

#[test]
fn a_program_that_is_not_there_or_not_static_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open(&folder.path().join("images")).unwrap();
    let missing = layout.image_of_program(&folder.path().join("nothing"), "orders").unwrap_err();
    assert!(matches!(missing, ImageOfProgram::Read { .. }), "{missing}");
    let dynamic = layout.image_of_program(Path::new("/bin/sh"), "orders");
    if let Err(error) = dynamic {
        assert!(error.to_string().starts_with("orders was not linked statically: it needs /lib"), "{error}");
    }
}
