//! The agent's end: holds the keys of one device, seals, and never reveals.

use blindtally::{Outcome, RestoreError, RestoredAgent, SavedAgent};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes};

use crate::batch::{self, Errors, Tokenize};
use crate::blob;
use crate::class::{BlobClass, RecordClass, TokenClass};
use crate::error::{self, raise};
use crate::file::{Content, Handle};
use crate::given::{self, Bytes, Key, Of, Text, When};
use crate::held::Held;
use crate::identity::Identity;
use crate::policy::Policy;
use crate::ticket::Ticket;

/// A device that has asked for keys and has none yet. Export its state before the request is sent.
///
/// Closing it, or leaving its `with` block, wipes its keys.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct PendingAgent {
    held: Held<blindtally::PendingAgent>,
}

#[pymethods]
impl PendingAgent {
    fn __enter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        slf.get().held.look(slf.py(), |_| slf.clone())
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.held.close(py);
    }

    /// Wipes it. May be called again.
    fn close(&self, py: Python<'_>) {
        self.held.close(py);
    }

    /// The device's id, 32 hexadecimal digits: what the service knows it by.
    #[getter]
    fn device_id(&self, py: Python<'_>) -> PyResult<String> {
        self.held.look(py, |agent| agent.device_id().to_string())
    }

    /// The id of the account that it wants to belong to.
    #[getter]
    fn account(&self, py: Python<'_>) -> PyResult<String> {
        self.held.look(py, |agent| agent.account().to_string())
    }

    /// The 24 characters that the owner types when the device was enrolled without a ticket.
    #[getter]
    fn device_code(&self, py: Python<'_>) -> PyResult<String> {
        self.held.look(py, blindtally::PendingAgent::device_code)
    }

    /// The id of the ticket that its claim stems from, if any.
    #[getter]
    fn claim_ticket(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.held.look(py, |agent| agent.claim().ticket().map(|ticket| ticket.to_string()))
    }

    /// 32 secret bytes to show the service for the right to upload: yours to wipe.
    fn claim<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyByteArray>> {
        self.held.look(py, |agent| PyByteArray::new(py, agent.claim().expose()))
    }

    /// Seals a value for this device's own queue until the keys arrive: see Agent.dequeue. `when` is the moment of what it
    /// holds (default: now). Keep the record on this device.
    ///
    /// Raises RecordError: the value is longer than 1 MiB.
    #[pyo3(signature = (token_class, value, when=None))]
    fn queue(&self, py: Python<'_>, token_class: Of<TokenClass>, value: Text, when: Option<When>) -> PyResult<String> {
        let (class, seq) = (token_class.get().0, given::millis(when));
        let record = self.held.work_on(py, value.len(), |agent| agent.queue(class, &value, seq))?;
        record.map(|record| record.to_string()).map_err(raise)
    }

    /// Takes the delivery that came through the service, and gives the agent. Works again with the same delivery.
    ///
    /// Raises AcceptError: it is not a genuine delivery from the account to this device.
    fn accept(&self, py: Python<'_>, delivery: Bytes) -> PyResult<Agent> {
        self.held.work(py, |agent| agent.accept(&delivery))?.map(Agent::new).map_err(raise)
    }

    /// Everything that must survive a restart, sealed under a key of yours of 32 bytes; with None the bytes are in the
    /// clear: yours to wipe, and reading them is as good as the device.
    fn export_state<'py>(&self, py: Python<'py>, wrapping_key: Option<Key>) -> PyResult<Bound<'py, PyByteArray>> {
        let saved = self.held.look(py, blindtally::PendingAgent::save)?;
        exported(py, &saved, wrapping_key)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        self.held.look(py, |agent| format!("{agent:?}")).unwrap_or_else(|_| "PendingAgent(closed)".to_owned())
    }
}

/// Where an agent stands.
#[pyclass(module = "blindtally", frozen, eq)]
#[derive(PartialEq)]
pub(crate) struct AgentStatus(blindtally::AgentStatus);

