//! Certificates: an authority of our own, the server's certificate, and those of clients.

mod authority;
mod clients;
mod folder;
mod server;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use fairway_clock::World;
use rustls::server::ServerConfig;
use rustls::sign::CertifiedKey;

use authority::Authority;
use clients::ClientCertificates;

pub use folder::KeepSecret;

pub(crate) use folder::PrivateFolder;

#[cfg(test)]
mod tests;

/// How often [`Pki::keep_renewed`] looks at the calendar.
const LOOK: Duration = Duration::from_hours(1);

/// Where the certificates are kept and what the server is called.
#[derive(Debug, Clone)]
pub struct PkiOptions {
    /// The folder of keys and certificates.
    pub folder: PathBuf,
    /// The first address of the Service range, under which pods find the server.
    pub service_address: IpAddr,
    /// More host names and addresses of the server.
    pub names: Vec<String>,
}

impl PkiOptions {
    /// The usual names and the usual Service range.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), service_address: Ipv4Addr::new(10, 96, 0, 1).into(), names: Vec::new() }
    }
}

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum OpenPki {
    /// A file cannot be read or written.
    #[error("keep the certificates")]
    Keep(#[source] KeepSecret),
    /// A file holds no certificate or key, or one without the other.
    #[error("understand {file}; restore it, or remove ca.crt and ca.key (every client then needs the new ca.crt)")]
    Understand {
        /// The file.
        file: String,
    },
    /// A name of the server is neither a host name nor an address.
    #[error("put the name {name:?} of the server into its certificate: it is no host name or address")]
    Name {
        /// The name.
        name: String,
    },
    /// A certificate cannot be made.
    #[error("make a certificate")]
    Make(#[source] rcgen::Error),
    /// TLS cannot be set up with it.
    #[error("set up TLS")]
    Tls(#[source] rustls::Error),
}

/// The authority, and what it certified for the server.
pub struct Pki {
    options: PkiOptions,
    world: World,
    folder: PrivateFolder,
    authority: Authority,
    clients: ClientCertificates,
    server: RwLock<server::Current>,
}

/// A certificate for a client and its key, both PEM.
pub struct IssuedClient {
    /// For `client-certificate-data`.
    pub certificate: String,
    /// For `client-key-data`.
    pub key: String,
}

impl Pki {
    /// Opens the folder; makes in it what is missing, over, or made for other names.
    pub fn open(options: PkiOptions, world: World) -> Result<Arc<Self>, OpenPki> {
        let folder = PrivateFolder::open(&options.folder).map_err(OpenPki::Keep)?;
        let authority = Authority::open(&folder, &world)?;
        let clients = ClientCertificates::of(&authority, world.clone())?;
        let server = server::open(&folder, &authority, &options, &world)?;
        Ok(Arc::new(Self { options, world, folder, authority, clients, server: RwLock::new(server) }))
    }

    /// The certificate of the authority, PEM: what clients trust.
    pub fn ca_pem(&self) -> &str {
        &self.authority.certificate
    }

    /// How the server speaks TLS: HTTP/2 and 1.1, client certificates optional and judged by authentication.
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, OpenPki> {
        server::config(self)
    }

    /// Makes a new certificate for the server once two thirds of the life of the old one are over. Connections that
    /// start later get it.
    pub fn renew_if_due(&self) -> Result<bool, OpenPki> {
        if self.server.read().unwrap_or_else(PoisonError::into_inner).renew_at > self.world.clock.now() {
            return Ok(false);
        }
        let renewed = server::issue(&self.folder, &self.authority, &self.options, &self.world)?;
        *self.server.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(true)
    }

    /// Renews whenever it is due, for ever; for a task of the server's owner.
    pub async fn keep_renewed(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Err(error) = self.renew_if_due() {
                tracing::error!(%error, "the certificate of the server could not be renewed and will be tried again");
            }
        }
    }

    /// A certificate for a client: `user` is its name, `group` its organization (rcgen writes no more than one).
    pub fn issue_client(&self, user: &str, group: Option<&str>, life: Duration) -> Result<IssuedClient, OpenPki> {
        let (certificate, key) = self.authority.certify_client(user, group, self.world.clock.now(), life)?;
        Ok(IssuedClient { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// Who showed these certificates in a handshake.
    pub(crate) fn identify(
        &self,
        chain: &[rustls::pki_types::CertificateDer<'_>],
    ) -> Result<crate::Identity, clients::RefuseCertificate> {
        self.clients.identify(chain)
    }

    fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.server.read().unwrap_or_else(PoisonError::into_inner).key)
    }
}
