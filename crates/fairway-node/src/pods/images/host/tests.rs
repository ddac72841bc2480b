use super::*;

fn images(image: HostImage) -> HostImages {
    HostImages { images: [("one".to_owned(), image)].into(), private: Vec::new() }
}

fn why(image: HostImage) -> String {
    images(image).find("host/one", Path::new("/nowhere")).unwrap().unwrap_err().to_string()
}

#[test]
fn only_references_to_the_host_are_ours() {
    let images = images(HostImage::default());
    assert!(images.find("docker.io/library/rust", Path::new("/nowhere")).is_none());
    let error = images.find("host/two", Path::new("/nowhere")).unwrap().unwrap_err();
    assert_eq!(error.reason(), "ErrImagePull");
    assert_eq!(
        error.to_string(),
        "failed to pull image \"host/two\": this machine has no such host image; it has host/one"
    );
    let none = HostImages::default().find("host/two", Path::new("/nowhere")).unwrap().unwrap_err();
    assert!(none.to_string().ends_with("it has none"));
}

#[test]
fn what_is_missing_is_named_and_what_is_optional_is_left_out() {
    assert_eq!(
        why(HostImage::default().with("/no/such/toolchain", "/opt/rust")),
        "failed to pull image \"host/one\": it needs /no/such/toolchain of this machine: No such file or directory \
         (os error 2)"
    );
    let image = HostImage::default().maybe("/no/such/folder", "/opt/a").with("/usr", "/usr");
    let image = images(image).find("host/one", Path::new("/nowhere")).unwrap().unwrap();
    assert_eq!(image.mounts, [(PathBuf::from("/usr"), "/usr".to_owned())]);
    assert_eq!(image.id, "host/one");
}

#[test]
fn private_folders_and_those_of_the_running_system_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let home = fs::canonicalize(folder.path()).unwrap();
    let (state, tools) = (home.join("data/node"), home.join(".tools"));
    fs::create_dir_all(state.join("pods")).unwrap();
    fs::create_dir_all(&tools).unwrap();
    std::os::unix::fs::symlink("/", home.join("all")).unwrap();
    let find = |source: &Path| {
        let mut images = images(HostImage::default().with(source, "/opt/it"));
        images.private.push(home.clone());
        images.find("host/one", &state).unwrap().map_err(|it| it.to_string())
    };
    assert!(find(&tools).is_ok());
    for (source, why) in [
        (home.clone(), "it holds "),
        (home.join("data"), "it holds "),
        (state.join("pods"), "it is the node's own"),
        (home.join("all"), "it holds "),
        ("/".into(), "it holds "),
        ("/proc/self".into(), "it belongs to the running system"),
        ("/sys".into(), "it belongs to the running system"),
    ] {
        let error = find(&source).unwrap_err();
        assert!(error.contains("may not be shown to containers: ") && error.contains(why), "{error}");
    }
}

#[test]
fn nothing_is_shown_inside_something_else() {
    let image = HostImage::default().with("/usr", "/usr").with("/usr/lib", "/usr/local/lib");
    assert!(why(image).contains("/usr/local/lib cannot appear inside /usr"));
}

#[test]
fn the_systems_image_has_its_programs_and_no_home() {
    let image = HostImage::of_system().first_in_path("/opt/rust/bin").variable("COLOUR", "blue");
    assert!(image.mounts.iter().any(|it| it.target == "/usr"));
    let shown =
        |path: &str| image.mounts.iter().any(|it| it.target == path) || image.links.iter().any(|(at, _)| at == path);
    assert!(shown("/bin") && shown("/lib"));
    assert!(!image.mounts.iter().any(|it| it.source.starts_with("/root") || it.source.starts_with("/home")));
    let found = images(image).find("host/one", Path::new("/nowhere")).unwrap().unwrap();
    assert!(found.env.contains(&("COLOUR".into(), "blue".into())));
    let path = &found.env.iter().find(|it| it.0 == "PATH").unwrap().1;
    assert!(path.starts_with("/opt/rust/bin:/usr/local/sbin:"), "{path}");
    assert_eq!(found.user(), Some((1000, 1000)));
}

#[test]
fn a_bundle_of_authorities_is_where_programs_look_for_it() {
    let targets = |image: &HostImage| image.mounts.iter().map(|it| it.target.clone()).collect::<Vec<_>>();
    let told =
        |image: &HostImage| image.env.iter().filter(|it| it.1 == BUNDLE).map(|it| it.0.clone()).collect::<Vec<_>>();
    let system = HostImage::default().maybe(CERTIFICATES, CERTIFICATES);
    let company = system.clone().trusting(Path::new("/srv/company.pem"));
    assert_eq!(company.mounts.len(), 1, "a file cannot appear inside a folder that is shown: {:?}", company.mounts);
    assert_eq!(
        (targets(&company), company.mounts[0].source.as_path()),
        (vec![BUNDLE.to_owned()], Path::new("/srv/company.pem"))
    );
    let own = system.trusting(Path::new(BUNDLE));
    assert_eq!(targets(&own), [CERTIFICATES], "the machine's own folder has it");
    for image in [&company, &own] {
        assert!(told(image).contains(&"SSL_CERT_FILE".to_owned()), "{:?}", image.env);
    }
    let elsewhere = HostImage::default().trusting(Path::new("/etc/pki/tls/certs/ca-bundle.crt"));
    assert_eq!(targets(&elsewhere), [BUNDLE]);
}