#[pymethods]
impl AgentStatus {
    /// "encrypted": it seals. "needs-upgrade": the policy asks for something that this version does not know, and it seals
    /// nothing. "revoked": its keys are erased.
    #[getter]
    fn kind(&self) -> &'static str {
        match self.0 {
            blindtally::AgentStatus::Encrypted { .. } => "encrypted",
            blindtally::AgentStatus::NeedsUpgrade => "needs-upgrade",
            blindtally::AgentStatus::Revoked => "revoked",
        }
    }

    /// Version of the policy in force, while it seals.
    #[getter]
    fn policy_version(&self) -> Option<u64> {
        match self.0 {
            blindtally::AgentStatus::Encrypted { policy_version, .. } => Some(policy_version),
            _ => None,
        }
    }

    /// The epoch it seals in, while it seals.
    #[getter]
    fn epoch(&self) -> Option<u16> {
        match self.0 {
            blindtally::AgentStatus::Encrypted { epoch, .. } => Some(epoch.get()),
            _ => None,
        }
    }

    fn __repr__(&self) -> String {
        format!("AgentStatus({})", self.kind())
    }
}

/// A device with keys. Any number of threads may use it at once.
///
/// Closing it, or leaving its `with` block, wipes its keys.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct Agent {
    pub(crate) held: Held<blindtally::Agent>,
}

impl Agent {
    fn new(agent: blindtally::Agent) -> Self {
        Self { held: Held::new(agent) }
    }
}

