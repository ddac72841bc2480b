//! The ground of a pod: references, address, volumes, pod init, network.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Secret, ServiceAccount, Volume};
use kube::api::{Api, PostParams};
use kube::{Client, ResourceExt};

use super::{MISSING, Worker};
use crate::network::CLUSTER_DOMAIN;
use crate::pods::chain;
use crate::pods::containers::{cpu_request, hostname, log_limit, milli, volume_users};
use crate::pods::environment::{self, Place};
use crate::pods::images::is_of_host;
use crate::pods::status::Waiting;
use crate::pods::volumes;
use crate::runner::{RunPod, Sandbox, VolumeUsers};

/// A token is asked for anew when less than this is left of it.
const TOKEN_RESERVE: Duration = Duration::from_secs(720);
const TOKEN_SECONDS: i64 = 3607;

impl Worker {
    /// Makes the sandbox. What it gives on failure is how long to wait before trying again.
    pub(super) async fn stand_up(&mut self) -> Result<(), Duration> {
        if self.written.is_none() {
            self.report(); // so that a slow start can be seen
        }
        self.look_up().await;
        self.claims.clear();
        if let Err(why) = self.find_claims().await {
            self.complain("FailedMount", &why).await;
            return Err(MISSING);
        }
        let ip = self.address().ok_or(MISSING)?;
        let user = self.shared.runner.user_of(&self.uid, ip, self.claims_user()).map_err(|it| chain(&it));
        if let Err(why) = user.and_then(|user| self.fill_volumes(ip, user)) {
            self.complain("FailedMount", &why).await;
            self.shared.addresses().free(ip);
            return Err(MISSING);
        }
        match self.create(ip).await {
            Ok(()) => {
                self.watch_usage();
                Ok(())
            }
            Err(error) => {
                let why = format!("Failed to create pod sandbox: {}", chain(&error));
                self.complain("FailedCreatePodSandBox", &why).await;
                self.shared.addresses().free(ip);
                Err(MISSING)
            }
        }
    }

    async fn complain(&mut self, reason: &str, message: &str) {
        self.shared.events.warning(self.pod.as_ref(), reason, message).await;
        for container in self.containers() {
            let waiting = Waiting { reason: "ContainerCreating".into(), message: Some(message.to_owned()) };
            self.waiting.insert(container.name, waiting);
        }
    }

    fn address(&mut self) -> Option<Ipv4Addr> {
        // A pod that is made again keeps its address if it can.
        let before = self.pod.status.as_ref().and_then(|it| it.pod_ip.as_ref()?.parse::<Ipv4Addr>().ok());
        let mut addresses = self.shared.addresses();
        match before {
            Some(before) if addresses.take(before) => Some(before),
            _ => addresses.next(),
        }
    }

    async fn create(&mut self, ip: Ipv4Addr) -> Result<(), RunPod> {
        let runner = &self.shared.runner;
        let settings = &self.shared.settings;
        let namespace = self.pod.namespace().unwrap_or_default();
        let hostname = hostname(&self.pod);
        let etc = runner.etc(&self.uid)?;
        let resolver = self.shared.network.settings().resolv_conf(&namespace);
        let files = [("hostname", format!("{hostname}\n")), ("hosts", self.hosts(ip)), ("resolv.conf", resolver)];
        for (name, text) in files {
            let path = etc.join(name);
            std::fs::write(&path, text).map_err(|source| RunPod::Prepare { path, source })?;
        }
        let sandbox = Sandbox {
            uid: self.uid.clone(),
            namespace,
            name: self.pod.name_any(),
            hostname,
            ip,
            ranges: vec![settings.service_range, settings.pod_range, crate::network::SYNTHETIC],
            host_user: self.claims_user(),
            has_range: runner.has_ranges(),
            volume_user: self.volume_users().user,
            fs_group: self.volume_users().group,
            memory_volumes: self.memory_volumes(),
            log_limit: log_limit(&self.pod).ok().flatten().unwrap_or(settings.log_limit),
            host_trees: self.host_trees(),
            without_images: self.containers().iter().all(|it| it.image.as_deref().is_some_and(is_of_host)),
            cpu_request_milli: cpu_request(&self.pod),
            cgroups: Vec::new(),
        };
        let live = Arc::new(runner.create(sandbox).await?);
        if let Err(error) = self.tie_in(&live).await {
            live.kill().await;
            return Err(RunPod::Network(error));
        }
        self.live = Some(live);
        self.waiting.clear();
        Ok(())
    }

