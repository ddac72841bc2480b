//! Mirrors that lie, packages that attack. Whatever they do: an error that names it, and nothing left behind.

use std::sync::Arc;

use super::archive::{Archive, Files, ar, chain, index, names, now, package, xz};
use super::server::Answer;

const DEB: &str = "/debian/pool/app.deb";

fn honest() -> Vec<u8> {
    package("app", Files::default().file("./usr/bin/app", &"app".repeat(5_000)))
}

#[tokio::test]
async fn what_a_mirror_sends_instead_of_a_package_is_refused_and_not_kept() {
    let bytes = honest();
    let mut other = bytes.clone();
    let last = other.len() - 1;
    other[last] ^= 1;
    let rows = [
        (Answer::Bytes(other), " bytes are sha256:"),
        (Answer::Bytes(bytes[..100].to_vec()), "it says that the file has 100 bytes, and it has"),
        (Answer::Truncated(bytes.clone()), "it ended after"),
        (Answer::Endless, "it sends more than the"),
        (Answer::Claims(10 << 30), "it says that the file has 10737418240 bytes"),
        (Answer::Claims(bytes.len() as u64), " bytes are sha256:"),
        (Answer::Status(404), "no mirror has pool/app.deb any more"),
        (Answer::Status(500), "it answered 500"),
        (Answer::Redirect(DEB.to_owned()), "it sends us from one place to the next"),
        (Answer::Redirect("file:///etc/passwd".to_owned()), "it sends us from one place to the next"),
        (Answer::Noise, "it does not speak HTTP as it should"),
    ];
    let archive = Archive::with(&[("app", bytes.clone())]).await;
    let base = archive.locked("packages = [\"app\"]").await.unwrap();
    let sources = archive.sources("packages");
    for (answer, why) in rows {
        archive.server.put(DEB, answer.clone());
        let error = sources.make(&archive.layout("images"), &base, Arc::new(|_| ())).await.unwrap_err();
        assert!(chain(&error).contains(why), "{why} is not in {}", chain(&error));
        assert_eq!(names(sources.cache.root()), Vec::<String>::new(), "{why}");
        let gone = why.starts_with("no mirror");
        assert_eq!(error.next_step("thing").unwrap().starts_with("platform base resolve"), gone);
    }
    // Once it is honest again, it is asked again; another place is fine if it has the right thing.
    archive.server.put(DEB, Answer::Redirect("/elsewhere".to_owned()));
    archive.server.put("/elsewhere", Answer::Bytes(bytes));
    sources.make(&archive.layout("images"), &base, Arc::new(|_| ())).await.unwrap();
    assert!(archive.server.asked().contains(&"/elsewhere".to_owned()));
}

#[tokio::test]
async fn an_index_that_is_unsigned_altered_expired_or_another_is_refused() {
    let archive = Archive::with(&[("app", honest())]).await;
    let list = xz(b"");
    let text = index("bookworm", &list);
    let signed = |text: &str| archive.signer.sign(text, now());
    let stranger = super::Signer::new().sign(&text, now());
    let rows = [
        (text.clone(), "it is not a text with a signature around it"),
        (signed(&text).replace("Acquire", "acquire"), "the text is not the one that was signed"),
        (stranger, "none of its signatures is by a key that is trusted"),
        (signed(&text.replace("28 Nov", "20 Nov").replace("Until: Sat", "Until: Fri")), "it was good until 2026-11-20"),
        (signed(&text.replace("Codename: bookworm", "Codename: sid")), "it is the index of \"sid\", not of bookworm"),
        (signed(&text.replace("binary-amd64", "binary-riscv64")), "it lists no main/binary-amd64/Packages.xz"),
        (format!("Codename: bookworm\n{}", signed(&text)), "it does not begin as one"),
        (String::new(), "it does not begin as one"),
    ];
    for (message, why) in rows {
        archive.server.put("/debian/dists/bookworm/InRelease", Answer::Bytes(message.into_bytes()));
        let error = archive.locked("packages = [\"app\"]").await.unwrap_err();
        assert!(chain(&error).starts_with("the index of bookworm is refused"), "{}", chain(&error));
        assert!(chain(&error).contains(why), "{why} is not in {}", chain(&error));
    }
    for (answer, why) in [(Answer::Endless, "it sends more than the"), (Answer::Status(404), "it has no such file")] {
        archive.server.put("/debian/dists/bookworm/InRelease", answer);
        let error = archive.locked("packages = [\"app\"]").await.unwrap_err();
        assert!(chain(&error).contains(why), "{}", chain(&error));
    }
}

#[tokio::test]
async fn a_mirror_that_goes_back_in_time_is_found_out() {
    let archive = Archive::with(&[("app", honest())]).await;
    let base = archive.locked("packages = [\"app\"]").await.unwrap();
    let old = index("bookworm", &xz(b"")).replace("21 Nov", "20 Nov").replace("Date: Sat", "Date: Fri");
    archive
        .server
        .put("/debian/dists/bookworm/InRelease", Answer::Bytes(archive.signer.sign(&old, now()).into_bytes()));
    let error = archive.sources("cache").resolve(&base, now(), &|_| ()).await.unwrap_err();
    assert!(chain(&error).contains("the mirror goes backwards"), "{}", chain(&error));
}

