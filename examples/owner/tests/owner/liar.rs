//! A service that answers another question than it was asked: requests have a text in their first line replaced on the
//! way.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};

use crate::gate::relay;

pub(crate) struct Liar {
    pub(crate) url: String,
    lies: Arc<Mutex<Vec<(String, String)>>>,
}

impl Liar {
    pub(crate) fn new(service: &str) -> Self {
        let lies = Arc::<Mutex<Vec<(String, String)>>>::default();
        let shared = Arc::clone(&lies);
        let url = relay(service, move |client, server| forward(client, server, &shared));
        Self { url, lies }
    }

    pub(crate) fn replaces(&self, text: &str, other: &str) {
        self.lies.lock().unwrap().push((text.to_owned(), other.to_owned()));
    }
}

fn forward(mut client: TcpStream, mut server: TcpStream, lies: &Mutex<Vec<(String, String)>>) {
    let mut chunk = vec![0; 1 << 16];
    while let Ok(n @ 1..) = client.read(&mut chunk) {
        let mut piece = chunk[..n].to_vec();
        // A GET comes in one piece.
        if let Some(Ok(get)) = piece.starts_with(b"GET ").then(|| String::from_utf8(piece.clone())) {
            let (line, rest) = get.split_once("\r\n").unwrap();
            let replace = |line: String, (text, other): &(String, String)| line.replace(text.as_str(), other);
            let line = lies.lock().unwrap().iter().fold(line.to_owned(), replace);
            piece = format!("{line}\r\n{rest}").into_bytes();
        }
        if server.write_all(&piece).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}
