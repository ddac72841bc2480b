//! A service with one fault, in the way that its setting `FAULT` names. Tests build it with plain rustc, linked static,
//! deliver it through the real platform and ask why it is not as wanted. What it prints, programs like it print; what the
//! platform sees of it, it really does.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;
use std::{env, process, thread};

fn main() {
    match env::var("FAULT").unwrap_or_default().as_str() {
        "none" => serve(8080),
        "exits" => {
            println!("reading the plan");
            eprintln!("the plan makes no sense");
            process::exit(1);
        }
        "password" => {
            // The words of libpq through psycopg.
            let user = env::var("DB_USERNAME").unwrap_or_else(|_| "app".to_owned());
            eprintln!("Traceback (most recent call last):");
            eprintln!(
                "psycopg.OperationalError: connection failed: connection to server at \"127.0.0.1\", port 5432 failed: \
                 FATAL:  password authentication failed for user \"{user}\""
            );
            process::exit(1);
        }
        "database" => connect(&setting("DATABASE"), |host, port, error| {
            format!("connection to server at \"{host}\", port {port} failed: {error}\n\tIs the server running on that host and accepting TCP/IP connections?")
        }),
        "calls" => connect(&setting("CALLS"), |host, port, error| format!("GET http://{host}:{port}/ failed: {error}")),
        "variable" => {
            println!("hello {}", setting("GREETED"));
            serve(8080);
        }
        "port" => serve(setting("PORT").parse().expect("a port")),
        "memory" => leak(),
        other => {
            eprintln!("planted: there is no fault {other:?}");
            process::exit(2);
        }
    }
}

/// A variable that it cannot do without.
fn setting(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| {
        eprintln!("Error: {name}: {error}");
        process::exit(1);
    })
}

/// Calls somebody and ends if it cannot.
fn connect(target: &str, told: fn(&str, &str, std::io::Error) -> String) {
    let (host, port) = target.split_once(':').expect("host:port");
    let reached = target.to_socket_addrs().and_then(|mut all| {
        let address = all.next().ok_or_else(|| std::io::Error::other("no address"))?;
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"?")?;
        stream.read_exact(&mut [0])
    });
    if let Err(error) = reached {
        eprintln!("{}", told(host, port, error));
        process::exit(1);
    }
    serve(8080);
}

/// Answers `/` and `/healthz`, and has no other page.
fn serve(port: u16) {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).expect("the port is free");
    println!("listening on http://0.0.0.0:{port}");
    for stream in listener.incoming().flatten() {
        thread::spawn(move || answer(stream));
    }
}

fn answer(mut stream: TcpStream) {
    let (mut head, mut chunk) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|it| it == b"\r\n\r\n") {
        match stream.read(&mut chunk) {
            Ok(read) if read > 0 && head.len() < 16 << 10 => head.extend(&chunk[..read]),
            _ => return,
        }
    }
    let known = head.starts_with(b"GET / ") || head.starts_with(b"GET /healthz ");
    let status = if known { "200 OK" } else { "404 Not Found" };
    let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
}

/// Takes memory until it is stopped, or has a quarter of a gibibyte.
fn leak() {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    for round in 1..=256_u32 {
        taken.push(vec![round as u8 | 1; 1 << 20]);
        if round % 16 == 0 {
            println!("loaded {round} MiB");
        }
        thread::sleep(Duration::from_millis(2));
    }
    thread::sleep(Duration::from_secs(600));
    drop(taken);
}
