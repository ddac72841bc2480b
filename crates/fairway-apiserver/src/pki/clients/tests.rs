use std::time::Duration;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;

use super::super::tests::Setting;
use super::*;
use crate::pki::Pki;

fn issued(pki: &Pki, user: &str, group: Option<&str>, life: Duration) -> CertificateDer<'static> {
    let issued = pki.issue_client(user, group, life).unwrap();
    CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()
}

#[test]
fn a_certificate_names_its_user_only_while_it_is_valid() {
    let setting = Setting::new();
    let pki = setting.open();
    let ann = issued(&pki, "ann", None, Duration::from_hours(1));
    assert_eq!(pki.identify(std::slice::from_ref(&ann)).unwrap().user, "ann");
    setting.clock.advance(Duration::from_hours(2));
    assert!(matches!(pki.identify(&[ann]), Err(RefuseCertificate::Verify(_))));
}

#[test]
fn a_certificate_without_a_name_names_nobody() {
    let pki = Setting::new().open();
    let nobody = issued(&pki, "", Some("system:masters"), Duration::from_hours(1));
    assert!(pki.identify(&[nobody]).is_err());
    assert!(matches!(pki.identify(&[]), Err(RefuseCertificate::None)));
}

#[test]
fn no_certificate_but_one_made_for_clients_by_our_authority_is_believed() {
    let setting = Setting::new();
    let pki = setting.open();
    let masters = |params: &mut CertificateParams| {
        params.distinguished_name.push(DnType::CommonName, "root");
        params.distinguished_name.push(DnType::OrganizationName, "system:masters");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    masters(&mut params);
    let own = params.self_signed(&key).unwrap();
    assert!(pki.identify(&[own.der().clone()]).is_err(), "signed by itself");

    // A client of ours plays authority.
    let client = pki.issue_client("ann", None, Duration::from_hours(1)).unwrap();
    let client_key = KeyPair::from_pem(&client.key).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&client.certificate, client_key).unwrap();
    let forged = params.signed_by(&key, &issuer).unwrap();
    let chain = [forged.der().clone(), CertificateDer::from_pem_slice(client.certificate.as_bytes()).unwrap()];
    assert!(pki.identify(&chain).is_err(), "signed by a client");

    let server = std::fs::read(setting.folder.path().join("server.crt")).unwrap();
    let server = CertificateDer::from_pem_slice(&server).unwrap();
    assert!(pki.identify(&[server]).is_err(), "the server's own is for servers");

    let mut cut = issued(&pki, "ann", None, Duration::from_hours(1)).to_vec();
    cut.truncate(100);
    for bytes in [cut, Vec::new(), vec![0; 4096]] {
        assert!(pki.identify(&[CertificateDer::from(bytes)]).is_err());
    }
}

#[test]
fn the_authority_of_another_plane_is_a_stranger_even_under_the_same_name() {
    let pki = Setting::new().open();
    let other = Setting::new().open();
    let root = issued(&other, "root", Some("system:masters"), Duration::from_hours(1));
    let with_chain = [root.clone(), CertificateDer::from_pem_slice(other.ca_pem().as_bytes()).unwrap()];
    assert!(pki.identify(&[root]).is_err());
    assert!(pki.identify(&with_chain).is_err());
}
