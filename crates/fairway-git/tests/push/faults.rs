//! What goes wrong in the middle: nothing is half taken, and the next push is as good as ever.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fairway_git::Forge as _;
use fairway_git::rules::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::server::{Person, Served};
use crate::support::{Place, open, orders};

/// A push whose sender takes their time.
struct Slow {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Slow {
    /// Sends the head of a push of `commit` to `main`, and half of its body.
    async fn begin(served: &Served, person: &Person, commit: &str) -> Self {
        let first = served.main().await;
        let mut command = person.command(&["pack-objects", "--stdout", "--revs", "-q"]);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command.spawn().expect("git runs");
        std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), format!("{commit}\n^{first}\n").as_bytes())
            .expect("git reads");
        let pack = child.wait_with_output().expect("git ends").stdout;
        let asked = format!("{first} {commit} refs/heads/main\0report-status side-band-64k");
        let mut body = format!("{:04x}{asked}0000", asked.len() + 4).into_bytes();
        body.extend_from_slice(&pack);
        let mut stream = TcpStream::connect(("127.0.0.1", served.port)).await.expect("the server");
        let head = format!(
            "POST /git/shop/orders.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Type: application/x-git-receive-pack-request\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        let rest = body.split_off(body.len() / 2);
        stream.write_all(&body).await.expect("sent");
        let slow = Self { stream, rest };
        settle(async || !served.place.host.maintain(&orders()).await.expect("upkeep")).await;
        slow
    }

    /// Sends the rest and reads the answer.
    async fn end(mut self) -> String {
        let _ = self.stream.write_all(&self.rest).await;
        self.answer().await
    }