#[pymethods]
impl Agent {
    /// Makes a request for keys with a ticket: generates the device's key pairs (about a second) unless an identity is
    /// given, which is used up unless the name is refused. Gives the pending agent, whose state is to be exported first, and
    /// the request, which goes through the service.
    ///
    /// Raises EnrollmentError: a name has 1 to 128 bytes of UTF-8.
    #[staticmethod]
    #[pyo3(signature = (ticket, name, *, identity=None))]
    fn enroll<'py>(
        py: Python<'py>,
        ticket: Of<Ticket>,
        name: Text,
        identity: Option<Of<Identity>>,
    ) -> PyResult<(PendingAgent, Bound<'py, PyBytes>)> {
        blindtally::Agent::check_name(&name).map_err(raise)?;
        let identity = identity.map(|identity| identity.get().held.take(py)).transpose()?;
        let ticket = &ticket.get().0;
        let enrolled = py.detach(|| match identity {
            Some(identity) => blindtally::Agent::enroll_with(ticket, &name, identity),
            None => blindtally::Agent::enroll(ticket, &name),
        });
        enrolling(py, enrolled)
    }

    /// Makes a request without a ticket, with the account's code as the owner reads it out: the owner has to type
    /// PendingAgent.device_code.
    ///
    /// Raises MalformedError: the code is mistyped.
    #[staticmethod]
    #[pyo3(signature = (code, *, identity=None))]
    fn enroll_by_code<'py>(
        py: Python<'py>,
        code: Text,
        identity: Option<Of<Identity>>,
    ) -> PyResult<(PendingAgent, Bound<'py, PyBytes>)> {
        let code = blindtally::AccountCode::parse(&code).map_err(raise)?;
        let identity = identity.map(|identity| identity.get().held.take(py)).transpose()?;
        let enrolled = py.detach(|| match identity {
            Some(identity) => blindtally::Agent::enroll_by_code_with(&code, identity),
            None => blindtally::Agent::enroll_by_code(&code),
        });
        enrolling(py, enrolled)
    }

    /// Brings an agent back from what export_state gave, with the key it was wrapped under, if any.
    ///
    /// Raises StateError: damaged, wrapped under another key or under none, or of an agent that has no keys yet.
    #[staticmethod]
    #[pyo3(signature = (state, wrapping_key=None))]
    fn from_state(state: Bytes, wrapping_key: Option<Key>) -> PyResult<Self> {
        restored(state, wrapping_key).and_then(RestoredAgent::agent).map(Self::new).map_err(raise)
    }

    fn __enter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        slf.get().held.look(slf.py(), |_| slf.clone())
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.held.close(py);
    }

    /// Wipes it. May be called again.
    fn close(&self, py: Python<'_>) {
        self.held.close(py);
    }

    /// The device's id, 32 hexadecimal digits.
    #[getter]
    fn device_id(&self, py: Python<'_>) -> PyResult<String> {
        self.held.look(py, |agent| agent.device_id().to_string())
    }

    /// The account's id, 32 hexadecimal digits.
    #[getter]
    fn account(&self, py: Python<'_>) -> PyResult<String> {
        self.held.look(py, |agent| agent.account().to_string())
    }

    /// Where it stands.
    #[getter]
    fn status(&self, py: Python<'_>) -> PyResult<AgentStatus> {
        self.held.look(py, |agent| AgentStatus(agent.status()))
    }

    /// The policy in force.
    #[getter]
    fn policy(&self, py: Python<'_>) -> PyResult<Policy> {
        self.held.look(py, |agent| Policy(agent.signed_policy().clone()))
    }

    /// The id of the ticket that its claim stems from, if any.
    #[getter]
    fn claim_ticket(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.held.look(py, |agent| agent.claim().ticket().map(|ticket| ticket.to_string()))
    }

    /// 32 secret bytes to show the service for the right to upload: yours to wipe.
    fn claim<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyByteArray>> {
        self.held.look(py, |agent| PyByteArray::new(py, agent.claim().expose()))
    }

    /// Seals a value of up to 4,096 bytes of UTF-8 into its token, after bringing it into the form that the policy sets.
    /// Many values: tokenize_many, which is several times as fast.
    ///
    /// Raises TokenizeError: it is too long, there is no key for the class, or the agent seals nothing any more.
    fn tokenize(&self, py: Python<'_>, token_class: Of<TokenClass>, value: Text) -> PyResult<String> {
        let class = token_class.get().0;
        self.held.look(py, |agent| agent.tokenize(class, &value).map(|token| token.to_string()))?.map_err(raise)
    }

    /// Seals many values of a class. A list, or whatever can be iterated over, gives a list; a column in Arrow memory (of
    /// pyarrow, polars, pandas, DuckDB: strings, also dictionary-encoded) gives a Column, which any of them takes. None and
    /// null stay what they are.
    ///
    /// A value that is refused raises, with its place in `index` and nothing returned; with errors="null" None is in its
    /// place, with errors="return" (lists only) the exception.
    ///
    /// Raises TokenizeError, ArgumentTypeError, ArgumentValueError (python.surrogate).
    #[pyo3(signature = (token_class, values, *, errors=Errors::Raise), text_signature = "($self, token_class, values, *, errors='raise')")]
    fn tokenize_many<'py>(
        &self,
        token_class: Of<TokenClass>,
        values: &Bound<'py, PyAny>,
        errors: Errors,
    ) -> PyResult<Bound<'py, PyAny>> {
        batch::run(&self.held, &Tokenize(token_class.get().0), values, errors)
    }

    /// Seals a record of up to 1 MiB under this device's own key. `when` is the moment of what it holds: an aware datetime
    /// or Unix milliseconds (default: now).
    ///
    /// Raises RecordError.
    #[pyo3(signature = (record_class, value, when=None))]
    fn seal_record(
        &self,
        py: Python<'_>,
        record_class: Of<RecordClass>,
        value: Text,
        when: Option<When>,
    ) -> PyResult<String> {
        let (class, seq) = (record_class.get().0, given::millis(when));
        let record = self.held.work_on(py, value.len(), |agent| agent.seal_record(class, &value, seq))?;
        record.map(|record| record.to_string()).map_err(raise)
    }

    /// Seals a blob in memory, of bytes or whatever else has the buffer protocol, under this device's own key. `when` as in
    /// seal_record. What is longer than some MiB is better written to `blob_writer`.
    ///
    /// Raises BlobError: there is no key for the class, or the agent seals nothing any more.
    #[pyo3(signature = (blob_class, content, when=None))]
    fn seal_blob<'py>(
        &self,
        py: Python<'py>,
        blob_class: Of<BlobClass>,
        content: Content,
        when: Option<When>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let (class, seq) = (blob_class.get().0, given::millis(when));
        let sealed = self.held.work_on(py, content.len(), |agent| agent.seal_blob(class, seq, &content))?;
        sealed.map(|blob| PyBytes::new(py, &blob)).map_err(raise)
    }

    /// Seals what is written, in constant memory, to a file object with `write`: gives a BlobWriter, an io.RawIOBase. Its
    /// `with` block completes the blob, unless an exception leaves it. It goes on when the agent was closed meanwhile, and
    /// does not close the file.
    ///
    /// Raises BlobError: as seal_blob.
    #[pyo3(signature = (blob_class, file, when=None))]
    fn blob_writer<'py>(
        &self,
        blob_class: Of<BlobClass>,
        file: &Bound<'py, PyAny>,
        when: Option<When>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = file.py();
        let (class, seq, file) = (blob_class.get().0, given::millis(when), Handle::new(file, &["write"])?);
        let sealer = self.held.look(py, |agent| agent.blob_sealer(class, seq))?.map_err(raise)?;
        blob::writer(py, sealer, file)
    }

    /// Opens a value that PendingAgent.queue sealed before the keys arrived, and tokenizes it.
    ///
    /// Raises RecordError: it is of another device, or damaged. Raises TokenizeError as tokenize.
    fn dequeue(&self, py: Python<'_>, record: Text) -> PyResult<String> {
        let record = blindtally::Record::parse(&record).map_err(blindtally::RecordError::from).map_err(raise)?;
        self.held.look(py, |agent| agent.dequeue(&record).map(|token| token.to_string()))?.map_err(raise)
    }

    /// Takes a further delivery. Gives "updated" (export the state) or "unchanged".
    ///
    /// Raises AcceptError: it is older than the one in force, or not genuine; the agent goes on as it was.
    fn accept(&self, py: Python<'_>, delivery: Bytes) -> PyResult<&'static str> {
        self.held.change(py, |agent| agent.accept(&delivery))?.map(outcome).map_err(raise)
    }

    /// Takes a signed policy that came by itself. Gives "updated" or "revoked" (export the state), "unchanged", or
    /// "delivery-needed": it is of an epoch whose keys have not arrived.
    ///
    /// Raises AcceptError.
    fn apply_policy(&self, py: Python<'_>, policy: Bytes) -> PyResult<&'static str> {
        self.held.change(py, |agent| agent.apply_policy(&policy))?.map(outcome).map_err(raise)
    }

    /// Everything that must survive a restart, sealed under a key of yours of 32 bytes; with None the bytes are in the
    /// clear: yours to wipe, and reading them is as good as the device.
    fn export_state<'py>(&self, py: Python<'py>, wrapping_key: Option<Key>) -> PyResult<Bound<'py, PyByteArray>> {
        let saved = self.held.look(py, blindtally::Agent::save)?;
        exported(py, &saved, wrapping_key)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        self.held.look(py, |agent| format!("{agent:?}")).unwrap_or_else(|_| "Agent(closed)".to_owned())
    }
}

