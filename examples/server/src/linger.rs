//! Reads on after a refusal, so that the client sees it.
//!
//! A connection that is closed while its peer still sends is reset, and the peer may never read
//! the answer: an agent would see a broken pipe in place of `device.revoked`. So the rest of a body
//! that nobody wanted is read and thrown away, up to a limit, while the answer is on its way
//! (RFC 9112 §9.6).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use tokio::runtime::Handle;

/// Twice the largest body that is taken anywhere, but for a blob's: whoever sends one of those in vain may see a reset.
const MAX_BYTES: usize = 64 * 1024 * 1024;
const MAX_TIME: Duration = Duration::from_secs(10);

/// Lets every request linger.
pub(crate) async fn request(request: Request, next: Next) -> Response {
    next.run(request.map(|body| Body::new(Lingering(body)))).await
}

/// A body that is read on when it is dropped before its end.
struct Lingering(Body);

impl HttpBody for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.0.size_hint()
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if self.0.is_end_stream() {
            return;
        }
        let body = std::mem::take(&mut self.0);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(tokio::time::timeout(MAX_TIME, discard(body)));
        }
    }
}

async fn discard(mut body: Body) {
    let mut left = MAX_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
