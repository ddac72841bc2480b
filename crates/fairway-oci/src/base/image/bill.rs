//! What an image is made of, as CycloneDX 1.6: the lock, in the words of scanners.

use serde_json::{Value, json};

use crate::base::Base;
use crate::base::lock::LockedPackage;

/// The document's bytes. The same lock gives the same ones.
pub(in crate::base) fn cyclone_dx(base: &Base, packages: &[LockedPackage]) -> Vec<u8> {
    let component = |it: &LockedPackage| {
        let url = package_url(it, &base.declaration.suite);
        json!({
            "type": "library",
            "bom-ref": url,
            "name": it.name,
            "version": it.version,
            "purl": url,
            "hashes": [{ "alg": "SHA-256", "content": it.digest.hex() }],
        })
    };
    let components: Vec<Value> = packages.iter().map(component).collect();
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": base.lock.as_ref().map(|it| it.snapshot().to_string()),
            "component": { "type": "container", "bom-ref": base.name, "name": base.name },
        },
        "components": components,
    });
    let mut bytes = serde_json::to_vec_pretty(&document).expect("a document is plain data");
    bytes.push(b'\n');
    bytes
}

/// `pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=bookworm`.
fn package_url(package: &LockedPackage, suite: &str) -> String {
    let (name, version) = (escaped(&package.name), escaped(&package.version));
    format!("pkg:deb/debian/{name}@{version}?arch={}&distro={suite}", package.architecture)
}

fn escaped(text: &str) -> String {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b".-_~".contains(&it);
    let sign = |it: u8| if plain(it) { char::from(it).to_string() } else { format!("%{it:02X}") };
    text.bytes().map(sign).collect()
}
