//! A mirror on this machine, which answers as it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What is answered to a path.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Bytes(Vec<u8>),
    Status(u16),
    Redirect(String),
    /// Says its length, and ends in the middle.
    Truncated(Vec<u8>),
    /// Says no length, and never ends.
    Endless,
    /// Says this length, and goes on as long as somebody listens.
    Claims(u64),
    /// Not HTTP at all.
    Noise,
}

type Answers = Arc<Mutex<BTreeMap<String, Answer>>>;

/// The mirror. Gone with its last request when it is dropped.
pub(super) struct Server {
    pub(super) url: String,
    answers: Answers,
    asked: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (answers, asked) = (Answers::default(), Arc::<Mutex<Vec<String>>>::default());
        let mut tasks = JoinSet::new();
        let (own, log) = (Arc::clone(&answers), Arc::clone(&asked));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, asked) = (Arc::clone(&own), Arc::clone(&log));
                connections.spawn(async move {
                    let _ = serve(stream, &answers, &asked).await;
                });
            }
        });
        Self { url, answers, asked, _tasks: tasks }
    }

    pub(super) fn put(&self, path: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, answers: &Answers, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        asked.lock().unwrap().push(path.clone());
        let answer = answers.lock().unwrap().get(&path).cloned().unwrap_or(Answer::Status(404));
        let length = |it: u64| format!("HTTP/1.1 200 OK\r\ncontent-length: {it}\r\n\r\n");
        match answer {
            Answer::Bytes(bytes) => {
                stream.write_all(length(bytes.len() as u64).as_bytes()).await?;
                stream.write_all(&bytes).await?;
                continue;
            }
            Answer::Status(code) => {
                let text = format!("HTTP/1.1 {code} No\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(text.as_bytes()).await?;
            }
            Answer::Redirect(to) => {
                let text = format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(text.as_bytes()).await?;
            }
            Answer::Truncated(bytes) => {
                stream.write_all(length(bytes.len() as u64).as_bytes()).await?;
                stream.write_all(&bytes[..bytes.len() / 2]).await?;
            }
            Answer::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                loop {
                    stream.write_all(&[0; 8192]).await?;
                }
            }
            Answer::Claims(bytes) => {
                stream.write_all(length(bytes).as_bytes()).await?;
                loop {
                    stream.write_all(&[0; 8192]).await?;
                }
            }
            Answer::Noise => stream.write_all(b"220 mail.example ESMTP\r\n").await?,
        }
        return Ok(());
    }
}
