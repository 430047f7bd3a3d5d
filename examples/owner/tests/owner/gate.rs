//! A way to the service that stops at a certain request, so that a test decides what happens at that moment, and that
//! remembers what was sent.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

pub(crate) struct Gate {
    pub(crate) url: String,
    arrived: Receiver<()>,
    state: Arc<(Mutex<State>, Condvar)>,
    sent: Arc<Mutex<Vec<u8>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Everything passes.
    Open,
    /// Requests that begin with this wait.
    Stopping(&'static str),
    /// Those that wait get no further; everything else passes.
    Lost,
}

impl Gate {
    pub(crate) fn new(service: &str) -> Self {
        let state = Arc::new((Mutex::new(State::Open), Condvar::new()));
        let (arrival, arrived) = channel();
        let shared = Arc::clone(&state);
        let sent = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&sent);
        let url = relay(service, move |client, server| forward(client, server, &shared, &arrival, &log));
        Self { url, arrived, state, sent }
    }

    /// Every request so far, and forgets them.
    pub(crate) fn take_sent(&self) -> Vec<u8> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }

    /// Lets requests wait that begin with `line`.
    pub(crate) fn stop_at(&self, line: &'static str) {
        self.set(State::Stopping(line));
    }

    /// Waits until a request waits.
    pub(crate) fn wait(&self) {
        self.arrived.recv_timeout(Duration::from_secs(60)).unwrap();
    }

    pub(crate) fn open(&self) {
        self.set(State::Open);
    }

    /// Loses what waits.
    pub(crate) fn lose(&self) {
        self.set(State::Lost);
    }

    fn set(&self, state: State) {
        *self.state.0.lock().unwrap() = state;
        self.state.1.notify_all();
    }
}

/// Listens in place of the service; answers come through as they are, requests by way of `forward`. Its URL.
pub(crate) fn relay(service: &str, forward: impl Fn(TcpStream, TcpStream) + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let address = service.trim_start_matches("http://").to_owned();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), Ok(server)) = (client, TcpStream::connect(&address)) else { return };
            let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
            let forward = forward.clone();
            std::thread::spawn(move || forward(client, server));
        }
    });
    url
}

fn forward(
    mut client: TcpStream,
    mut server: TcpStream,
    state: &(Mutex<State>, Condvar),
    arrival: &Sender<()>,
    log: &Mutex<Vec<u8>>,
) {
    let mut chunk = vec![0; 1 << 16];
    while let Ok(n @ 1..) = client.read(&mut chunk) {
        let mut now = state.0.lock().unwrap();
        // Requests follow one another on a connection, each in pieces of its own.
        if matches!(*now, State::Stopping(line) if chunk[..n].starts_with(line.as_bytes())) {
            arrival.send(()).unwrap();
            now = state.1.wait_while(now, |state| matches!(state, State::Stopping(_))).unwrap();
            if *now == State::Lost {
                break;
            }
        }
        drop(now);
        log.lock().unwrap().extend_from_slice(&chunk[..n]);
        if server.write_all(&chunk[..n]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}