    /// Ties a pod that goes on from before into the network of this process.
    pub(super) async fn reattach(&mut self) {
        self.look_up().await;
        if let Err(why) = self.find_claims().await {
            tracing::debug!(pod.uid = self.uid, "{why}");
        }
        self.watch_usage();
        if let Some(live) = self.live.clone()
            && let Err(error) = self.tie_in(&live).await
        {
            tracing::warn!(pod.uid = self.uid, error = %error, "a pod that was there before has no network");
        }
        // Its probes begin anew; until they say otherwise it is as it was.
        self.initialized = true;
    }

    async fn tie_in(&self, live: &Arc<crate::runner::Pod>) -> std::io::Result<()> {
        self.shared.remember_live(&self.uid, live);
        let sockets = Arc::clone(live) as Arc<dyn crate::PodSockets>;
        self.shared.network.add_pod(&self.pod, live.sandbox.ip.into(), sockets).await
    }

    fn hosts(&self, ip: Ipv4Addr) -> String {
        let mut hosts = String::from("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
        let own = hostname(&self.pod);
        // As its fellows know it, if it is one of a headless Service's.
        let subdomain = self.pod.spec.as_ref().and_then(|it| it.subdomain.as_deref()).filter(|it| !it.is_empty());
        let full = subdomain.map(|it| {
            let namespace = self.pod.namespace().unwrap_or_default();
            format!("{own}.{it}.{namespace}.svc.{CLUSTER_DOMAIN}\t")
        });
        let _never_fails = writeln!(hosts, "{ip}\t{}{own}", full.unwrap_or_default());
        for alias in self.pod.spec.iter().flat_map(|it| it.host_aliases.iter().flatten()) {
            let names = alias.hostnames.clone().unwrap_or_default().join("\t");
            let _never_fails = writeln!(hosts, "{}\t{names}", alias.ip);
        }
        hosts
    }

    fn volumes(&self) -> Vec<Volume> {
        self.pod.spec.as_ref().and_then(|it| it.volumes.clone()).unwrap_or_default()
    }

    fn memory_volumes(&self) -> Vec<(String, Option<u64>)> {
        let in_memory = |it: Volume| {
            let source = it.empty_dir.filter(|it| it.medium.as_deref() == Some("Memory"))?;
            Some((it.name, source.size_limit.as_ref().and_then(milli).map(|it| it.div_ceil(1000))))
        };
        self.volumes().into_iter().filter_map(in_memory).collect()
    }

    fn volume_users(&self) -> VolumeUsers {
        volume_users(&self.pod)
    }

    /// What its host images show of the machine. One that cannot be had is told of when its container is to start.
    fn host_trees(&self) -> Vec<PathBuf> {
        let references = self.containers().into_iter().filter_map(|it| it.image);
        let images = references.filter_map(|it| self.shared.host_image(&it)?.ok());
        let trees: BTreeSet<_> = images.flat_map(|it| it.mounts).map(|(source, _)| source).collect();
        trees.into_iter().collect()
    }

    /// Whether some volume follows objects of the API.
    pub(super) fn has_sources(&self) -> bool {
        self.volumes().iter().any(|it| it.config_map.is_some() || it.secret.is_some() || it.projected.is_some())
    }

    /// Reads what the pod refers to.
    pub(super) async fn look_up(&mut self) {
        let (namespace, client) = (self.pod.namespace().unwrap_or_default(), &self.shared.settings.client);
        let (mut config_maps, mut secrets) = environment::needed(&self.pod);
        let (more_maps, more_secrets) = volumes::needed(&self.pod);
        config_maps.extend(more_maps);
        secrets.extend(more_secrets);
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
        for name in config_maps {
            match maps.get_opt(&name).await {
                Ok(Some(found)) => drop(self.references.config_maps.insert(name, found)),
                Ok(None) => drop(self.references.config_maps.remove(&name)),
                Err(error) => tracing::debug!(configmap.name = name, error = %error, "it could not be read"),
            }
        }
        let api: Api<Secret> = Api::namespaced(client.clone(), &namespace);
        for name in secrets {
            match api.get_opt(&name).await {
                Ok(Some(found)) => drop(self.references.secrets.insert(name, found)),
                Ok(None) => drop(self.references.secrets.remove(&name)),
                Err(error) => tracing::debug!(secret.name = name, error = %error, "it could not be read"),
            }
        }
        self.renew_token(client.clone(), &namespace).await;
    }

    async fn renew_token(&mut self, client: Client, namespace: &str) {
        let Some((audience, wanted)) = volumes::wants_token(&self.pod) else { return };
        let now = self.now();
        let reserve = now.saturating_add(TOKEN_RESERVE).unwrap_or(now);
        if self.token.as_ref().is_some_and(|(_, until)| *until > reserve) {
            return;
        }
        let account = self.pod.spec.as_ref().and_then(|it| it.service_account_name.clone());
        let account = account.unwrap_or_else(|| "default".into());
        let request = TokenRequest {
            spec: TokenRequestSpec {
                audiences: audience.into_iter().collect(),
                expiration_seconds: Some(wanted.unwrap_or(TOKEN_SECONDS)),
                bound_object_ref: None,
            },
            ..TokenRequest::default()
        };
        let accounts: Api<ServiceAccount> = Api::namespaced(client, namespace);
        match accounts.create_token_request(&account, &PostParams::default(), &request).await {
            Ok(TokenRequest { status: Some(status), .. }) => {
                self.token = Some((status.token, status.expiration_timestamp.0));
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(serviceaccount.name = account, error = %error, "no token"),
        }
    }

    /// Makes every volume's folder, and writes the files of those that have some.
    pub(super) fn fill_volumes(&self, ip: Ipv4Addr, user: Option<u32>) -> Result<(), String> {
        let (pod_ip, host_ip) = (ip.to_string(), self.shared.node_address().to_string());
        let place = Place { pod_ip: &pod_ip, host_ip: &host_ip };
        let token = self.token.as_ref().map(|it| it.0.as_str());
        for volume in self.volumes().into_iter().filter(|it| it.persistent_volume_claim.is_none()) {
            let failed = |source| volumes::Fill::Write { volume: volume.name.clone(), source };
            let folder = self.shared.runner.volume(&self.uid, &volume.name).map_err(|it| chain(&it))?;
            let files = volumes::files(&self.pod, &volume, &self.references, &place, token);
            let given = match files.map_err(|it| it.to_string())? {
                Some(files) => {
                    volumes::write(&folder, &files).map_err(|it| failed(it).to_string())?;
                    self.shared.runner.give_files(&folder, user, self.volume_users())
                }
                // The pod's own users may write here whatever number they have inside.
                None => self.shared.runner.give_open(&folder, user, self.volume_users()),
            };
            given.map_err(|it| chain(&it))?;
        }
        Ok(())
    }

    /// Lets mounted ConfigMaps, Secrets and tokens follow the API.
    pub(super) async fn refresh(&mut self) {
        self.refreshed = self.now();
        self.look_up().await;
        if let Some(live) = self.live.clone()
            && let Err(why) = self.fill_volumes(live.sandbox.ip, live.sandbox.host_user)
        {
            // What is mounted stays as it was.
            self.shared.events.warning(self.pod.as_ref(), "FailedMount", &why).await;
        }
    }
}
