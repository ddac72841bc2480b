//! A wire that stops in the middle: what is sent through it waits after so many bytes until it is let go on.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

#[derive(Default)]
struct State {
    sent: usize,
    waits: bool,
    open: bool,
}

/// A port of its own in front of another one.
pub(crate) struct Gate {
    pub(crate) port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Gate {
    /// Lets so many bytes through, of all connections together; what is answered is never held.
    pub(crate) fn before(port: u16, bytes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = listener.local_addr().expect("its address").port();
        let gate = Self { port: own, state: Arc::default() };
        let state = Arc::clone(&gate.state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { return };
                let back = (server.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
                std::thread::spawn(move || answer(back.0, back.1));
                let state = Arc::clone(&state);
                std::thread::spawn(move || send(client, server, &state, bytes));
            }
        });
        gate
    }

    /// Waits until somebody waits.
    pub(crate) fn holds(&self) {
        let (state, changed) = &*self.state;
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_while(state, |it| !it.waits).unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn open(&self) {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner).open = true;
        self.state.1.notify_all();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

fn answer(mut from: TcpStream, mut to: TcpStream) {
    let _ends_with_either = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

fn send(mut from: TcpStream, mut to: TcpStream, gate: &(Mutex<State>, Condvar), bytes: usize) {
    let mut chunk = vec![0u8; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut chunk) {
        let mut state = gate.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.sent += length;
        if state.sent > bytes {
            state.waits = true;
            gate.1.notify_all();
            drop(gate.1.wait_while(state, |it| !it.open).unwrap_or_else(PoisonError::into_inner));
        } else {
            drop(state);
        }
        if to.write_all(&chunk[..length]).is_err() {
            return;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