    async fn answer(&mut self) -> String {
        let mut answer = Vec::new();
        let _ = self.stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// Looks again and again until it is so.
async fn settle(is_so: impl AsyncFn() -> bool) {
    for _ in 0..1000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    unreachable!("it did not come to be so in ten seconds");
}

/// Nobody is at the repository any more.
async fn is_quiet(served: &Served) {
    settle(async || served.place.host.maintain(&orders()).await.expect("upkeep")).await;
}

/// A commit of some size that was not pushed.
async fn unpushed(served: &Served) -> (Person, String) {
    let ada = served.clone_as("ada").await;
    let commit = ada.commit("large", format!("{:?}", (0..50_000).collect::<Vec<u32>>()).as_bytes()).await;
    (ada, commit)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_pushes_at_once_one_wins_and_the_ref_is_where_it_said() {
    let served = Served::new().await;
    let mut people = Vec::new();
    for number in 0..6 {
        let person = served.clone_as(&format!("p{number}")).await;
        person.commit("race", format!("{number}").as_bytes()).await;
        people.push(person);
    }
    let mut tasks = JoinSet::new();
    for person in people.clone() {
        tasks.spawn(async move {
            let pushed = person.run(&["push", "origin", "main"]).await;
            (pushed.status.success(), person)
        });
    }
    let ended = tasks.join_all().await;
    let winners: Vec<_> = ended.iter().filter(|it| it.0).collect();
    assert_eq!(winners.len(), 1);
    let won = winners[0].1.ok(&["rev-parse", "HEAD"]).await;
    assert_eq!(served.main().await.as_str(), won);
    assert_eq!(served.recorded().len(), 1);
    served.is_sound();
    // The others go on top, as after any push that came first.
    let other = &ended.iter().find(|it| !it.0).expect("a loser").1;
    other.ok(&["pull", "--quiet", "--rebase", "-X", "theirs", "origin", "main"]).await;
    other.ok(&["push", "--quiet", "origin", "main"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_dies_in_the_middle_leaves_nothing() {
    let served = Served::new().await;
    let (ada, commit) = unpushed(&served).await;
    drop(Slow::begin(&served, &ada, &commit).await);
    is_quiet(&served).await;
    assert_eq!(served.main().await, served.first);
    served.is_sound();
    ada.ok(&["push", "--quiet", "origin", "main"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_cleans_up_under_a_push_and_the_push_is_taken() {
    let served = Served::new().await;
    let (ada, commit) = unpushed(&served).await;
    let slow = Slow::begin(&served, &ada, &commit).await;
    assert!(!served.place.host.maintain(&orders()).await.expect("upkeep"));
    let answer = slow.end().await;
    assert!(answer.contains("unpack ok") && answer.contains("ok refs/heads/main"), "{answer}");
    assert_eq!((served.main().await.as_str(), served.recorded().len()), (commit.as_str(), 1));
    is_quiet(&served).await;
    served.is_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_taken_once_all_of_it_was_sent_although_nobody_listens_any_more() {
    let served = Served::new().await;
    let (ada, commit) = unpushed(&served).await;
    let mut slow = Slow::begin(&served, &ada, &commit).await;
    slow.stream.write_all(&slow.rest).await.expect("sent");
    slow.stream.flush().await.expect("sent");
    slow.stream.shutdown().await.expect("closed");
    drop(slow);
    is_quiet(&served).await;
    // It was sent, or it was not: either way the ref and the record say the same.
    let main = served.main().await;
    assert_eq!(main.as_str() == commit, served.recorded().len() == 1);
    served.is_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_in_the_middle_of_a_push_ends_it() {
    let served = Served::new().await;
    let (ada, commit) = unpushed(&served).await;
    let slow = Slow::begin(&served, &ada, &commit).await;
    served.record.revoked.store(true, Ordering::SeqCst);
    let answer = slow.end().await;
    assert!(answer.contains("you may no longer push here") && !answer.contains("ok refs/heads/main"), "{answer}");
    is_quiet(&served).await;
    assert_eq!((served.main().await, served.recorded().len()), (served.first.clone(), 0));
    let refused = served.record.refused.lock().expect("a list").clone();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].why.starts_with("you may no longer push here"), "{refused:?}");
    assert_eq!(refused[0].push.updates[0].reference, "refs/heads/main");
    served.is_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn git_killed_in_the_middle_of_a_push_is_told_and_the_next_push_is_taken() {
    let served = Served::new().await;
    let (ada, commit) = unpushed(&served).await;
    let slow = Slow::begin(&served, &ada, &commit).await;
    let bare = served.place.bare(&orders());
    fs::write(bare.join("refs/heads/main.lock"), "").expect("what a git that was killed later leaves");
    // The repository is held a moment before git is there.
    settle(async || kill_receive_pack(&bare) > 0).await;
    let answer = slow.end().await;
    assert!(answer.contains("git was ended") && answer.contains("push again"), "{answer}");
    is_quiet(&served).await;
    assert_eq!(served.main().await, served.first);
    served.is_sound();
    assert!(served.refusals().is_empty(), "what broke off was not refused");
    ada.ok(&["push", "--quiet", "origin", "main"]).await;
}

/// Kills each `git receive-pack` of a repository.
fn kill_receive_pack(bare: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir("/proc").expect("processes").flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        if line.contains("receive-pack") && line.contains(&*bare.to_string_lossy()) {
            let pid = entry.file_name();
            let killed = Command::new("kill").arg("-9").arg(pid).status().expect("kill runs");
            count += usize::from(killed.success());
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_cannot_be_recorded_is_not_acknowledged() {
    let served = Served::new().await;
    let (ada, commit) = unpushed(&served).await;
    let mut hints = served.place.host.pushes();
    served.record.unwritable.store(true, Ordering::SeqCst);
    let said = ada.fails(&["push", "origin", "main"]).await;
    assert!(said.contains("not recorded: the ledger is full"), "{said}");
    // It has moved all the same, and whoever acts on refs knows by whom.
    assert_eq!(served.main().await.as_str(), commit);
    assert_eq!(hints.try_recv().expect("a hint").pushed_by, "local:1000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_ends_what_is_not_all_there() {
    let served = Served::new().await;
    let (ada, commit) = unpushed(&served).await;
    let mut slow = Slow::begin(&served, &ada, &commit).await;
    served.place.host.stop().await;
    let answer = slow.answer().await;
    assert!(answer.contains("the platform stops"), "{answer}");
    let said = ada.fails(&["push", "origin", "main"]).await;
    assert!(said.contains("503"), "{said}");
    assert_eq!(served.main().await, served.first);
    served.is_sound();
}

#[tokio::test]
async fn a_git_that_outlives_its_platform_keeps_others_from_cleaning_up() {
    let place = Place::new().await;
    place.host.create(&orders(), &crate::support::initial(Vec::new())).await.expect("it is made");
    let bare = place.bare(&orders());
    let lock = bare.join("refs/heads/main.lock");
    fs::write(&lock, "").expect("a lock");
    let file = fs::OpenOptions::new().create(true).append(true).open(bare.join("fairway.lock")).expect("a file");
    file.lock_shared().expect("as git holds it");
    let host = open(&place.folder.path().join("git"), Limits::default()).await;
    assert!(lock.exists(), "somebody's lock was taken away");
    assert!(!host.maintain(&orders()).await.expect("upkeep"));
    drop(file);
    let host = open(&place.folder.path().join("git"), Limits::default()).await;
    assert!(!lock.exists(), "nobody's lock stays");
    assert!(host.maintain(&orders()).await.expect("upkeep"));
}

/// A commit of very many files, made without writing any of them.
async fn many_files(person: &Person, count: usize) {
    let mut stream = String::from(
        "feature done\ncommit refs/heads/many\ncommitter A <a@b> 1700000000 +0000\ndata 1\nx\nfrom refs/heads/main\n",
    );
    for number in 0..count {
        use std::fmt::Write as _;
        let text = number.to_string();
        let _ = write!(stream, "M 100644 inline d{}/f{number}\ndata {}\n{text}\n", number % 100, text.len());
    }
    stream.push_str("done\n");
    let folder = person.folder.clone();
    let import = move || {
        crate::support::git(
            &folder,
            &["-c", "core.compression=0", "fast-import", "--quiet", "--done", "--depth=0"],
            stream.as_bytes(),
        )
    };
    tokio::task::spawn_blocking(import).await.expect("imported");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_small_files_are_refused_by_their_number_or_taken_where_that_is_allowed() {
    let served = Served::new().await;
    let ada = served.clone_as("ada").await;
    many_files(&ada, 100_000).await;
    let said = ada.fails(&["push", "origin", "many"]).await;
    assert!(said.contains("more than 50000 files") && said.contains(".gitignore"), "{said}");
    served.is_sound();
    let large = Served::with(Limits { files: 100_010, ..Limits::default() }).await;
    ada.ok(&["push", "--quiet", &large.url(), "many"]).await;
    let refs = large.place.host.refs(&orders()).await.expect("refs");
    let files = large.place.host.tree(&orders(), &refs["refs/heads/many"].commit, "d7").await.expect("a tree");
    assert_eq!(files.len(), 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_gigabyte_is_refused_although_it_packs_to_nothing() {
    let served = Served::new().await;
    let ada = served.clone_as("ada").await;
    let file = fs::File::create(ada.folder.join("huge.bin")).expect("a file");
    file.set_len(1 << 30).expect("a sparse file");
    ada.ok(&["-c", "core.bigFileThreshold=1m", "-c", "core.compression=1", "add", "huge.bin"]).await;
    ada.ok(&["commit", "--quiet", "-m", "Huge"]).await;
    let said = ada.fails(&["push", "origin", "main"]).await;
    assert!(said.contains("huge.bin") && said.contains("has 1 GiB") && said.contains("may have 100 MiB"), "{said}");
    let kept = fs::read_dir(served.place.bare(&orders()).join("objects/pack")).expect("packs");
    let kept: u64 = kept.flatten().map(|it| it.metadata().map_or(0, |it| it.size())).sum();
    assert!(kept < 1 << 20, "{kept} bytes stay");
    served.is_sound();
}

/// A file system of 16 MiB, unmounted at the end.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs"]).arg(at).output().ok()?;
        mounted.status.success().then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_a_push_keeps_what_was_taken_and_takes_more_when_there_is_room() {
    let place = Place::new().await;
    let disk = tempfile::tempdir().expect("a folder");
    let Some(_disk) = SmallDisk::mount(disk.path()) else {
        eprintln!("skipped: only root can mount a small disk");
        return;
    };
    let host = open(&disk.path().join("git"), Limits::default()).await;
    let served = Served::around(Place { folder: place.folder, host }).await;
    let ada = served.clone_as("ada").await;
    let before = ada.commit("before", b"x").await;
    ada.ok(&["push", "--quiet", "origin", "main"]).await;
    fs::write(disk.path().join("filler"), vec![1; 14 << 20]).expect("a filler");
    let mut noise = 1u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (noise >> 33).to_le_bytes()[0]
    })
    .take(4 << 20)
    .collect();
    let after = ada.commit("noise", &noise).await;
    let said = ada.fails(&["push", "origin", "main"]).await;
    assert!(said.contains("No space left on device"), "{said}");
    assert_eq!(served.main().await.as_str(), before);
    served.clone_as("bob").await;
    fs::remove_file(disk.path().join("filler")).expect("make room");
    ada.ok(&["push", "--quiet", "origin", "main"]).await;
    assert_eq!(served.main().await.as_str(), after);
    assert_eq!(served.recorded().len(), 2);
}
