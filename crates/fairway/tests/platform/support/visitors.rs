//! People who use services while something else happens.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// One for each host, each asking again and again.
pub(crate) struct Visitors {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<(String, u32, Vec<String>)>>,
}

impl Visitors {
    pub(crate) fn of(port: u16, hosts: &[&str]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let visit = |host: &&str| {
            let (stop, host) = (Arc::clone(&stop), (*host).to_owned());
            std::thread::spawn(move || {
                let (mut answered, mut failed) = (0, Vec::new());
                while !stop.load(Ordering::Relaxed) {
                    match get(port, &host) {
                        Ok(200) => answered += 1,
                        other => failed.push(format!("{other:?}")),
                    }
                    std::thread::sleep(Duration::from_millis(10));
                }
                (host, answered, failed)
            })
        };
        let threads = hosts.iter().map(visit).collect();
        Self { stop, threads }
    }

    /// Ends them. Every request must have been answered.
    pub(crate) fn all_were_answered(self, meanwhile: &str) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            let (host, answered, failed) = thread.join().expect("a visitor");
            assert!(failed.is_empty() && answered > 0, "{meanwhile}: {host}: {answered} answered, not {failed:?}");
        }
    }
}

/// The status of `/` of a host, through the gateway.
pub(crate) fn get(port: u16, host: &str) -> std::io::Result<u16> {
    page(port, host, "/").map(|it| it.0)
}

/// The status of a page and what it shows.
pub(crate) fn page(port: u16, host: &str, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|it| it.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|it| it.1.to_owned()).unwrap_or_default();
    status.map(|it| (it, body)).ok_or_else(|| std::io::Error::other(answer))
}