#[tokio::test]
async fn a_list_of_packages_is_held_to_the_index() {
    let archive = Archive::with(&[("app", honest())]).await;
    let lists: Vec<_> = {
        archive.locked("packages = [\"app\"]").await.unwrap();
        archive.server.asked().into_iter().filter(|it| it.contains("by-hash")).collect()
    };
    archive.server.put(&lists[0], Answer::Bytes(xz(b"Package: evil\n")));
    let error =
        archive.sources("cold").resolve(&archive.base("packages = [\"app\"]"), now(), &|_| ()).await.unwrap_err();
    assert!(chain(&error).starts_with("fetch the packages of bookworm"), "{}", chain(&error));
    // One that is signed, and no list.
    for (list, why) in [(b"no xz".to_vec(), "read the list"), (xz(b"Package: evil\n\n"), "has no field")] {
        let text = index("bookworm", &list);
        let path =
            format!("/debian/dists/bookworm/main/binary-amd64/by-hash/SHA256/{}", crate::Digest::of(&list).hex());
        archive.server.put(&path, Answer::Bytes(list));
        archive
            .server
            .put("/debian/dists/bookworm/InRelease", Answer::Bytes(archive.signer.sign(&text, now()).into_bytes()));
        let error = archive.locked("packages = [\"app\"]").await.unwrap_err();
        assert!(chain(&error).contains(why), "{why} is not in {}", chain(&error));
    }
}

#[tokio::test]
async fn what_packages_try_is_refused_by_name() {
    let files = Files::default;
    let rows = [
        (files().file("../../etc/passwd", "x"), "the path leaves the image"),
        (files().file("/etc/passwd", "x"), "the path is absolute"),
        (files().link("./usr/bin/sh", "../../../../bin/sh"), "the link points out of the image"),
        (files().entry(b'1', "./shadow", "../../etc/shadow", 0o644, b""), "the hard link points to what is not a file"),
        (files().entry(b'1', "./shadow", "./none", 0o644, b""), "the hard link points to what is not a file"),
        (files().link("./a", "/etc").file("./a/passwd", "x"), "the path leads through a link or a file"),
        (files().file("./a", "x").file("./a/b", "x"), "the path leads through a link or a file"),
        (files().file("./a", "x").file("./a", "y"), "the path stands twice"),
        (files().entry(b'3', "./dev/sda", "", 0o600, b""), "device nodes, FIFOs and sockets"),
        (files().entry(b'4', "./dev/sdb", "", 0o600, b""), "device nodes, FIFOs and sockets"),
        (files().entry(b'6', "./run/pipe", "", 0o600, b""), "device nodes, FIFOs and sockets"),
        (files().claims("./big", 10 << 30), "the layers have more than"),
        (files().claims("./short", 5_000), "the archive is broken"),
        (files().entry(b'Z', "./odd", "", 0o600, b""), "entries of type 'Z' are not understood"),
        (files().file("./.wh.x", "x"), "names that begin with .wh."),
    ];
    for (files, why) in rows {
        refused(&package("app", files), why).await;
    }
}

#[tokio::test]
async fn what_only_looks_like_a_package_is_refused() {
    let data = xz(&[0; 1024]);
    let control = xz(&control());
    let rows: [(Vec<u8>, &str); 7] = [
        (b"PK\x03\x04 something".to_vec(), "it is not an ar archive"),
        (ar(&[]), "it is empty"),
        (ar(&[("debian-binary", b"3.0\n")]), "its version is not 2"),
        (ar(&[("debian-binary", b"2.0\n"), ("data.tar.xz", &data)]), "its members are not in the right order"),
        (ar(&[("debian-binary", b"2.0\n"), ("control.tar.xz", &control)]), "it has no files"),
        (ar(&[("debian-binary", b"2.0\n"), ("control.tar.rar", b"")]), "it is compressed in a way"),
        (ar(&[("debian-binary", b"2.0\n"), ("control.tar.xz", &data)]), "it has no control file"),
    ];
    for (bytes, why) in rows {
        refused(&bytes, why).await;
    }
}

#[tokio::test]
async fn two_packages_with_the_same_file_are_not_put_together() {
    let one = package("app", Files::default().file("./usr/bin/tool", "one"));
    let two = package("other", Files::default().file("./bin/tool", "two"));
    let archive = Archive::with(&[("app", one), ("other", two)]).await;
    let error = archive.build("\"app\", \"other\"").await.unwrap_err();
    assert!(chain(&error).ends_with("packages other and app both bring usr/bin/tool"), "{}", chain(&error));
}

/// A package that is what the index says, and bad nevertheless.
async fn refused(bytes: &[u8], why: &str) {
    let archive = Archive::with(&[("app", bytes.to_vec())]).await;
    let error = archive.build("\"app\"").await.unwrap_err();
    assert!(chain(&error).contains(why), "{why} is not in {}", chain(&error));
    assert_eq!(archive.layout("images").list().unwrap(), []);
    assert!(names(&archive.layout("images").root().join("blobs")).is_empty(), "{why}: something is left");
}

/// A control archive that is right.
fn control() -> Vec<u8> {
    Files::default().file("./control", "Package: app\n").end()
}
