//! A service with one fault, in the way that its setting `FAULT` names. Tests build it with plain rustc, linked static,
//! deliver it through the real platform and ask why it is not as wanted. What it prints, programs like it print; what the
//! platform sees of it, it really does.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;
use std::process::{Command, Stdio};
use std::{env, fs, process, thread};

fn main() {
    if env::args().nth(1).is_some_and(|it| it == "migrate") {
        return migrate();
    }
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
        "asks" => {
            if let Err(error) = query("SELECT 1") {
                eprintln!("{error}");
                process::exit(1);
            }
            serve_with(8080, from_database);
        }
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

/// What the database answers: the client's own words where it does not.
fn query(statement: &str) -> Result<String, String> {
    psql(&["--no-align", "--tuples-only", "--command", statement], "")
}

fn psql(arguments: &[&str], input: &str) -> Result<String, String> {
    run(arguments, input).map_err(|(_, error)| error)
}

/// The same; where it does not end well, what it printed before too.
fn run(arguments: &[&str], input: &str) -> Result<String, (String, String)> {
    let nothing = |error| (String::new(), format!("psql: {error}"));
    let mut child = Command::new("psql")
        .env("PGCONNECT_TIMEOUT", "2")
        .args(["--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1"])
        .arg(setting("DATABASE_URL"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(nothing)?;
    let written = child.stdin.take().map(|mut it| it.write_all(input.as_bytes()));
    let output = child.wait_with_output().map_err(nothing)?;
    let said = |it: &[u8]| String::from_utf8_lossy(it).trim().to_owned();
    if output.status.success() && written.is_some_and(|it| it.is_ok()) {
        return Ok(said(&output.stdout));
    }
    Err((said(&output.stdout), said(&output.stderr)))
}

/// Runs each file of `/app/migrations` that has not run, as golden paths do: under a lock, each wholly or not at all. It
/// says which ran, and which failed.
fn migrate() {
    let mut files: Vec<_> = fs::read_dir("/app/migrations").into_iter().flatten().flatten().map(|it| it.path()).collect();
    files.sort();
    let mut script = "SET client_min_messages = warning;\nSELECT pg_advisory_lock(5) \\g /dev/null\n\
                      CREATE TABLE IF NOT EXISTS ran (name text PRIMARY KEY);\n"
        .to_owned();
    for file in &files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        script.push_str(&format!(
            "SELECT count(*) = 0 AS pending FROM ran WHERE name = '{name}' \\gset\n\\if :pending\n\\echo running {name}\n\
             BEGIN;\n\\i {}\nINSERT INTO ran VALUES ('{name}');\nCOMMIT;\n\\echo '{{\"ran\": \"{}\"}}'\n\\endif\n",
            file.display(),
            number(&name)
        ));
    }
    match run(&[], &script) {
        Ok(said) => println!("{said}"),
        Err((said, error)) => {
            let line = error.lines().find(|it| it.contains("ERROR:")).unwrap_or(&error);
            println!("{said}");
            // The one that it was at.
            if let Some(name) = said.lines().filter_map(|it| it.strip_prefix("running ")).next_back() {
                println!("{{\"failed\": \"{}\"}}", number(name));
            }
            eprintln!("error: {line}");
            process::exit(1);
        }
    }
}

/// `0002` of `0002_more.sql`.
fn number(file: &str) -> &str {
    file.split('_').next().unwrap_or_default()
}

/// The word that the database holds, and whether it answers at all.
fn from_database(head: &[u8]) -> (&'static str, String) {
    let asked = match head {
        it if it.starts_with(b"GET / ") => query("SELECT word FROM told"),
        it if it.starts_with(b"GET /healthz ") => query("SELECT 'ok'"),
        it if it.starts_with(b"GET /more ") => query("INSERT INTO ballast SELECT repeat(md5(random()::text), 30) FROM generate_series(1, 2000)"),
        _ => return ("404 Not Found", "no such page".to_owned()),
    };
    match asked {
        Ok(word) => ("200 OK", word),
        Err(error) => {
            eprintln!("{error}");
            ("503 Service Unavailable", error)
        }
    }
}

/// Answers `/` and `/healthz`, and has no other page.
fn serve(port: u16) {
    serve_with(port, |head| {
        let known = head.starts_with(b"GET / ") || head.starts_with(b"GET /healthz ");
        (if known { "200 OK" } else { "404 Not Found" }, "ok".to_owned())
    });
}

fn serve_with(port: u16, page: fn(&[u8]) -> (&'static str, String)) {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).expect("the port is free");
    println!("listening on http://0.0.0.0:{port}");
    for stream in listener.incoming().flatten() {
        thread::spawn(move || answer(stream, page));
    }
}

fn answer(mut stream: TcpStream, page: fn(&[u8]) -> (&'static str, String)) {
    let (mut head, mut chunk) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|it| it == b"\r\n\r\n") {
        match stream.read(&mut chunk) {
            Ok(read) if read > 0 && head.len() < 16 << 10 => head.extend(&chunk[..read]),
            _ => return,
        }
    }
    let (status, body) = page(&head);
    let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
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