/// Brings an agent back from what export_state gave, in whichever phase it was.
///
/// Raises StateError.
#[pyfunction]
#[pyo3(signature = (state, wrapping_key=None))]
pub(crate) fn load_agent<'py>(py: Python<'py>, state: Bytes, wrapping_key: Option<Key>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match restored(state, wrapping_key).map_err(raise)? {
        RestoredAgent::Agent(agent) => Bound::new(py, Agent::new(agent))?.into_any(),
        RestoredAgent::Pending(pending) => Bound::new(py, PendingAgent { held: Held::new(pending) })?.into_any(),
    })
}

fn restored(mut state: Bytes, wrapping_key: Option<Key>) -> Result<RestoredAgent, RestoreError> {
    let saved = match wrapping_key {
        Some(key) => SavedAgent::unwrap_with(&state, &key.0)?,
        None => SavedAgent::from_exposed(std::mem::take(&mut state.0)),
    };
    saved.restore()
}

fn exported<'py>(py: Python<'py>, saved: &SavedAgent, wrapping_key: Option<Key>) -> PyResult<Bound<'py, PyByteArray>> {
    match wrapping_key {
        Some(key) => saved.wrap(&key.0).map(|wrapped| PyByteArray::new(py, &wrapped)).map_err(raise),
        None => Ok(PyByteArray::new(py, saved.expose())),
    }
}

fn enrolling<'py>(
    py: Python<'py>,
    enrolled: Result<(blindtally::PendingAgent, blindtally::EnrollmentRequest), blindtally::EnrollError>,
) -> PyResult<(PendingAgent, Bound<'py, PyBytes>)> {
    let (pending, request) = enrolled.map_err(error::raise)?;
    Ok((PendingAgent { held: Held::new(pending) }, PyBytes::new(py, request.as_bytes())))
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Updated => "updated",
        Outcome::Unchanged => "unchanged",
        Outcome::DeliveryNeeded => "delivery-needed",
        Outcome::Revoked => "revoked",
    }
}
