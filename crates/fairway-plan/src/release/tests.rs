use fairway_api::v1alpha1::{ReleaseImage, ReleaseSource, ReleaseStatus};

use super::*;

fn release(number: i64, version: &str, commit: &str) -> Release {
    let image = format!("sha256:{}", format!("{number:x}").repeat(64).chars().take(64).collect::<String>());
    let spec = ReleaseSpec {
        component_name: "api".to_owned(),
        source: ReleaseSource { commit: Some(commit.to_owned()), ..ReleaseSource::default() },
        images: vec![ReleaseImage { container: "web".to_owned(), reference: "api".to_owned(), digest: image }],
        ..ReleaseSpec::default()
    };
    let mut it = Release::new(&name(&spec), spec);
    it.status =
        Some(ReleaseStatus { version: Some(version.to_owned()), number: Some(number), ..ReleaseStatus::default() });
    it
}

#[test]
fn equal_content_has_an_equal_name_whatever_it_was_tagged() {
    let a = release(1, "v0.1.0", "abcdef0123").spec;
    let mut b = a.clone();
    b.version = Some("v9.9.9".to_owned());
    assert_eq!(name(&a), name(&b));
    b.config.entry("default".to_owned()).or_default().insert("A".to_owned(), "1".to_owned());
    assert_ne!(name(&a), name(&b));
    assert!(name(&a).starts_with("api-"));
}

#[test]
fn the_next_version_is_the_next_patch() {
    assert_eq!(Version::after([]).to_string(), "v0.1.0");
    assert_eq!(Version::after([Version(0, 1, 9), Version(1, 2, 3), Version(0, 9, 0)]).to_string(), "v1.2.4");
}

#[test]
fn only_canonical_versions_parse() {
    for good in ["v1.2.3", "1.2.3", "v0.0.0", "v10.20.30"] {
        assert!(Version::parse(good).is_some(), "{good}");
    }
    for bad in [
        "",
        "v1",
        "v1.2",
        "v1.2.3.4",
        "v01.2.3",
        "v1.2.x",
        "v-1.2.3",
        "v1.2.3-rc1",
        "v1..3",
        "99999999999999999999.0.0",
    ] {
        assert_eq!(Version::parse(bad), None, "{bad}");
    }
}

#[test]
fn a_release_answers_to_version_number_commit_digest_and_name() {
    let releases = [release(1, "v0.1.0", "abcdef0123456789"), release(2, "v0.1.1", "fedcba9876543210")];
    let own = digest(&releases[1].spec).to_string();
    let name = releases[1].metadata.name.clone().unwrap();
    let image = releases[1].spec.images[0].digest.clone();
    for word in ["v0.1.1", "0.1.1", "2", "fedcba9876543210", "fedcba98", &own, &own[..20], &name, &image[..16]] {
        assert_eq!(number(find("api", word, &releases).unwrap()), 2, "{word}");
    }
}

#[test]
fn a_word_that_names_none_or_several_says_which_there_are() {
    let releases = [release(1, "v0.1.0", "abcdef0123"), release(2, "v0.1.1", "abcdef0123")];
    let none = find("api", "v7.0.0", &releases).unwrap_err().to_string();
    assert_eq!(none, "no release of api is called \"v7.0.0\"; there are v0.1.1, v0.1.0");
    let several = find("api", "abcdef0", &releases).unwrap_err().to_string();
    assert!(several.contains("means several releases of api: v0.1.1, v0.1.0"), "{several}");
    assert!(find("api", &"x".repeat(10_000), &releases).unwrap_err().to_string().len() < 300);
    assert!(find("other", "1", &releases).unwrap_err().to_string().ends_with("none yet"));
}
