//! A service that behaves badly in the way that its setting `MODE` names. Tests build it with plain rustc, linked static,
//! and deliver it through the real platform. Whatever it does to a machine that limits nothing has an end.

use std::ffi::c_int;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;
use std::{env, process, thread};

unsafe extern "C" {
    safe fn fork() -> c_int;
    safe fn signal(signal: c_int, handler: usize) -> usize;
}

const SIGTERM: c_int = 15;
const IGNORED: usize = 1;

fn main() {
    let mode = env::var("MODE").unwrap_or_default();
    println!("hostile: mode {mode}");
    match mode.as_str() {
        "good" => serve(true),
        "never-ready" => serve(false),
        "exits" => {
            eprintln!("hostile: the configuration is broken");
            process::exit(3);
        }
        "deaf" => {
            signal(SIGTERM, IGNORED);
            serve(false);
        }
        "forks" => multiply(),
        "leaks" => leak(),
        "prints" => print(),
        other => {
            eprintln!("hostile: there is no mode {other:?}");
            process::exit(2);
        }
    }
}

/// Answers every request: the page always, the health check as told.
fn serve(ready: bool) {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 8080)).expect("the port is free");
    for stream in listener.incoming().flatten() {
        thread::spawn(move || answer(stream, ready));
    }
}

fn answer(mut stream: TcpStream, ready: bool) {
    let (mut head, mut chunk) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|it| it == b"\r\n\r\n") {
        match stream.read(&mut chunk) {
            Ok(read) if read > 0 && head.len() < 16 << 10 => head.extend(&chunk[..read]),
            _ => return,
        }
    }
    let sick = !ready && head.starts_with(b"GET /healthz ");
    let status = if sick { "503 Service Unavailable" } else { "200 OK" };
    let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
}

/// Every child has children of its own.
fn multiply() {
    for _ in 0..100_000 {
        if fork() < 0 {
            thread::sleep(Duration::from_millis(10));
        }
    }
    thread::sleep(Duration::from_secs(600));
}

/// Takes memory until it is stopped, or has a gibibyte.
fn leak() {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    for round in 1..=1024_u32 {
        taken.push(vec![round as u8 | 1; 1 << 20]);
        if round % 16 == 0 {
            println!("hostile: {round} MiB");
        }
        thread::sleep(Duration::from_millis(2));
    }
    thread::sleep(Duration::from_secs(600));
    drop(taken);
}

/// Bytes that are no text, without line ends and with all that terminals obey, as fast as they are taken.
fn print() {
    thread::spawn(|| serve(false));
    let mut state = 0x9e37_79b9_u32;
    let noise: Vec<u8> = (0..1 << 16)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        })
        .collect();
    let mut out = std::io::stdout().lock();
    while out.write_all(&noise).is_ok() {}
}
