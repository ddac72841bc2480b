//! What each job may take in a first release (the bar), what is worked towards (the aim), and what the best other
//! system takes (the anchor). Anchors marked "seen" were measured, on other days, on a machine of the same shape.

/// The budget of one job.
pub(super) struct Budget {
    /// The rows it is for: those whose name begins so.
    name: &'static str,
    pub(super) bar: &'static str,
    pub(super) aim: &'static str,
    pub(super) anchor: &'static str,
}

const fn budget(name: &'static str, bar: &'static str, aim: &'static str, anchor: &'static str) -> Budget {
    Budget { name, bar, aim, anchor }
}

/// The first that fits counts.
const BUDGETS: &[Budget] = &[
    budget("platform up", "300 ms", "150 ms", "kube-apiserver + etcd 2.7 s (seen)"),
    budget("deploy of", "700 ms", "300 ms", "bare Deployment on Kubernetes 0.86 s (seen)"),
    budget("rollback", "700 ms", "50 ms", "`rollout undo` on Kubernetes 2.0 s (seen)"),
    budget("create-service", "100 ms", "40 ms", "240 ms without a repository"),
    budget("push to applied", "100 ms", "50 ms", "Flux 0.139 s, Argo CD 0.209 s (seen)"),
    budget("pipeline step overhead, plain", "", "3 ms", "10.6 s"),
    budget("pipeline step overhead, isolated", "20 ms", "10 ms", "10.6 s"),
    budget("container start", "50 ms", "5 ms", "containerd 0.65 s (seen)"),
    budget("durable creates of 1 KB,  1", "1184 per s", "2960 per s", "kube-apiserver + etcd 592 per s (seen)"),
    budget("durable creates of 1 KB,  8", "2740 per s", "6850 per s", "kube-apiserver + etcd 1370 per s (seen)"),
    budget("durable creates of 1 KB, 64", "3560 per s", "10000 per s", "kube-apiserver + etcd 1780 per s (seen)"),
    budget("list of 10,000 x 1 KB", "60 ms", "25 ms", "kube-apiserver + etcd 193 ms (seen)"),
    budget("GET p50", "0.3 ms", "0.1 ms", "kube-apiserver + etcd 0.84 ms (seen)"),
    budget("watch fan-out to 1,000", "25 ms", "10 ms", "kube-apiserver + etcd 31 ms (seen)"),
    budget("ledger append", "20000 per s", "50000 per s", "10000 per s"),
    budget("ledger verify", "200000 per s", "1000000 per s", ""),
    budget("idle memory", "80 MiB", "40 MiB", "bare Kubernetes 592 MiB (seen)"),
    budget("binary", "60 MB", "40 MB", ""),
];

/// The budget of the job that a row measures.
pub(super) fn of(row: &str) -> Option<&'static Budget> {
    BUDGETS.iter().find(|it| row.starts_with(it.name))
}
