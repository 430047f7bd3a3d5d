//! The blind service over HTTP: JSON and bytes out, JSON and bytes back, and its refusals as failures.

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::visible::visible;

/// Longest answer that is read: a vault has at most 8 MiB, a page of a report less.
const ANSWER_MAX: u64 = 64 << 20;

/// How long a stream may stand still. How long it takes as a whole depends on its length, and is not limited.
const STANDSTILL_MAX: Duration = Duration::from_secs(60);

/// base64url without padding, as the service speaks it.
pub fn b64(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// The inverse of [`b64`].
///
/// # Errors
/// `service.nonsense` if it is not.
pub fn from_b64(text: &str) -> Result<Vec<u8>, Failure> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| nonsense())
}

/// A service at a base URL, with or without a bearer.
pub struct Service {
    agent: ureq::Agent,
    base: String,
    bearer: Option<Zeroizing<String>>,
}

/// What came back: never a refusal, those are [`Failure`]s.
pub struct Answer {
    body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// The body as it is.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// `service.nonsense` if it is not what was expected.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|_| nonsense())
    }
}

impl Service {
    /// A service at `base`, such as `http://127.0.0.1:8080`. Nothing is sent yet.
    pub fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_global(Some(Duration::from_secs(120)))
            .build();
        Self { agent: config.into(), base: base.trim_end_matches('/').to_owned(), bearer: None }
    }

    /// The same service with a bearer.
    #[must_use]
    pub fn with_bearer(mut self, bearer: &str) -> Self {
        self.bearer = Some(Zeroizing::new(format!("Bearer {bearer}")));
        self
    }

    /// Its base URL.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// GET.
    ///
    /// # Errors
    /// [`Failure::Unreachable`]; the service's own refusal; `service.nonsense`.
    pub fn get(&self, path: &str) -> Result<Answer, Failure> {
        let request = self.authorized(self.agent.get(self.url(path)));
        read(request.call())
    }

    /// POST of JSON.
    ///
    /// # Errors
    /// As [`Service::get`].
    pub fn post(&self, path: &str, body: &impl Serialize) -> Result<Answer, Failure> {
        let request = self.authorized(self.agent.post(self.url(path)));
        read(request.send_json(body))
    }

    /// POST of JSON that is compressed already, with its content coding.
    ///
    /// # Errors
    /// As [`Service::get`].
    pub fn post_encoded(&self, path: &str, coding: &str, body: &[u8]) -> Result<Answer, Failure> {
        let request = self.authorized(self.agent.post(self.url(path)));
        let request = request.header("Content-Type", "application/json").header("Content-Encoding", coding);
        read(request.send(body))
    }

    /// PUT of JSON.
    ///
    /// # Errors
    /// As [`Service::get`].
    pub fn put(&self, path: &str, body: &impl Serialize) -> Result<Answer, Failure> {
        let request = self.authorized(self.agent.put(self.url(path)));
        read(request.send_json(body))
    }

    /// PUT of bytes, with further headers.
    ///
    /// # Errors
    /// As [`Service::get`].
    pub fn put_bytes(&self, path: &str, body: &[u8], headers: &[(&str, String)]) -> Result<Answer, Failure> {
        let mut request = self.authorized(self.agent.put(self.url(path)));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        read(request.header("Content-Type", "application/octet-stream").send(body))
    }

    /// PUT of a whole file of any length, in constant memory. The service may refuse before it has got the file.
    ///
    /// # Errors
    /// As [`Service::get`].
    pub fn put_file(&self, path: &str, file: &File) -> Result<Answer, Failure> {
        let unreadable = |error| Failure::refused("file.unreadable", format_args!("what was to be sent: {error}"));
        let length = file.metadata().map_err(unreadable)?.len();
        let request = streaming(self.authorized(self.agent.put(self.url(path))));
        let request = request.header("Content-Type", "application/octet-stream").header("Content-Length", length);
        let mut file = file.take(length);
        read(request.header("Expect", "100-continue").send(ureq::SendBody::from_reader(&mut file)))
    }

    /// GET of bytes of any length, as they come.
    ///
    /// # Errors
    /// As [`Service::get`]; the reader's are those of the connection.
    pub fn open(&self, path: &str) -> Result<impl Read + use<>, Failure> {
        let request = streaming(self.authorized(self.agent.get(self.url(path))));
        let response = request.call().map_err(|error| unreachable(&error))?;
        if !response.status().is_success() {
            return Err(read(Ok(response)).map(drop).err().unwrap_or_else(nonsense));
        }
        Ok(response.into_body().into_reader())
    }

    /// GET of the first `length` bytes of something, and how many there are of it in all.
    ///
    /// # Errors
    /// As [`Service::get`]; `service.nonsense` if that is not what came.
    pub fn get_start(&self, path: &str, length: u64) -> Result<(Answer, u64), Failure> {
        let request = self.authorized(self.agent.get(self.url(path)));
        let response = request.header("Range", format!("bytes=0-{}", length - 1)).call();
        let total = response.as_ref().ok().and_then(|response| {
            let range = response.headers().get("Content-Range")?.to_str().ok()?;
            range.strip_prefix("bytes 0-")?.split_once('/')?.1.parse::<u64>().ok()
        });
        let answer = read(response)?;
        match total {
            Some(total) if answer.bytes().len() as u64 == length.min(total) => Ok((answer, total)),
            _ => Err(nonsense()),
        }
    }

    /// DELETE.
    ///
    /// # Errors
    /// As [`Service::get`].
    pub fn delete(&self, path: &str) -> Result<Answer, Failure> {
        let request = self.authorized(self.agent.delete(self.url(path)));
        read(request.call())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn authorized<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.bearer {
            Some(bearer) => request.header("Authorization", bearer.as_str()),
            None => request,
        }
    }
}

/// What streams is limited by its standstill, not by its duration.
fn streaming<B>(request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
    let config = request.config().timeout_global(None).timeout_recv_response(Some(Duration::from_secs(120)));
    config.timeout_per_read(Some(STANDSTILL_MAX)).timeout_per_write(Some(STANDSTILL_MAX)).build()
}

fn unreachable(error: &dyn std::fmt::Display) -> Failure {
    Failure::Unreachable { message: error.to_string() }
}

fn read(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer, Failure> {
    let mut response = response.map_err(|error| unreachable(&error))?;
    let status = response.status();
    let mut body = Zeroizing::new(Vec::new());
    let mut reader = response.body_mut().as_reader().take(ANSWER_MAX + 1);
    reader.read_to_end(&mut body).map_err(|error| unreachable(&error))?;
    if body.len() as u64 > ANSWER_MAX {
        return Err(nonsense());
    }
    if status.is_success() {
        return Ok(Answer { body });
    }
    #[derive(serde::Deserialize)]
    struct Refusal {
        code: String,
        message: String,
    }
    match serde_json::from_slice::<Refusal>(&body) {
        // Whoever runs the service chose these words, and they will be printed on a terminal.
        Ok(Refusal { code, message }) => Err(Failure::refused(&visible(&code), visible(&message))),
        Err(_) if status.is_server_error() => Err(Failure::Unreachable { message: format!("it answers {status}") }),
        Err(_) => Err(nonsense()),
    }
}

fn nonsense() -> Failure {
    Failure::refused("service.nonsense", "the service gave an answer that makes no sense")
}
